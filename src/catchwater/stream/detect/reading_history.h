/// \file
/// The newest readings of a key in few bytes: most sensors send in a rhythm, with few digits.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "catchwater/stream/state_bytes.h"

namespace catchwater {

/// Pure. One thread at a time.
/// Invariants:
/// 1. Times and values come back as they were given, bit by bit.
/// 2. A reading takes 2 to 4 bytes if it comes in the rhythm of the one before and its value is a
///    decimal of at most 6 digits behind the point, and never more than kReadingBytesMax.
/// Source: docs/formats/stream_state.md.
class ReadingHistory {
 public:
  static constexpr size_t kCountMax = 240;  ///< Over it the oldest reading is forgotten.
  static constexpr size_t kReadingBytesMax = 20;

  struct Unpacked {
    size_t count = 0;
    std::array<int64_t, kCountMax> times_us;
    std::array<double, kCountMax> values;

    std::span<const int64_t> times_from(size_t first) const {
      return std::span(times_us).subspan(first, count - first);
    }
    std::span<const double> values_from(size_t first) const {
      return std::span(values).subspan(first, count - first);
    }
  };

  /// \pre times do not go back
  void Add(int64_t time_us, double value);
  void DropBefore(int64_t time_us);
  Unpacked Unpack() const;
  size_t count() const { return count_; }

  void Save(StateWriter* state) const;
  void Load(StateReader* state);

 private:
  /// A reading, as the one behind it is told by it.
  struct Place {
    int64_t time_us = 0;
    int64_t step_us = 0;  ///< From the reading before.
    int64_t scaled = 0;   ///< Of the last value that was a decimal: itself without the point.
    double value = 0;
  };

  /// Where the next reading begins. \return null if the bytes end within it
  const uint8_t* Next(const uint8_t* at, Place* place) const;
  void Append(int64_t time_us, double value);
  /// With more digits behind the point.
  void Rescale(uint8_t digit_count);
  void DropOldest();

  Place oldest_, newest_;
  uint32_t count_ = 0;
  uint8_t digit_count_ = 0;     // Behind the point, of all decimals.
  std::vector<uint8_t> bytes_;  // Of all but the oldest.
};

}  // namespace catchwater
