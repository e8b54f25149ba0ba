#include "catchwater/source/simulate/sensor_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numbers>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/source/simulate/seeded.h"

namespace catchwater {
namespace {

constexpr std::array<std::string_view, 6> kSites{"north", "east",   "south",
                                                 "west",  "centre", "river"};
constexpr int64_t kRepeatTicksMax = 4;
constexpr int64_t kBatteryTicks = 43'200;  // From full to empty: 30 days of minutes.

enum Purpose : uint64_t { kFate, kFateKind, kDuplicate, kNoise, kSensorTraits };

char* Put(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Writes hundredths as `-12.34`.
char* PutHundredths(int64_t value, char* out) {
  if (value < 0) {
    *out++ = '-';
    value = -value;
  }
  char digits[20];
  char* begin = digits + sizeof(digits);
  int count = 0;
  for (; value > 0 || count < 3; ++count, value /= 10) {
    *--begin = static_cast<char>('0' + value % 10);
    if (count == 1) *--begin = '.';
  }
  return Put({begin, static_cast<size_t>(digits + sizeof(digits) - begin)}, out);
}

int64_t Hundredths(double value) { return static_cast<int64_t>(std::lround(value * 100)); }

int64_t LateSlots(const SensorModelOptions& options) {
  if (options.late_rate <= 0) return 0;
  const int64_t ticks = (options.late_by_us + options.cadence_us - 1) / options.cadence_us;
  return std::max<int64_t>(ticks, 1) * options.sensor_count;
}

}  // namespace

SensorModel::SensorModel(const SensorModelOptions& options)
    : options_(options),
      late_slots_(LateSlots(options)),
      slot_count_(options.slot_count > 0 ? options.slot_count + late_slots_ : INT64_MAX) {
  CATCHWATER_CHECK(options.sensor_count > 0 && options.cadence_us > 0, "checked by the config");
  for (int64_t i = 0; i < options.sensor_count; ++i) {
    const uint64_t traits = Hash(i, kSensorTraits);
    char id[32];
    std::snprintf(id, sizeof(id), "sensor-%03lld", static_cast<long long>(i + 1));
    const std::string site(kSites[static_cast<size_t>(i / 10) % kSites.size()]);
    Sensor& sensor = sensors_.emplace_back();
    sensor.id = id;
    sensor.temperature_mean = 8 + 16 * Uniform(traits);
    sensor.humidity_mean = 45 + 25 * Uniform(Mix(traits));
    sensor.phase = 0.6 * Uniform(Mix(traits + 1));
    sensor.before_time =
        options.is_csv ? sensor.id + "," : R"({"sensor_id":")" + sensor.id + R"(","ts":")";
    sensor.after_battery = options.is_csv ? "," + site + "\n" : R"(,"site":")" + site + "\"}\n";
  }
}

int64_t SensorModel::TimeOfSlot(int64_t slot) const {
  return options_.from_us + slot / options_.sensor_count * options_.cadence_us;
}

uint64_t SensorModel::Hash(int64_t slot, uint64_t purpose) const {
  return Mix(Mix(options_.seed * 8 + purpose) ^ static_cast<uint64_t>(slot));
}

bool SensorModel::HasOwn(int64_t slot) const {
  return slot >= 0 && (options_.slot_count == 0 || slot < options_.slot_count);
}

SensorModel::Fate SensorModel::FateOf(int64_t slot) const {
  double chance = Uniform(Hash(slot, kFate));
  if ((chance -= options_.gap_rate) < 0) return Fate::kGap;
  if ((chance -= options_.late_rate) < 0) return Fate::kLate;
  if ((chance -= options_.broken_rate) >= 0) return Fate::kRegular;
  return Hash(slot, kFateKind) % 4 == 0 ? Fate::kOutOfRange : Fate::kUndecodable;
}

int64_t SensorModel::DuplicateIn(int64_t slot) const {
  if (options_.duplicate_rate <= 0 || !HasOwn(slot)) return -1;
  const uint64_t bits = Hash(slot, kDuplicate);
  if (Uniform(bits) >= options_.duplicate_rate) return -1;
  const auto ticks_ago = static_cast<int64_t>(Mix(bits) % kRepeatTicksMax);
  const int64_t repeated = slot - ticks_ago * options_.sensor_count;
  return repeated >= 0 && FateOf(repeated) == Fate::kRegular ? repeated : -1;
}

int64_t SensorModel::LateIn(int64_t slot) const {
  const int64_t late = slot - late_slots_;
  if (late_slots_ == 0 || !HasOwn(late)) return -1;
  return FateOf(late) == Fate::kLate ? late : -1;
}

SensorModel::Tick SensorModel::MakeTick(int64_t index) const {
  const int64_t time_us = options_.from_us + index * options_.cadence_us;
  const int64_t of_day_us = time_us - FloorTo(time_us, kMicrosPerDay);
  Tick tick{.index = index, .time = "", .day_angle = 0, .battery_cv = 0};
  AppendTimestamp(time_us, /*with_z=*/true, &tick.time);
  // The warmest hour is 15:00.
  tick.day_angle = 2 * std::numbers::pi *
                   (static_cast<double>(of_day_us) / static_cast<double>(kMicrosPerDay) - 0.375);
  tick.battery_cv = 420 - 110 * (index % kBatteryTicks) / kBatteryTicks;
  return tick;
}

