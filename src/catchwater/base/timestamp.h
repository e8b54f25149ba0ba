/// \file
/// Text <-> points in time: microseconds since 1970-01-01 UTC, years 1 to 9999.
/// Source: ISO 8601-1:2019 and RFC 3339.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catchwater/base/civil.h"
#include "catchwater/base/swar.h"

namespace catchwater {

/// Why a text is no point in time.
enum class TimeFault {
  kNone,
  kSyntax,
  kMonth,
  kDay,
  kWeek,
  kHour,
  kMinute,
  kSecond,
  kLeapSecond,
  kFraction,
  kOffset,
  kRange,
  kPattern,
  kWeekday,
  kZoneName,
  kGap,
  kNumber,
  kTimeOfDay,
};

/// Says the fault as the end of a sentence: "the month is not 1 to 12".
std::string_view TimeFaultText(TimeFault fault);

/// A time as written: on the local clock, with or without its offset.
struct LocalTime {
  int64_t us = 0;  ///< As if the local clock were UTC.
  int32_t offset_s = 0;
  bool has_offset = false;
  bool has_time = false;  ///< A time of day was written, not only a date.
  TimeFault fault = TimeFault::kNone;
};

/// Reads any ISO 8601 form of a date or of a date and a time:
///   2026-01-02  20260102  2026-002  2026002  2026-W01-5  2026W015
///   then `T`, `t` or a blank, and 03:04:05.123456789  03:04:05  03:04  03  030405.5  0304
///   then nothing, Z, +01, +0130, +01:30, with or without a blank before, or " UTC".
/// A comma may stand for the point. 1 to 9 fraction digits; below microseconds is cut off. 24:00 is
/// the next midnight. Second 60 is refused: a leap second has no number here.
LocalTime ParseIso(std::string_view text);

/// Returns the time minus its offset. \return kRange if it leaves the years 1 to 9999
LocalTime ToUtc(LocalTime time);

/// Reads seconds since 1970-01-01 UTC, multiplied by `units_per_second`: `1767323045`,
/// `1767323045.25`, `-1`. \pre units_per_second is 1, 1,000 or 1,000,000
LocalTime ParseEpoch(std::string_view text, int64_t units_per_second);
/// \return nothing outside the years 1 to 9999
std::optional<int64_t> MicrosFromEpoch(int64_t value, int64_t units_per_second);
std::optional<int64_t> MicrosFromEpoch(double value, int64_t units_per_second);

/// Appends `2026-01-02T03:04:05`, a fraction of up to 6 digits without trailing zeros, and `Z` if
/// asked. A year before 0 has a minus sign, one after 9999 more digits.
void AppendTimestamp(int64_t us, bool with_z, std::string* text);
/// Appends `2026-01-02`.
void AppendDate(int64_t days, std::string* text);

/// Remembers the last date: most rows of a file are of the day of the row before.
class DateMemory {
 public:
  /// As timestamp_internal::ParseDate.
  inline int64_t Parse(const char* text);

