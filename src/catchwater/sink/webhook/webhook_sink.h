/// \file
/// Sink `webhook`: rows as JSON to a URL, each request with an id that is the same when it comes
/// again.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

struct WebhookSinkConfig {
  std::string url;
  std::vector<std::string> columns;
  std::vector<std::pair<std::string, Secret>> headers;
  int64_t batch_rows = 500;
  Duration timeout = Duration::Seconds(30);
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url, "Where rows are posted to.",
                   Example{"https://example.org/hooks/readings"});
    field.Optional("columns", columns, "Columns to send, in order. Default: all.");
    field.Optional("headers", headers, "Headers of each request, e.g. `Authorization`.",
                   Count{0, 32});
    field.Optional("batch_rows", batch_rows, "Most rows in one request.", Bounds{1, 100'000});
    field.Optional("timeout", timeout, "Of one request.",
                   Bounds{Duration::Seconds(1), Duration::Minutes(10)});
    delivery.Describe(field);
  }
};

arrow::Status RegisterWebhookSink(Registry& registry);

}  // namespace catchwater
