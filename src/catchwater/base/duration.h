/// \file
/// Durations as people write them in YAML: `250ms`, `10s`, `5m`, `2h`, `1d`.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// A length of time in milliseconds. A value type.
struct Duration {
  int64_t ms = 0;

  static constexpr Duration Millis(int64_t count) { return {count}; }
  static constexpr Duration Seconds(int64_t count) { return {count * 1'000}; }
  static constexpr Duration Minutes(int64_t count) { return {count * 60'000}; }
  static constexpr Duration Hours(int64_t count) { return {count * 3'600'000}; }
  static constexpr Duration Days(int64_t count) { return {count * 86'400'000}; }

  /// Microseconds, the unit of `Clock`; the largest int64 when it does not fit.
  constexpr int64_t us() const { return ms > INT64_MAX / 1'000 ? INT64_MAX : ms * 1'000; }
  constexpr double seconds() const { return static_cast<double>(ms) / 1e3; }

  constexpr auto operator<=>(const Duration&) const = default;
};

/// Reads a positive whole number and a unit (ms s m h d), without blanks.
/// \retval kConfig naming what is wrong
arrow::Result<Duration> ParseDuration(std::string_view text);

/// Writes the duration with the largest unit that divides it: 90000 ms -> "90s", 0 -> "0ms".
std::string FormatDuration(Duration duration);

}  // namespace catchwater
