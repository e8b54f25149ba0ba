/// \file
/// What the detectors find on base stations whose truth is known.
#pragma once

#include <cstdint>
#include <string>

#include <arrow/result.h>

namespace catchwater {

struct StationProof {
  int64_t reading_count = 0;
  int64_t late_count = 0;  ///< Came after the watermark: no detector saw them.
  double station_months = 0;

  int64_t episode_count = 0;      ///< Overheating and discharge that end in an alarm.
  int64_t predicted_count = 0;    ///< Told at least five minutes before the alarm.
  double lead_minutes_min = 1e9;  ///< Of those that were told, at the clock of the stream.
  int64_t false_alarm_count = 0;  ///< Trends that lead to no alarm.

  int64_t spike_count = 0;          ///< Planted, with neighbours close in time on both sides.
  int64_t spike_removed_count = 0;  ///< Of these.
  int64_t clean_count = 0;          ///< Readings of the same sensors that are no peak.
  int64_t clean_removed_count = 0;

  int64_t active_count = 0;        ///< Alarms that the senders report, planted.
  int64_t active_right_count = 0;  ///< Told with the right beginning and end.

  void Add(const StationProof& other);
  std::string ToText() const;
};

struct StationProofOptions {
  uint64_t seed = 1;
  int64_t days = 8;
  int64_t stations = 2;
  int64_t ticks_per_batch = 1;  ///< The cut into batches must not matter to what is found.
  int64_t restart_every = 0;    ///< Batches; saves the state and goes on with a new operator.
};

/// Runs the configuration of docs/guide/alarms.md over one seed.
arrow::Result<StationProof> ProveOnStations(const StationProofOptions& options);

}  // namespace catchwater