 private:
  uint64_t word_ = 0;
  uint16_t rest_ = 0;
  int64_t us_ = 0;
};

/// The form of nearly all logs, `YYYY-MM-DD[T ]hh:mm:ss[.f][Z]` with up to 8 fraction digits, of a
/// padded text (base/swar.h). \return nothing if it is not that: ask ParseIso
struct UsualTime {
  int64_t us;
  bool is_utc;
};
inline std::optional<UsualTime> TryParseIso(const char* padded, size_t length, DateMemory& memory);

namespace timestamp_internal {

inline constexpr int64_t kNoTime = INT64_MIN;

/// Returns 0x80 in bytes that are more than the byte of 0x7F - `allowance`. \pre all bytes < 0x80
inline uint64_t MoreThan(uint64_t bytes, uint64_t allowance) {
  return (bytes + allowance) & 0x8080808080808080u;
}

/// Reads `YYYY-MM-DD` of which 16 characters may be read. \return microseconds, or kNoTime
inline int64_t ParseDate(const char* text) {
  constexpr uint64_t kHigh = 0x8080808080808080u;
  // The word minus what must stand in it: digits become 0 to 9, separators 0.
  const uint64_t date = LoadWord(text) ^ 0x2D30302D30303030u;  // 0000-00-
  const auto day_tens = static_cast<uint32_t>(text[8] - '0');
  const auto day_ones = static_cast<uint32_t>(text[9] - '0');
  const uint64_t wrong = (date & kHigh) | MoreThan(date & ~kHigh, 0x7F76767F76767676u);
  const uint64_t pairs = date * 10 + (date >> 8);
  const auto year = static_cast<uint32_t>((pairs & 0xFF) * 100 + ((pairs >> 16) & 0xFF));
  const auto month = static_cast<uint32_t>((pairs >> 40) & 0xFF);
  const uint32_t day = day_tens * 10 + day_ones;
  const bool is_wrong = wrong != 0 || day_tens > 9 || day_ones > 9 || year == 0 || month - 1 > 11 ||
                        day - 1 >= DaysInMonth(year, month & 15);
  if (is_wrong) return kNoTime;
  return DaysFromCivil(year, month, day) * kMicrosPerDay;
}

/// Reads `hh:mm:ss` of which 8 characters may be read. \return microseconds, or kNoTime
inline int64_t ParseTimeOfDay(const char* text) {
  constexpr uint64_t kHigh = 0x8080808080808080u;
  const uint64_t time = LoadWord(text) ^ 0x30303A30303A3030u;  // 00:00:00
  const uint64_t wrong = (time & kHigh) | MoreThan(time & ~kHigh, 0x76767F76767F7676u);
  const uint64_t pairs = (time * 10 + (time >> 8)) & 0x00FF0000FF0000FFu;
  if ((wrong | MoreThan(pairs, 0x0044000044000068u)) != 0) [[unlikely]]
    return kNoTime;
  const auto hour = static_cast<uint32_t>(pairs & 0xFF);
  const auto minute = static_cast<uint32_t>((pairs >> 24) & 0xFF);
  const auto second = static_cast<uint32_t>(pairs >> 48);
  return (hour * 3600 + minute * 60 + second) * kMicrosPerSecond;
}

}  // namespace timestamp_internal

inline int64_t DateMemory::Parse(const char* text) {
  const uint64_t word = LoadWord(text);
  uint16_t rest;
  std::memcpy(&rest, text + 8, sizeof(rest));
  if (word == word_ && rest == rest_) [[likely]]
    return us_;
  const int64_t us = timestamp_internal::ParseDate(text);
  if (us == timestamp_internal::kNoTime) return us;
  word_ = word;
  rest_ = rest;
  us_ = us;
  return us;
}

inline std::optional<UsualTime> TryParseIso(const char* padded, size_t length, DateMemory& memory) {
  if (length < 19 || (padded[10] != ' ' && padded[10] != 'T')) return std::nullopt;
  const int64_t date_us = memory.Parse(padded);
  const int64_t of_day_us = timestamp_internal::ParseTimeOfDay(padded + 11);
  if (date_us == timestamp_internal::kNoTime || of_day_us == timestamp_internal::kNoTime) {
    return std::nullopt;
  }
  const int64_t us = date_us + of_day_us;
  if (length == 19) return UsualTime{us, false};
  const bool is_utc = padded[length - 1] == 'Z';
  const size_t rest = length - 19 - static_cast<size_t>(is_utc);
  if (rest == 0) return UsualTime{us, true};
  const size_t digit_count = rest - 1;
  if (padded[19] != '.' || digit_count - 1 > 7) return std::nullopt;
  const uint64_t digits =
      DigitsOfWord(LoadWord(padded + 20)) & (~uint64_t{0} >> (64 - 8 * digit_count));
  if (NonDigitMask(digits) != 0) return std::nullopt;
  return UsualTime{us + static_cast<int64_t>(EightDigits(digits) / 100), is_utc};
}

}  // namespace catchwater
