/// \file
/// `control:` of a pipeline: where tenants switch their own streams and ask about them.
#pragma once

#include <string>
#include <vector>

#include "catchwater/config/describe.h"

namespace catchwater {

/// `{tenant: acme, apps: [hot], amqp: {url: ..., queue: acme.control}}`
struct ControlConfig {
  std::string tenant;
  std::vector<std::string> apps;
  ConfigNode amqp;  ///< Read by control/amqp_control.h, which knows brokers.

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("tenant", tenant, "Who asks, for status and log.", Example{"acme"});
    field.Required("apps", apps, "The streams that are the tenant's: no others can be asked about.",
                   Count{1, 100}, Example{"[hot]"});
    field.Required("amqp", amqp,
                   "The queue that the tenant sends to: `url`, `user`, `password`, `tls` and "
                   "`heartbeat` as in the source `amqp`, `queue`, and `create: true` to make it.",
                   Holds{"queue"},
                   Example{"{url: \"amqp://localhost:5672\", queue: acme.control}"});
  }
};

}  // namespace catchwater
