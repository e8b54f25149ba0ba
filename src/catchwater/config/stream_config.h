/// \file
/// `streams:` of a pipeline: keyed aggregations over windows of event time, or over all of it;
/// detectors that raise and clear alarms; how many readings there are of those that should be;
/// programs of others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/describe.h"
#include "catchwater/config/detect_config.h"
#include "catchwater/config/override_config.h"
#include "catchwater/config/script_config.h"
#include "catchwater/config/window_config.h"

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
  kStandardError,
  kRate,
  kTimeWeightedMean,
  kLargestGap,
  kHistogram,
};
/// "count", "sum", ..., "histogram".
std::string_view AggregateFunctionName(AggregateFunction function);

/// `total: sum(passengers)`, `n: count()`, `p95: quantile(0.95, temperature)`.
struct Aggregate {
  std::string name;  ///< Of the result column.
  AggregateFunction function = AggregateFunction::kCount;
  std::string column;        ///< Empty: count() of rows.
  double quantile = 0;       ///< kQuantile: within [0, 1].
  int32_t bucket_count = 0;  ///< kHistogram: between low and high.
  double low = 0;
  double high = 0;

  bool operator==(const Aggregate&) const = default;
};
/// The arguments but the column, for messages and for what a state is of.
std::string AggregateParameters(const Aggregate& aggregate);
/// Reads `function(arguments)`; the name stays empty. `median(c)` is quantile(0.5, c); `avg` is
/// `mean`. \retval kConfig naming what is wrong
arrow::Result<Aggregate> ParseAggregate(std::string_view text);

struct StreamConfig {
  std::string name;
  std::vector<std::string> key;
  WindowConfig window;
  std::vector<Aggregate> compute;
  std::vector<DetectorConfig> detect;  ///< Instead of a window.
  AlarmConfig alarms;
  std::optional<CoverageConfig> coverage;  ///< Instead of a window.
  std::optional<ScriptConfig> script;      ///< Instead of a window.
  std::optional<LateConfig> late;
  std::vector<OverrideConfig> overrides;
  ByteSize state_bytes_max = ByteSize::MiB(512);
  int64_t keys_max = 10'000'000;
  int64_t rows_per_second_max = 0;  ///< 0: any number.
  std::string from;                 ///< ISO 8601; empty: all.
  std::vector<ConfigNode> to;       ///< Each of one key; `table: ns.name` is one of them.

  /// As written; parsed into `compute` by ReadPipeline.
  std::vector<std::pair<std::string, std::string>> compute_texts;
  /// Parsed from `from` by ReadPipeline.
  std::optional<int64_t> from_us;

  /// One window over the whole input.
  bool is_window_all() const { return window.over == WindowOver::kAll; }

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("key", key, "Columns whose values separate the groups; none: one group.",
                   Count{0, 16}, Example{"[sensor_id]"});
    field.Optional("window", window,
                   "Which rows of a key belong together. A stream has `window` and `compute`, or "
                   "`detect`, or `coverage`, or `script`. `none`: each row by itself.",
                   Example{"all"});
    field.Optional(
        "compute", compute_texts,
        "Result columns: `count()`, `count(c)`, `sum(c)`, `min(c)`, `max(c)`, "
        "`mean(c)`, `variance(c)`, `stddev(c)`, `first(c)`, `last(c)`, `median(c)`, "
        "`quantile(0.95, c)`, `distinct(c)`, `standard_error(c)` of the mean, `rate(c)` "
        "(change a second from the first to the last row), `time_weighted_mean(c)` (each "
        "value holds until the next), `largest_gap()` (seconds between rows), "
        "`histogram(10, 0, 50, c)` (rows below, in 10 equal buckets from 0 to 50, and "
        "from 50 on).",
        Count{1, 200}, Example{"{n: count(), total: sum(passengers)}"});
    field.Optional("detect", detect,
                   "Detectors in the order in which they see the readings of a key; what they find "
                   "is alarms.",
                   Count{1, 50}, Example{"[{active_alarm: {active: isActive}}]"});
    field.Optional("alarms", alarms, "How alarms of `detect` are told.");
    field.Optional("coverage", coverage,
                   "For each key and period how many readings came, and how many should have by "
                   "the cadence that is learned.",
                   Example{"1h"});
    field.Optional("script", script,
                   "A program of your own that is given the rows of the table and answers with "
                   "results; only beside a lake.",
                   Example{"{command: [python3, app.py], results: {why: string}}"});
    field.Optional("late", late,
                   "What happens to rows that come late. Without: one minute of disorder beside a "
                   "lake, and none too late in a pipeline that ends by itself.");
    field.Optional(
        "overrides", overrides,
        "Other windows and lateness for some keys; the first that fits a key holds. Only "
        "with `window: {size: ...}` and `{session: ...}`.",
        Count{0, 20}, Example{"[{only: {station_id: [A]}, size: 5m, allow: 10m}]"});
    field.Optional("state_bytes_max", state_bytes_max,
                   "Memory that open windows and their keys may take. Over it rows of new keys are "
                   "refused and counted; with `window: all` the pipeline stops.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(64)});
    field.Optional("keys_max", keys_max, "Keys at a time; rows of others are refused and counted.",
                   Bounds{1, 1'000'000'000});
    field.Optional(
        "rows_per_second_max", rows_per_second_max,
        "Rows that are received in a second beyond these are refused and counted; 0: "
        "any number. Not with `window: all`. A script is given no more, and the rest waits.",
        Bounds{0, 1'000'000'000});
    field.Optional("from", from,
                   "Only rows from this event time on, ISO 8601; a new or edited stream is filled "
                   "with those that the table has. Default: all. Not with `window: all`.",
                   Example{"2026-01-01"});
    field.Required("to", to, "Where results go.", Holds{"sink"}, Count{1, 20},
                   Example{"[{console: {}}]"});
  }
};

}  // namespace catchwater