const SensorModel::Tick& SensorModel::TickOf(int64_t slot) {
  const int64_t index = slot / options_.sensor_count;
  if (index == tick_.index) return tick_;
  Tick& kept = index > tick_.index ? tick_ : other_tick_;
  if (kept.index != index) kept = MakeTick(index);
  return kept;
}

char* SensorModel::WriteFields(const Sensor& sensor, const Tick& tick, std::string_view temperature,
                               double humidity, char* out) const {
  const int64_t humidity_h = std::clamp<int64_t>(Hundredths(humidity), 0, 10'000);
  out = Put(options_.is_csv ? "," : R"(","temperature":)", out);
  out = Put(temperature, out);
  out = Put(options_.is_csv ? "," : R"(,"humidity":)", out);
  out = PutHundredths(humidity_h, out);
  out = Put(options_.is_csv ? "," : R"(,"battery":)", out);
  out = PutHundredths(tick.battery_cv, out);
  return Put(sensor.after_battery, out);
}

char* SensorModel::WriteReading(int64_t slot, char* out) {
  const Sensor& sensor = sensors_[static_cast<size_t>(slot % options_.sensor_count)];
  const Tick& tick = TickOf(slot);
  const uint64_t bits = Hash(slot, kNoise);
  const double daily = options_.daily_amplitude * std::sin(tick.day_angle - sensor.phase);
  const double temperature = sensor.temperature_mean + daily + options_.noise * Normal(bits);
  const double humidity = sensor.humidity_mean - 1.5 * daily + Normal(Mix(bits));
  char text[24];
  char* end = PutHundredths(Hundredths(temperature), text);
  out = Put(sensor.before_time, out);
  out = Put(tick.time, out);
  return WriteFields(sensor, tick, {text, static_cast<size_t>(end - text)}, humidity, out);
}

char* SensorModel::WriteBroken(int64_t slot, Fate fate, char* out) {
  const Sensor& sensor = sensors_[static_cast<size_t>(slot % options_.sensor_count)];
  const Tick& tick = TickOf(slot);
  out = Put(sensor.before_time, out);
  if (fate == Fate::kOutOfRange) {
    return WriteFields(sensor, tick, "999.90", sensor.humidity_mean, Put(tick.time, out));
  }
  switch (Hash(slot, kFateKind) / 4 % 3) {
    case 0:  // Torn off in the middle.
      return Put("\n", Put(std::string_view(tick.time).substr(0, 8), out));
    case 1:
      return WriteFields(sensor, tick, options_.is_csv ? "hot" : R"("hot")", sensor.humidity_mean,
                         Put(tick.time, out));
    default:
      return WriteFields(sensor, tick, "20.00", sensor.humidity_mean, Put("yesterday", out));
  }
}

void SensorModel::AppendSlot(int64_t slot, uint64_t ordinal_min, ReadBuffer& buffer,
                             std::vector<Record>& records) {
  const uint64_t ordinal = static_cast<uint64_t>(slot) * 4;
  auto append = [&](uint64_t record_ordinal, auto write) {
    if (record_ordinal < ordinal_min) return;
    const char* end = write(buffer.end());
    buffer.AddFilled(end - buffer.end());
    records.push_back({.ordinal = record_ordinal, .end = buffer.byte_count()});
  };
  if (HasOwn(slot)) {
    const Fate fate = FateOf(slot);
    if (fate == Fate::kRegular) {
      append(ordinal, [&](char* out) { return WriteReading(slot, out); });
    } else if (fate != Fate::kGap && fate != Fate::kLate) {
      append(ordinal, [&](char* out) { return WriteBroken(slot, fate, out); });
    }
  }
  if (const int64_t repeated = DuplicateIn(slot); repeated >= 0) {
    append(ordinal + 1, [&](char* out) { return WriteReading(repeated, out); });
  }
  if (const int64_t late = LateIn(slot); late >= 0) {
    append(ordinal + 2, [&](char* out) { return WriteReading(late, out); });
  }
}

SimulatedTruth SensorModel::CountTruth(int64_t count) const {
  SimulatedTruth truth;
  const int64_t end = count > 0 ? std::min(count, slot_count_) : slot_count_;
  CATCHWATER_CHECK(end < INT64_MAX, "a stream without end has no whole truth: give a count");
  for (int64_t slot = 0; slot < end; ++slot) {
    if (HasOwn(slot)) {
      const Fate fate = FateOf(slot);
      truth.gap_count += fate == Fate::kGap ? 1 : 0;
      truth.reading_count += fate == Fate::kRegular ? 1 : 0;
      truth.undecodable_count += fate == Fate::kUndecodable ? 1 : 0;
      truth.out_of_range_count += fate == Fate::kOutOfRange ? 1 : 0;
    }
    truth.duplicate_count += DuplicateIn(slot) >= 0 ? 1 : 0;
    truth.late_count += LateIn(slot) >= 0 ? 1 : 0;
  }
  truth.reading_count += truth.late_count;
  truth.frame_count = truth.reading_count + truth.duplicate_count + truth.undecodable_count +
                      truth.out_of_range_count;
  return truth;
}

}  // namespace catchwater
