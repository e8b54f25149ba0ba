/// \file
/// `app_metrics:` of a pipeline: the metrics of its stream apps as rows of a table.
#pragma once

#include <optional>
#include <string>

#include "catchwater/config/describe.h"

namespace catchwater {

/// `{every: 1m, table: sensors.app_metrics}`
struct AppMetricsConfig {
  Duration every = Duration::Minutes(1);
  std::string table;
  std::optional<Duration> retain;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("every", every,
                   "How often a row is written for each stream; once more at the end.",
                   Bounds{Duration::Seconds(1), Duration::Days(1)}, Example{"1m"});
    field.Optional(
        "table", table,
        "The table, `namespace.name`. Default: the table of the lake and `__app_metrics`.",
        Example{"sensors.app_metrics"});
    field.Optional("retain", retain, "Older rows are removed. Default: kept for ever.",
                   Bounds{Duration::Minutes(1), Duration::Days(36'600)}, Example{"90d"});
  }
};

}  // namespace catchwater
