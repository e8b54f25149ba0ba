/// \file
/// `detect:` of a stream: what each detector looks for, once for all keys or for some (`only`).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/config/describe.h"
#include "catchwater/config/value_detect_config.h"

namespace catchwater {

struct FrequencyConfig {
  OnlyKeys only;
  double gap_factor = 3;
  double silence_factor = 10;
  double burst_factor = 4;
  double unstable_share = 0.5;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("only", only, "Only keys with these values of key columns.");
    field.Optional("gap_factor", gap_factor, "`gap`: no reading for so many learned cadences.",
                   Bounds{1.5, 1'000});
    field.Optional("silence_factor", silence_factor,
                   "`silence`: the same, raised while nothing comes.", Bounds{2, 10'000});
    field.Optional("burst_factor", burst_factor,
                   "`burst`: eight readings came so many times faster than the cadence.",
                   Bounds{1.5, 1'000});
    field.Optional("unstable_share", unstable_share,
                   "`unstable`: of the last 32 intervals, the share that is not within a half of "
                   "the cadence.",
                   Bounds{0.05, 1});
  }
};

struct ActiveAlarmConfig {
  std::string active = "isActive";
  OnlyKeys only;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("active", active, "Column of booleans: the sender's own alarm.");
    field.Optional("only", only, "Only keys with these values of key columns.");
  }
};

struct FailureRateConfig {
  std::string active = "isActive";
  OnlyKeys only;
  Duration horizon = Duration::Days(1);
  Duration half_life = Duration::Days(30);
  double probability = 0.5;
  int64_t alarms_min = 2;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("active", active, "Column of booleans: the sender's own alarm.");
    field.Optional("only", only, "Only keys with these values of key columns.");
    field.Optional("horizon", horizon, "Time in which an alarm is expected.",
                   Bounds{Duration::Seconds(1), Duration::Days(366)});
    field.Optional("half_life", half_life, "History so old counts half.",
                   Bounds{Duration::Seconds(1), Duration::Days(3'660)});
    field.Optional("probability", probability, "Raised from this probability on.",
                   Bounds{0.001, 0.999});
    field.Optional("alarms_min", alarms_min, "But not before so many alarms.", Bounds{1, 1'000});
  }
};

struct MissingConfig {
  std::vector<std::string> source;
  double factor = 5;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("source", source,
                   "Key columns that name what sends, e.g. a station: a sensor is `missing` only "
                   "while its source sends, else the source is `stalled`. Default: one source.",
                   Example{"[station_id]"});
    field.Optional("factor", factor, "Silent for so many learned cadences.", Bounds{2, 10'000});
  }
};

/// One entry of `detect`: exactly one of the fields.
struct DetectorConfig {
  std::optional<SpikeConfig> spike;
  std::optional<FrequencyConfig> frequency;
  std::optional<ChangePointConfig> change_point;
  std::optional<AnomalyConfig> anomaly;
  std::optional<ActiveAlarmConfig> active_alarm;
  std::optional<ThresholdTrendConfig> trend_to_threshold;
  std::optional<FailureRateConfig> failure_rate;
  std::optional<MissingConfig> missing;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("spike", spike, "A peak between stable neighbours that are close in time.");
    field.Optional("frequency", frequency,
                   "Readings that do not come in the rhythm that was learned.");
    field.Optional("change_point", change_point, "The level is another one from some time on.");
    field.Optional("anomaly", anomaly,
                   "What was not seen before, by value, sequence and hour of the season.");
    field.Optional("active_alarm", active_alarm, "What the sender itself calls an alarm.");
    field.Optional("trend_to_threshold", trend_to_threshold,
                   "A value on its way to a threshold: how long until it is there.");
    field.Optional("failure_rate", failure_rate,
                   "The probability of an alarm, by those that there were.");
    field.Optional("missing", missing, "A sensor that is silent while its source sends.");
  }
  arrow::Status Check() const;
};
/// All that a state of these detectors depends on, as text.
std::string DetectText(std::vector<DetectorConfig> detect);
/// The columns that they judge.
std::vector<std::string> ColumnsOf(const DetectorConfig& config);

/// `coverage: 1h`.
struct CoverageConfig {
  static constexpr std::string_view kShortFor = "period";

  Duration period = Duration::Hours(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("period", period, "Readings are counted by; aligned to 1970 in UTC.",
                   Bounds{Duration::Seconds(1), Duration::Days(366)});
  }
};

/// Of the alarms of a stream.
struct AlarmConfig {
  Duration update_every = Duration::Minutes(5);
  Duration reopen_within = Duration::Minutes(5);
  int64_t raises_per_hour_max = 20;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("update_every", update_every, "An alarm is updated no more often.",
                   Bounds{Duration::Millis(1), Duration::Days(30)});
    field.Optional("reopen_within", reopen_within,
                   "One that comes back so soon is the same alarm, not a new one.",
                   Bounds{Duration::Millis(0), Duration::Days(30)});
    field.Optional("raises_per_hour_max", raises_per_hour_max,
                   "Of one kind and key in an hour of event time; the others are counted in the "
                   "next one's `suppressed`.",
                   Bounds{1, 1'000'000});
  }
};

}  // namespace catchwater
