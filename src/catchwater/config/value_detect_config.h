/// \file
/// What the detectors that judge values look for: peaks, changes of the level, anomalies, trends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/config/describe.h"

namespace catchwater {

/// Values of one key column: `datapoint_id: [111, 116]`, `site: north`.
struct KeyValues {
  static constexpr std::string_view kShortFor = "values";

  std::vector<std::string> values;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("values", values, "One of these.", Count{1, 1'000});
  }
};
using OnlyKeys = std::vector<std::pair<std::string, KeyValues>>;

struct SpikeConfig {
  std::string value = "value";
  OnlyKeys only;
  int64_t before = 4;
  int64_t after = 2;
  Duration within = Duration::Minutes(15);
  double deviations = 5;
  double size_min = 0;
  bool remove = true;
  bool report = true;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("value", value, "Column of numbers.");
    field.Optional("only", only, "Only keys with these values of key columns.",
                   Example{"{datapoint_id: [111, 116]}"});
    field.Optional("before", before, "Neighbours before the reading.", Bounds{2, 32});
    field.Optional("after", after, "Neighbours after it: results wait for them.", Bounds{1, 32});
    field.Optional("within", within, "Neighbours are no farther away; else nothing is judged.",
                   Bounds{Duration::Millis(1), Duration::Days(366)});
    field.Optional("deviations", deviations,
                   "A peak is so many robust standard deviations from its neighbours.",
                   Bounds{2, 1'000});
    field.Optional("size_min", size_min, "And at least so far, in the unit of the value.",
                   Bounds{0, 1e300});
    field.Optional("remove", remove, "The other detectors of the stream do not see it.");
    field.Optional("report", report, "Each peak is a result.");
  }
};

struct ChangePointConfig {
  std::string value = "value";
  OnlyKeys only;
  int64_t learn = 30;
  double drift = 0.75;
  double limit = 12;
  double size_min = 0;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("value", value, "Column of numbers.");
    field.Optional("only", only, "Only keys with these values of key columns.");
    field.Optional("learn", learn, "Readings that a level is learned from.", Bounds{5, 10'000});
    field.Optional("drift", drift, "Standard deviations that are no change.", Bounds{0.05, 100});
    field.Optional("limit", limit, "Sum of what is beyond, in standard deviations.",
                   Bounds{1, 10'000});
    field.Optional("size_min", size_min, "Changes of the level that are smaller are none.",
                   Bounds{0, 1e300});
  }
};

struct AnomalyConfig {
  std::string value = "value";
  OnlyKeys only;
  Duration season = Duration::Days(1);
  int64_t learn = 400;
  double score_min = 7;
  Duration hold = Duration::Minutes(10);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("value", value, "Column of numbers.");
    field.Optional("only", only, "Only keys with these values of key columns.");
    field.Optional("season", season, "The values repeat after it.",
                   Bounds{Duration::Minutes(1), Duration::Days(366)});
    field.Optional("learn", learn, "Readings before the first judgement.", Bounds{50, 100'000});
    field.Optional("score_min", score_min,
                   "Raised from this score on. The default is the best of the Numenta benchmark's "
                   "standard profile (docs/guide/alarms.md).",
                   Bounds{0.1, 1'000});
    field.Optional("hold", hold, "Cleared when the score stayed below for so long.",
                   Bounds{Duration::Millis(1), Duration::Days(30)});
  }
};

enum class TrendSide { kAbove, kBelow };
constexpr auto EnumWords(TrendSide) {
  return std::array{std::pair{TrendSide::kAbove, std::string_view("above")},
                    std::pair{TrendSide::kBelow, std::string_view("below")}};
}

struct ThresholdTrendConfig {
  std::string value = "value";
  OnlyKeys only;
  std::string threshold;
  std::optional<double> threshold_value;
  double none = 999'999;
  TrendSide side = TrendSide::kAbove;
  Duration over = Duration::Minutes(20);
  Duration horizon = Duration::Minutes(30);
  int64_t confirm = 3;
  std::string unit;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("value", value, "Column of numbers.");
    field.Optional("only", only, "Only keys with these values of key columns.");
    field.Optional("threshold", threshold, "Column with the threshold of each reading.",
                   Example{"valueThreshold"});
    field.Optional("threshold_value", threshold_value, "One threshold for all.", Example{"75"});
    field.Optional("none", none, "A threshold that means: none.");
    field.Optional("side", side, "`above`: bad is what is over the threshold.");
    field.Optional("over", over, "The slope is of the readings within.",
                   Bounds{Duration::Millis(10), Duration::Days(366)});
    field.Optional("horizon", horizon, "Raised when the threshold is reached within.",
                   Bounds{Duration::Millis(10), Duration::Days(366)});
    field.Optional("confirm", confirm, "Readings in a row that must agree, to raise and to clear.",
                   Bounds{1, 1'000});
    field.Optional("unit", unit, "Of the value, for people.", Example{"°C"});
  }
  arrow::Status Check() const;
};

}  // namespace catchwater
