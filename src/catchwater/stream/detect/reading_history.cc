#include "catchwater/stream/detect/reading_history.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

namespace catchwater {
namespace {

constexpr std::array<double, 7> kPowers{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
constexpr double kScaledMax = 1e15;  // All whole numbers up to there are doubles.
constexpr uint64_t kNoDecimal = 0;   // In place of a step: the value as it is follows.

int64_t Plus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t Minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

double Unscale(int64_t scaled, uint8_t digit_count) {
  return static_cast<double>(scaled) / kPowers[digit_count];
}

/// The value without its point, if that gives it back.
std::optional<int64_t> Scale(double value, uint8_t digit_count) {
  const double moved = std::round(value * kPowers[digit_count]);
  if (!(std::abs(moved) <= kScaledMax)) return std::nullopt;
  const auto scaled = static_cast<int64_t>(moved);
  const bool is_same =
      std::bit_cast<uint64_t>(Unscale(scaled, digit_count)) == std::bit_cast<uint64_t>(value);
  return is_same ? std::optional(scaled) : std::nullopt;
}

/// Numbers near zero become small ones: 0, -1, 1, -2, ...
uint64_t Fold(int64_t number) {
  return (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
}
int64_t Unfold(uint64_t folded) {
  return static_cast<int64_t>((folded >> 1) ^ (~(folded & 1) + 1));
}

/// 7 bits a byte, the lowest first; the last byte has no high bit.
void PutShort(uint64_t rest, std::vector<uint8_t>* bytes) {
  for (; rest >= 0x80; rest >>= 7) bytes->push_back(static_cast<uint8_t>(rest | 0x80));
  bytes->push_back(static_cast<uint8_t>(rest));
}

/// \return where the next number begins; null if this one is not whole
const uint8_t* GetShort(const uint8_t* at, const uint8_t* end, uint64_t* number) {
  *number = 0;
  for (int shift = 0; at != end && shift < 64; shift += 7) {
    const uint8_t byte = *at++;
    *number |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return at;
  }
  return nullptr;
}

}  // namespace

void ReadingHistory::Append(int64_t time_us, double value) {
  const int64_t step_us = Minus(time_us, newest_.time_us);
  const auto scaled = Scale(value, digit_count_);
  if (count_ > 0) {
    // Not one by one: a vector that doubles would hold twice as much as it needs.
    if (bytes_.capacity() < bytes_.size() + kReadingBytesMax) {
      bytes_.reserve(bytes_.size() * 9 / 8 + 2 * kReadingBytesMax);
    }
    PutShort(Fold(Minus(step_us, newest_.step_us)), &bytes_);
    PutShort(scaled ? Fold(*scaled - newest_.scaled) + 1 : kNoDecimal, &bytes_);
    if (!scaled) {
      const auto raw = std::bit_cast<std::array<uint8_t, sizeof(double)>>(value);
      bytes_.insert(bytes_.end(), raw.begin(), raw.end());
    }
  }
  newest_ = {.time_us = time_us,
             .step_us = count_ > 0 ? step_us : 0,
             .scaled = scaled.value_or(newest_.scaled),
             .value = value};
  if (count_ == 0) oldest_ = newest_;
  ++count_;
}

const uint8_t* ReadingHistory::Next(const uint8_t* at, Place* place) const {
  const uint8_t* end = bytes_.data() + bytes_.size();
  uint64_t more_us = 0;
  uint64_t step = 0;
  at = GetShort(at, end, &more_us);
  if (at != nullptr) at = GetShort(at, end, &step);
  if (at == nullptr) return nullptr;
  place->step_us = Plus(place->step_us, Unfold(more_us));
  place->time_us = Plus(place->time_us, place->step_us);
  if (step != kNoDecimal) {
    place->scaled = Plus(place->scaled, Unfold(step - 1));
    place->value = Unscale(place->scaled, digit_count_);
    return at;
  }
  if (end - at < static_cast<std::ptrdiff_t>(sizeof(double))) return nullptr;
  std::memcpy(&place->value, at, sizeof(double));
  return at + sizeof(double);
}

void ReadingHistory::Add(int64_t time_us, double value) {
  for (uint8_t digits = digit_count_; digits < kPowers.size(); ++digits) {
    if (!Scale(value, digits)) continue;
    if (digits > digit_count_) Rescale(digits);
    break;
  }
  if (count_ == kCountMax) DropOldest();
  Append(time_us, value);
}

void ReadingHistory::Rescale(uint8_t digit_count) {
  const Unpacked readings = Unpack();
  *this = {};
  digit_count_ = digit_count;
  for (size_t i = 0; i < readings.count; ++i) Append(readings.times_us[i], readings.values[i]);
}

void ReadingHistory::DropOldest() {
  if (--count_ == 0) return;
  const uint8_t* next = Next(bytes_.data(), &oldest_);
  bytes_.erase(bytes_.begin(), bytes_.begin() + (next - bytes_.data()));
}

void ReadingHistory::DropBefore(int64_t time_us) {
  while (count_ > 0 && oldest_.time_us < time_us) DropOldest();
}

ReadingHistory::Unpacked ReadingHistory::Unpack() const {
  Unpacked readings;
  Place place = oldest_;
  const uint8_t* at = bytes_.data();
  for (; readings.count < count_; ++readings.count) {
    if (readings.count > 0) at = Next(at, &place);
    readings.times_us[readings.count] = place.time_us;
    readings.values[readings.count] = place.value;
  }
  return readings;
}

void ReadingHistory::Save(StateWriter* state) const {
  state->Put(digit_count_);
  state->Put(count_);
  if (count_ == 0) return;
  state->Put(oldest_.time_us);
  state->Put(oldest_.step_us);
  state->Put(oldest_.scaled);
  state->Put(oldest_.value);
  state->PutText({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
}

void ReadingHistory::Load(StateReader* state) {
  *this = {};
  digit_count_ = state->Get<uint8_t>();
  const auto count = state->Get<uint32_t>();
  if (digit_count_ >= kPowers.size() || count > kCountMax) {
    *this = {};
    return state->Fail();
  }
  if (count == 0) return;
  oldest_.time_us = state->Get<int64_t>();
  oldest_.step_us = state->Get<int64_t>();
  oldest_.scaled = state->Get<int64_t>();
  oldest_.value = state->Get<double>();
  const std::string_view bytes = state->GetText();
  bytes_.assign(bytes.begin(), bytes.end());
  newest_ = oldest_;
  const auto is_scaled = [](const Place& place) {
    return std::abs(static_cast<double>(place.scaled)) <= kScaledMax;
  };
  const uint8_t* at = bytes_.data();
  bool is_sound = is_scaled(oldest_);
  for (count_ = 1; count_ < count && at != nullptr && is_sound; ++count_) {
    at = Next(at, &newest_);
    is_sound = is_scaled(newest_);
  }
  if (is_sound && count_ == count && at == bytes_.data() + bytes_.size()) return;
  state->Fail();
  *this = {};
}

}  // namespace catchwater
