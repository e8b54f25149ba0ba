/// \file
/// Made-up sensors: what each one reports when, as text. A pure function of the seed and a record's
/// number, so that delivery can resume anywhere at no cost.
///
/// Slots are numbered along time: slot = tick * sensors + sensor. A slot has up to three records,
/// with the ordinals 4*slot (its own), 4*slot+1 (a duplicate of an earlier reading) and 4*slot+2 (a
/// late reading whose own slot was `late_by` before).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/source/simulate/slot_model.h"

namespace catchwater {

struct SensorModelOptions {
  int64_t sensor_count = 58;
  int64_t slot_count = 0;  ///< Readings asked for, before gaps; 0: without end.
  int64_t from_us = 0;
  int64_t cadence_us = 60'000'000;
  uint64_t seed = 1;
  double daily_amplitude = 6;  ///< °C
  double noise = 0.3;          ///< °C, standard deviation.
  double gap_rate = 0;
  double duplicate_rate = 0;
  double late_rate = 0;
  int64_t late_by_us = 600'000'000;
  double broken_rate = 0;
  bool is_csv = false;  ///< Else NDJSON.
};

/// What was planted: the truth that a pipeline's account is compared with.
struct SimulatedTruth {
  int64_t frame_count = 0;         ///< Records delivered.
  int64_t reading_count = 0;       ///< Distinct good readings, the late ones among them.
  int64_t duplicate_count = 0;     ///< Records that repeat a reading.
  int64_t late_count = 0;          ///< Readings delivered `late_by` after their time.
  int64_t undecodable_count = 0;   ///< Records that no codec can read as declared.
  int64_t out_of_range_count = 0;  ///< Records with a temperature of 999.9 °C.
  int64_t gap_count = 0;           ///< Readings that were never made.

  bool operator==(const SimulatedTruth&) const = default;
};

/// One thread at a time (keeps the text of the last tick).
class SensorModel final : public SlotModel {
 public:
  explicit SensorModel(const SensorModelOptions& options);

  int64_t slot_count() const override { return slot_count_; }
  int64_t slots_per_tick() const override { return options_.sensor_count; }
  int64_t TimeOfSlot(int64_t slot) const override;
  void AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                  std::vector<Record>& records) override;

  /// Counts what is planted among the first slots (all when there is an end and count is 0).
  SimulatedTruth CountTruth(int64_t count = 0) const;

  std::string_view csv_header() const override {
    return "sensor_id,ts,temperature,humidity,battery,site\n";
  }

 private:
  enum class Fate { kRegular, kGap, kLate, kUndecodable, kOutOfRange };
  struct Sensor {
    std::string id;
    std::string before_time;  // All text before the time.
    std::string after_battery;
    double temperature_mean = 0;
    double humidity_mean = 0;
    double phase = 0;  // Of the day, radians.
  };
  struct Tick {
    int64_t index = -1;
    std::string time;
    double day_angle = 0;
    int64_t battery_cv = 0;  // Hundredths of a volt.
  };

  uint64_t Hash(int64_t slot, uint64_t purpose) const;
  Fate FateOf(int64_t slot) const;
  /// The slot whose reading is repeated in this one, or -1.
  int64_t DuplicateIn(int64_t slot) const;
  /// The slot whose late reading is delivered in this one, or -1.
  int64_t LateIn(int64_t slot) const;
  bool HasOwn(int64_t slot) const;
  Tick MakeTick(int64_t index) const;
  const Tick& TickOf(int64_t slot);
  char* WriteReading(int64_t slot, char* out);
  char* WriteBroken(int64_t slot, Fate fate, char* out);
  char* WriteFields(const Sensor& sensor, const Tick& tick, std::string_view temperature,
                    double humidity, char* out) const;

  const SensorModelOptions options_;
  const int64_t late_slots_;
  const int64_t slot_count_;
  std::vector<Sensor> sensors_;
  Tick tick_;
  Tick other_tick_;  // For repeated and late readings.
};

}  // namespace catchwater
