#include "catchwater/source/simulate/base_station_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/source/simulate/seeded.h"

namespace catchwater {
namespace {

constexpr double kDayMinutes = 1'440;
constexpr int64_t kNone = 999'999;  // A valueThreshold that means: none.

enum Purpose : uint64_t {
  kNoiseBits,
  kDriftBits,
  kEpisodeBits,
  kBumpBits,
  kSpikeBits,
  kSilenceBits,
  kStationSilenceBits,
  kDelayBits,
  kSwitchBits,
};

enum class Shape { kAnalog, kSwitch, kCounter };

struct SensorKind {
  double mean = 0;
  double daily = 0;
  double noise = 0;
  double drift = 0;
  Shape shape = Shape::kAnalog;
};

SensorKind KindOfSensor(int32_t datapoint, const BaseStationTraits& traits) {
  switch (datapoint) {
    case 111:
      return {traits.room_mean, traits.room_daily, traits.room_noise, traits.drift};
    case 112:
    case 113:
      return {16, 1, 0.3, 0.5};
    case 114:
      return {18, 7, 0.3, 1};
    case 115:
      return {50, 8, 0.8, 2};
    case 116:
      return {25, 1, 0.15, 0.3};
    case 121:
    case 124:
      return {230, 2, 0.8, 1};
    case 122:
    case 125:
      return {3.5, 0.8, 0.1, 0.2};
    case 123:
    case 126:
      return {50, 0, 0.02, 0.01};
    case 141:
      return {54, 0.2, 0.05, 0.1};
    case 143:
    case 144:
      return {27, 0.1, 0.05, 0.05};
    case 161:
      return {92, 1, 0.2, 0.3};
    case 162:
    case 163:
    case 164:
    case 165:
      return {1'000, 0, 0, 0, Shape::kCounter};
    default:
      return {0, 0, 0, 0, Shape::kSwitch};
  }
}

bool HasEpisodes(int32_t datapoint) { return datapoint == 111 || datapoint == 141; }

double Within(uint64_t bits, double lo, double hi) { return lo + (hi - lo) * Uniform(bits); }

}  // namespace

BaseStationModel::BaseStationModel(const BaseStationOptions& options)
    : options_(options),
      slot_count_(options.slot_count > 0
                      ? options.slot_count + options.traits.late_ticks * slots_per_tick()
                      : INT64_MAX) {
  CATCHWATER_CHECK(options.station_count > 0 && options.cadence_us > 0, "checked by the config");
}

int64_t BaseStationModel::TimeOfSlot(int64_t slot) const {
  return options_.from_us + slot / slots_per_tick() * options_.cadence_us;
}

BaseStationModel::Place BaseStationModel::PlaceOf(int64_t slot) const {
  const int64_t sensors = kDatapoints.size();
  const int64_t in_tick = slot % slots_per_tick();
  return {.tick = slot / slots_per_tick(),
          .station = in_tick / sensors,
          .sensor = static_cast<size_t>(in_tick % sensors)};
}

uint64_t BaseStationModel::Hash(uint64_t purpose, int64_t a, int64_t b, int64_t c) const {
  uint64_t hash = Mix(options_.seed * 16 + purpose);
  for (const int64_t part : {a, b, c}) hash = Mix(hash ^ static_cast<uint64_t>(part));
  return hash;
}

double BaseStationModel::MinuteOf(int64_t tick) const {
  return static_cast<double>(tick) * static_cast<double>(options_.cadence_us) / 6e7;
}

BaseStationModel::Episode BaseStationModel::EpisodeAt(int64_t station, int32_t datapoint,
                                                      int64_t period) const {
  const BaseStationTraits& traits = options_.traits;
  uint64_t bits = Hash(kEpisodeBits, station, datapoint, period);
  Episode episode;
  if (period < 0 || Uniform(bits) >= traits.episode_chance) return episode;
  episode.is_there = true;
  bits = Mix(bits);
  episode.start = traits.episode_period * (static_cast<double>(period) + Within(bits, 0.15, 0.55));
  bits = Mix(bits);
  const bool is_room = datapoint == 111;
  episode.slope = is_room ? Within(bits, traits.overheat_slope_lo, traits.overheat_slope_hi)
                          : -Within(bits, traits.discharge_slope_lo, traits.discharge_slope_hi);
  // Far enough over the threshold that neither the hour of the day nor drift ends the alarm.
  episode.cap = is_room ? traits.threshold - traits.room_mean + 5 : traits.battery_threshold - 55;
  bits = Mix(bits);
  episode.hold = Within(bits, traits.hold_lo, traits.hold_hi);
  return episode;
}

double BaseStationModel::EpisodeOffset(int64_t station, int32_t datapoint, double minute) const {
  const auto period = static_cast<int64_t>(minute / options_.traits.episode_period);
  const Episode episode = EpisodeAt(station, datapoint, period);
  if (!episode.is_there || minute < episode.start) return 0;
  const double rise = episode.cap / episode.slope;
  const double since = minute - episode.start;
  if (since < rise) return episode.slope * since;
  if (since < rise + episode.hold) return episode.cap;
  // Back within a quarter of an hour.
  return episode.cap * std::max(0.0, 1 - (since - rise - episode.hold) / 15);
}

bool BaseStationModel::IsInEpisode(int64_t station, int32_t datapoint, double minute) const {
  return HasEpisodes(datapoint) && EpisodeOffset(station, datapoint, minute) != 0;
}

double BaseStationModel::Clean(int64_t station, size_t sensor, double minute) const {
  const BaseStationTraits& traits = options_.traits;
  const int32_t datapoint = kDatapoints[sensor];
  const SensorKind kind = KindOfSensor(datapoint, traits);
  if (kind.shape == Shape::kCounter) return kind.mean + std::floor(minute / 60);
  if (kind.shape == Shape::kSwitch) {
    const auto hour = static_cast<int64_t>(minute / 60);
    return Uniform(Hash(kSwitchBits, station, datapoint, hour)) < 0.02 ? 1 : 0;
  }
  // The warmest hour is 15:00.
  const double angle = 2 * std::numbers::pi * (minute / kDayMinutes - 0.375);
  const auto knot = static_cast<int64_t>(minute / 60);
  const double before = Normal(Hash(kDriftBits, station, datapoint, knot));
  const double after = Normal(Hash(kDriftBits, station, datapoint, knot + 1));
  const double share = minute / 60 - static_cast<double>(knot);
  double value =
      kind.mean + kind.daily * std::sin(angle) + kind.drift * (before + (after - before) * share);
  if (HasEpisodes(datapoint)) value += EpisodeOffset(station, datapoint, minute);
  if (datapoint == 111) {
    const auto day = static_cast<int64_t>(minute / kDayMinutes);
    const double begin = kDayMinutes * (static_cast<double>(day) +
                                        Within(Hash(kBumpBits, station, day, 0), 0.05, 0.9));
    const double half = traits.bump_minutes / 2;
    value += traits.bump_size * std::max(0.0, 1 - std::abs(minute - begin - half) / half);
  }
  return value;
}

bool BaseStationModel::IsSpikeChosen(const Place& place) const {
  const SensorKind kind = KindOfSensor(kDatapoints[place.sensor], options_.traits);
  if (kind.shape != Shape::kAnalog) return false;
  return Uniform(Hash(kSpikeBits, place.station, static_cast<int64_t>(place.sensor), place.tick)) <
         options_.traits.spike_rate;
}

StationReading BaseStationModel::ReadingOf(int64_t slot) const {
  const Place place = PlaceOf(slot);
  const int32_t datapoint = kDatapoints[place.sensor];
  const SensorKind kind = KindOfSensor(datapoint, options_.traits);
  const double clean = Clean(place.station, place.sensor, MinuteOf(place.tick));
  StationReading reading{.station = place.station,
                         .datapoint = datapoint,
                         .time_us = TimeOfSlot(slot),
                         .value = clean,
                         .threshold = std::nullopt};
  const auto sensor = static_cast<int64_t>(place.sensor);
  reading.value += kind.noise * Normal(Hash(kNoiseBits, place.station, sensor, place.tick));
  // A peak stands alone: its neighbours are stable.
  bool is_alone = true;
  for (const int64_t offset : {-3, -2, -1, 1, 2, 3}) {
    Place other = place;
    other.tick += offset;
    is_alone = is_alone && !IsSpikeChosen(other);
  }
  if (is_alone && IsSpikeChosen(place)) {
    const uint64_t bits = Mix(Hash(kSpikeBits, place.station, sensor, place.tick));
    const double size =
        Within(bits, options_.traits.spike_noises_lo, options_.traits.spike_noises_hi);
    reading.value += kind.noise * (Mix(bits) % 2 == 0 ? size : -size);
    reading.is_spike = true;
  }
  if (datapoint == 111) {
    reading.threshold = options_.traits.threshold;
    reading.is_active = clean >= options_.traits.threshold;
  } else if (datapoint == 141) {
    reading.threshold = options_.traits.battery_threshold;
    reading.is_active = clean <= options_.traits.battery_threshold;
  } else if (kind.shape == Shape::kSwitch && datapoint != 153) {
    reading.is_active = clean > 0;  // Somebody who moves is no alarm.
  }
  reading.value = std::round(reading.value * 100) / 100;
  return reading;
}

bool BaseStationModel::IsSilent(int64_t slot) const {
  const Place place = PlaceOf(slot);
  const int32_t datapoint = kDatapoints[place.sensor];
  const double minute = MinuteOf(place.tick);
  // What must be foreseen can be seen.
  if (IsInEpisode(place.station, datapoint, minute)) return false;
  const BaseStationTraits& traits = options_.traits;
  const auto day = static_cast<int64_t>(minute / kDayMinutes);
  const auto is_within = [&](uint64_t bits, double chance) {
    if (Uniform(bits) >= chance) return false;
    bits = Mix(bits);
    const double begin = kDayMinutes * (static_cast<double>(day) + Within(bits, 0.05, 0.85));
    return minute >= begin &&
           minute < begin + Within(Mix(bits), traits.silence_lo, traits.silence_hi);
  };
  return is_within(Hash(kSilenceBits, place.station, datapoint, day), traits.silence_chance) ||
         is_within(Hash(kStationSilenceBits, place.station, day, 0), traits.station_silence_chance);
}

int64_t BaseStationModel::DelayTicks(int64_t slot) const {
  const uint64_t bits = Hash(kDelayBits, slot, 0, 0);
  double chance = Uniform(bits);
  if ((chance -= options_.traits.late_rate) < 0) return options_.traits.late_ticks;
  if ((chance -= options_.traits.disorder_rate) < 0) return 1 + static_cast<int64_t>(Mix(bits) % 2);
  return 0;
}

std::array<int64_t, 4> BaseStationModel::DeliveredIn(int64_t slot) const {
  std::array<int64_t, 4> delivered{};
  const std::array<int64_t, 4> delays{0, 1, 2, options_.traits.late_ticks};
  for (size_t i = 0; i < delays.size(); ++i) {
    const int64_t made = slot - delays[i] * slots_per_tick();
    const bool is_asked_for = made >= 0 && (options_.slot_count == 0 || made < options_.slot_count);
    delivered[i] = is_asked_for && DelayTicks(made) == delays[i] && !IsSilent(made) ? made : -1;
  }
  return delivered;
}

std::vector<PlantedEpisode> BaseStationModel::Episodes() const {
  CATCHWATER_CHECK(options_.slot_count > 0, "a stream without end has no whole truth");
  std::vector<PlantedEpisode> episodes;
  const int64_t sensors = kDatapoints.size();
  for (int64_t in_tick = 0; in_tick < slots_per_tick(); ++in_tick) {
    const int32_t datapoint = kDatapoints[static_cast<size_t>(in_tick % sensors)];
    if (!HasEpisodes(datapoint)) continue;
    PlantedEpisode open;
    bool is_in = false;
    for (int64_t slot = in_tick; slot < options_.slot_count; slot += slots_per_tick()) {
      const int64_t time_us = TimeOfSlot(slot);
      if (!IsInEpisode(in_tick / sensors, datapoint, MinuteOf(slot / slots_per_tick()))) {
        if (is_in) episodes.push_back(open);
        is_in = false;
        continue;
      }
      if (!is_in) {
        open = {.station = in_tick / sensors, .datapoint = datapoint, .start_us = time_us};
        is_in = true;
      }
      const bool is_active = ReadingOf(slot).is_active;
      if (is_active && open.alarm_us == 0) open.alarm_us = time_us;
      if (!is_active && open.alarm_us != 0 && open.clear_us == 0) open.clear_us = time_us;
    }
  }
  return episodes;
}

void BaseStationModel::AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                                  std::vector<Record>& records) {
  const std::array<int64_t, 4> delivered = DeliveredIn(slot);
  for (size_t i = 0; i < delivered.size(); ++i) {
    const uint64_t ordinal = static_cast<uint64_t>(slot) * 4 + i;
    if (delivered[i] < 0 || ordinal < ordinal_min) continue;
    const StationReading reading = ReadingOf(delivered[i]);
    const int64_t tick = delivered[i] / slots_per_tick();
    if (tick != text_tick_) {
      time_text_.clear();
      AppendTimestamp(reading.time_us, /*with_z=*/true, &time_text_);
      text_tick_ = tick;
    }
    const bool has_threshold = reading.threshold.has_value();
    const int length =
        std::snprintf(buffer.end(), 200, "bts-%03lld,%d,%s%d,%s,%.2f,%.10g,%s,\n",
                      static_cast<long long>(reading.station + 1), reading.datapoint, "A",
                      reading.datapoint, time_text_.c_str(), reading.value,
                      has_threshold ? *reading.threshold : static_cast<double>(kNone),
                      reading.is_active ? "true" : "false");
    buffer.AddFilled(length);
    records.push_back({.ordinal = ordinal, .end = buffer.byte_count()});
  }
}

}  // namespace catchwater
