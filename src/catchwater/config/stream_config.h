/// \file
/// `streams:` of a pipeline: keyed aggregations over windows of event time, or over all of it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/describe.h"

namespace catchwater {

enum class AggregateFunction {
  kCount,
  kSum,
  kMin,
  kMax,
  kMean,
  kVariance,
  kStddev,
  kFirst,
  kLast,
  kQuantile,
  kDistinct,
};
/// "count", "sum", ..., "distinct".
std::string_view AggregateFunctionName(AggregateFunction function);

/// `total: sum(passengers)`, `n: count()`, `p95: quantile(0.95, temperature)`.
struct Aggregate {
  std::string name;  ///< Of the result column.
  AggregateFunction function = AggregateFunction::kCount;
  std::string column;   ///< Empty: count() of rows.
  double quantile = 0;  ///< kQuantile: within [0, 1].

  bool operator==(const Aggregate&) const = default;
};
/// Reads `function(arguments)`; the name stays empty. `median(c)` is quantile(0.5, c); `avg` is
/// `mean`. \retval kConfig naming what is wrong
arrow::Result<Aggregate> ParseAggregate(std::string_view text);

struct StreamConfig {
  std::string name;
  std::vector<std::string> key;
  ConfigNode window;  ///< `all`, or a map that the stream module reads.
  std::vector<Aggregate> compute;
  ConfigNode late;             ///< Read by the stream module.
  std::vector<ConfigNode> to;  ///< Each of one key; `table: ns.name` is one of them.

  /// As written; parsed into `compute` by ReadPipeline.
  std::vector<std::pair<std::string, std::string>> compute_texts;

  /// One window over the whole input.
  bool is_window_all() const { return window.is_scalar() && window.text() == "all"; }

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("key", key, "Columns whose values separate the groups; none: one group.",
                   Count{0, 16}, Example{"[sensor_id]"});
    field.Required("window", window, "`all`: one window over the whole input.", Holds{"window"},
                   Example{"all"});
    field.Required("compute", compute_texts,
                   "Result columns: `count()`, `count(c)`, `sum(c)`, `min(c)`, `max(c)`, "
                   "`mean(c)`, `variance(c)`, `stddev(c)`, `first(c)`, `last(c)`, `median(c)`, "
                   "`quantile(0.95, c)`, `distinct(c)`.",
                   Count{1, 200}, Example{"{n: count(), total: sum(passengers)}"});
    field.Optional("late", late, "What happens to rows behind the watermark.", Holds{"late"});
    field.Required("to", to, "Where results go.", Holds{"sink"}, Count{1, 20},
                   Example{"[{console: {}}]"});
  }
};

}  // namespace catchwater
