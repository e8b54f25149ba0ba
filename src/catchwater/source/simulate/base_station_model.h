/// \file
/// Made-up base stations of a telecom operator with a known truth: overheating and discharge that
/// end in an alarm, spikes, silences, disorder and late records. The parameters below were fixed
/// before any detector was tuned on them; proofs run over the seeds 1 to 100.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/source/simulate/slot_model.h"

namespace catchwater {

/// Minutes and degrees unless said otherwise; each range is drawn from evenly.
struct BaseStationTraits {
  double room_mean = 24, room_daily = 2, room_noise = 0.2, drift = 0.6;
  double threshold = 45;                                   ///< Of the room, °C.
  double battery_threshold = 46;                           ///< Of all batteries in sum, V, below.
  double episode_period = 2 * 1440, episode_chance = 0.8;  ///< Of overheating and of discharge.
  double overheat_slope_lo = 0.10, overheat_slope_hi = 0.40;
  double discharge_slope_lo = 0.03, discharge_slope_hi = 0.08;  ///< V a minute.
  double hold_lo = 20, hold_hi = 60;                            ///< The alarm stays that long.
  double bump_size = 4, bump_minutes = 60;                      ///< A door is open, once a day.
  double spike_rate = 0.0005;
  double spike_noises_lo = 15, spike_noises_hi = 60;  ///< In standard deviations of the noise.
  double silence_chance = 0.05;                       ///< A sensor and day.
  double station_silence_chance = 0.10;               ///< A station and day.
  double silence_lo = 30, silence_hi = 180;
  double disorder_rate = 0.02;  ///< One or two ticks later than made.
  double late_rate = 0.002;
  int64_t late_ticks = 15;
};
inline constexpr uint64_t kBaseStationSeedFirst = 1;
inline constexpr uint64_t kBaseStationSeedLast = 100;

struct BaseStationOptions {
  int64_t station_count = 4;
  int64_t slot_count = 0;  ///< Readings asked for, before silences; 0: without end.
  int64_t from_us = 0;
  int64_t cadence_us = 60'000'000;
  uint64_t seed = 1;
  BaseStationTraits traits;
};

struct StationReading {
  int64_t station = 0;
  int32_t datapoint = 0;
  int64_t time_us = 0;
  double value = 0;
  std::optional<double> threshold;  ///< Written as 999999 when there is none.
  bool is_active = false;
  bool is_spike = false;  ///< Not written: the truth.
};

/// A sensor on its way to its threshold, over it, and back.
struct PlantedEpisode {
  int64_t station = 0;
  int32_t datapoint = 0;  ///< 111 rises above its threshold, 141 falls below.
  int64_t start_us = 0;
  int64_t alarm_us = 0;  ///< First reading with isActive.
  int64_t clear_us = 0;  ///< First reading without.
};

/// Records: `station_id,datapoint_id,alarm_id,event_time,value,valueThreshold,isActive,storedtime`.
class BaseStationModel final : public SlotModel {
 public:
  static constexpr std::array<int32_t, 25> kDatapoints{111, 112, 113, 114, 115, 116, 121, 122, 123,
                                                       124, 125, 126, 141, 143, 144, 151, 152, 153,
                                                       154, 155, 161, 162, 163, 164, 165};

  explicit BaseStationModel(const BaseStationOptions& options);

  int64_t slot_count() const override { return slot_count_; }
  int64_t slots_per_tick() const override {
    return options_.station_count * static_cast<int64_t>(kDatapoints.size());
  }
  int64_t TimeOfSlot(int64_t slot) const override;
  void AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                  std::vector<Record>& records) override;
  std::string_view csv_header() const override {
    return "station_id,datapoint_id,alarm_id,event_time,value,valueThreshold,isActive,storedtime\n";
  }

  /// The slots whose readings are delivered in this one; -1: none. At index i with ordinal 4*s + i.
  std::array<int64_t, 4> DeliveredIn(int64_t slot) const;
  StationReading ReadingOf(int64_t slot) const;
  bool IsSilent(int64_t slot) const;
  /// All that begin within the asked-for readings. \pre they have an end
  std::vector<PlantedEpisode> Episodes() const;

 private:
  struct Episode {
    bool is_there = false;
    double start = 0, slope = 0, cap = 0, hold = 0;  // Minutes since from_us; units a minute.
  };
  struct Place {
    int64_t tick = 0, station = 0;
    size_t sensor = 0;
  };
  Place PlaceOf(int64_t slot) const;
  uint64_t Hash(uint64_t purpose, int64_t a, int64_t b, int64_t c) const;
  double MinuteOf(int64_t tick) const;
  Episode EpisodeAt(int64_t station, int32_t datapoint, int64_t period) const;
  double EpisodeOffset(int64_t station, int32_t datapoint, double minute) const;
  bool IsInEpisode(int64_t station, int32_t datapoint, double minute) const;
  /// Without noise and spikes.
  double Clean(int64_t station, size_t sensor, double minute) const;
  bool IsSpikeChosen(const Place& place) const;
  int64_t DelayTicks(int64_t slot) const;

  const BaseStationOptions options_;
  const int64_t slot_count_;
  int64_t text_tick_ = -1;  // Of time_text_.
  std::string time_text_;
};

}  // namespace catchwater
