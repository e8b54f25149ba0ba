/// \file
/// Whether everything outside that a pipeline names answers, lets us in and fits.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/component/registry.h"
#include "catchwater/io/files.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// What such a check needs; all outlive the call.
struct ConnectContext {
  Files& files;
  const Clock& clock;
  const Registry& registry;
  std::ostream& console;
  std::string data_folder;  ///< Where it would be; nothing is made there.
};

struct ConnectFault {
  std::string component;  ///< "sink `postgres`"
  ConfigNode config;      ///< What stands under its name.
  arrow::Status status;
};

/// Checks the source and all sinks, whatever the others say. Changes nothing outside.
/// \retval kConfig if a step does not fit its input: then nobody knows what the sinks would get
arrow::Result<std::vector<ConnectFault>> CheckConnections(const PipelinePlan& plan,
                                                          const ConnectContext& context);

}  // namespace catchwater
