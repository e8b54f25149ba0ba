/// \file
/// Days since 1970-01-01 <-> year, month, day of the proleptic Gregorian calendar.
/// Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013).
#pragma once

#include <cstdint>

namespace catchwater {

inline constexpr int64_t kMicrosPerSecond = 1'000'000;
inline constexpr int64_t kMicrosPerDay = 86'400 * kMicrosPerSecond;
/// 0001-01-01 and 9999-12-31: the range of all our times.
inline constexpr int32_t kDayMin = -719'162;
inline constexpr int32_t kDayMax = 2'932'896;
inline constexpr int64_t kTimestampMin = kDayMin * kMicrosPerDay;
inline constexpr int64_t kTimestampMax = (kDayMax + 1) * kMicrosPerDay - 1;

/// The greatest multiple of `width` that is not above the value. \pre width > 0
constexpr int64_t FloorTo(int64_t value, int64_t width) {
  const int64_t rest = value % width;
  return value - (rest < 0 ? rest + width : rest);
}

constexpr bool IsLeapYear(uint32_t year) {
  return (year & 3) == 0 && (year % 25 != 0 || (year & 15) == 0);
}

/// \pre 1 <= month <= 12
constexpr uint32_t DaysInMonth(uint32_t year, uint32_t month) {
  return month == 2 ? 28 + static_cast<uint32_t>(IsLeapYear(year)) : 30 | (month ^ (month >> 3));
}

/// \pre 1 <= year <= 9999 and a month and day that exist
constexpr int32_t DaysFromCivil(uint32_t year, uint32_t month, uint32_t day) {
  // Years begin in March, so that the leap day is the last one.
  const bool is_before_march = month < 3;
  const uint32_t y = year - static_cast<uint32_t>(is_before_march);
  const uint32_t m = is_before_march ? month + 9 : month - 3;
  const uint32_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
  return static_cast<int32_t>(days) - 719'468;
}

struct CivilDate {
  int32_t year = 0;
  int32_t month = 0;
  int32_t day = 0;
  bool operator==(const CivilDate&) const = default;
};

/// Any day of a 64-bit count of microseconds.
constexpr CivilDate CivilFromDays(int64_t days) {
  const int64_t shifted = days + 719'468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto day_of_era = static_cast<int32_t>(shifted - era * 146'097);
  const int32_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int32_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int32_t m = (5 * day_of_year + 2) / 153;
  const int32_t month = m < 10 ? m + 3 : m - 9;
  return {.year = year_of_era + static_cast<int32_t>(era) * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = day_of_year - (153 * m + 2) / 5 + 1};
}

}  // namespace catchwater
