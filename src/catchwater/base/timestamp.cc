#include "catchwater/base/timestamp.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace catchwater {
namespace {

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

LocalTime Fault(TimeFault fault) { return {.fault = fault}; }

// Reads a text from the left.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}

  bool is_end() const { return rest_.empty(); }
  char Peek(size_t place = 0) const { return place < rest_.size() ? rest_[place] : '\0'; }
  bool Take(char letter) {
    if (Peek() != letter) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool Take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  /// How many digits come next.
  size_t digit_count() const {
    size_t count = 0;
    while (count < rest_.size() && IsDigit(rest_[count])) ++count;
    return count;
  }
  /// \pre digit_count() >= count, count <= 9
  uint32_t TakeNumber(size_t count) {
    uint32_t number = 0;
    for (size_t i = 0; i < count; ++i) number = number * 10 + static_cast<uint32_t>(rest_[i] - '0');
    rest_.remove_prefix(count);
    return number;
  }
  void Skip(size_t count) { rest_.remove_prefix(count); }

 private:
  std::string_view rest_;
};

struct DayParse {
  int32_t days = 0;
  TimeFault fault = TimeFault::kNone;
};

DayParse DayOfMonth(uint32_t year, uint32_t month, uint32_t day) {
  if (month < 1 || month > 12) return {.fault = TimeFault::kMonth};
  if (day < 1 || day > DaysInMonth(year, month)) return {.fault = TimeFault::kDay};
  return {.days = DaysFromCivil(year, month, day)};
}

DayParse DayOfYear(uint32_t year, uint32_t day) {
  if (day < 1 || day > 365 + static_cast<uint32_t>(IsLeapYear(year))) {
    return {.fault = TimeFault::kDay};
  }
  return {.days = DaysFromCivil(year, 1, 1) + static_cast<int32_t>(day) - 1};
}

// Week 1 is the one with January 4th; weeks begin on Monday. A week belongs to the year of its
// Thursday, so the day may lie in the year before or after.
DayParse DayOfWeek(uint32_t year, uint32_t week, uint32_t weekday) {
  if (weekday < 1 || weekday > 7) return {.fault = TimeFault::kWeekday};
  const int32_t january_4 = DaysFromCivil(year, 1, 4);
  const int32_t since_monday = (january_4 - kDayMin) % 7;   // 0001-01-01 was a Monday.
  const int32_t december_28 = DaysFromCivil(year, 12, 28);  // Is always in the last week.
  const int32_t first_monday = january_4 - since_monday;
  const int32_t week_count = (december_28 - first_monday) / 7 + 1;
  if (week < 1 || week > static_cast<uint32_t>(week_count)) return {.fault = TimeFault::kWeek};
  const int32_t days =
      first_monday + static_cast<int32_t>(week - 1) * 7 + static_cast<int32_t>(weekday) - 1;
  if (days < kDayMin || days > kDayMax) return {.fault = TimeFault::kRange};
  return {.days = days};
}

DayParse ParseWeekDate(uint32_t year, bool has_dash, Cursor& cursor) {
  cursor.Skip(1);  // W
  const size_t digit_count = cursor.digit_count();
  if (has_dash ? digit_count != 2 : digit_count != 3) return {.fault = TimeFault::kSyntax};
  const uint32_t week = cursor.TakeNumber(2);
  if (has_dash && !cursor.Take('-')) return {.fault = TimeFault::kSyntax};
  if (cursor.digit_count() != 1) return {.fault = TimeFault::kSyntax};
  return DayOfWeek(year, week, cursor.TakeNumber(1));
}

DayParse ParseDay(Cursor& cursor) {
  const size_t lead = cursor.digit_count();
  if (lead != 4 && lead != 7 && lead != 8) return {.fault = TimeFault::kSyntax};
  const uint32_t year = cursor.TakeNumber(4);
  if (year == 0) return {.fault = TimeFault::kRange};
  if (lead == 7) return DayOfYear(year, cursor.TakeNumber(3));
  if (lead == 8) {
    const uint32_t month = cursor.TakeNumber(2);
    return DayOfMonth(year, month, cursor.TakeNumber(2));
  }
  const bool has_dash = cursor.Take('-');
  if (cursor.Peek() == 'W') return ParseWeekDate(year, has_dash, cursor);
  if (!has_dash) return {.fault = TimeFault::kSyntax};
  if (cursor.digit_count() == 3) return DayOfYear(year, cursor.TakeNumber(3));
  if (cursor.digit_count() != 2) return {.fault = TimeFault::kSyntax};
  const uint32_t month = cursor.TakeNumber(2);
  if (!cursor.Take('-') || cursor.digit_count() != 2) return {.fault = TimeFault::kSyntax};
  return DayOfMonth(year, month, cursor.TakeNumber(2));
}

struct ClockParse {
  int64_t us = 0;
  TimeFault fault = TimeFault::kNone;
};

// Reads `.123` or `,123` into microseconds.
ClockParse ParseFraction(Cursor& cursor) {
  if (!cursor.Take('.') && !cursor.Take(',')) return {};
  const size_t count = cursor.digit_count();
  if (count < 1 || count > 9) return {.fault = TimeFault::kFraction};
  int64_t nanos = cursor.TakeNumber(count);
  for (size_t i = count; i < 9; ++i) nanos *= 10;
  return {.us = nanos / 1000};
}

ClockParse ParseClock(Cursor& cursor) {
  const size_t lead = cursor.digit_count();
  if (lead != 2 && lead != 4 && lead != 6) return {.fault = TimeFault::kSyntax};
  const uint32_t hour = cursor.TakeNumber(2);
  uint32_t minute = 0;
  uint32_t second = 0;
  bool has_seconds = lead == 6;
  if (lead >= 4) minute = cursor.TakeNumber(2);
  if (lead == 6) second = cursor.TakeNumber(2);
  if (lead == 2 && cursor.Take(':')) {
    if (cursor.digit_count() != 2) return {.fault = TimeFault::kSyntax};
    minute = cursor.TakeNumber(2);
    has_seconds = cursor.Take(':');
    if (has_seconds && cursor.digit_count() != 2) return {.fault = TimeFault::kSyntax};
    if (has_seconds) second = cursor.TakeNumber(2);
  }
  ClockParse fraction;
  if (has_seconds) fraction = ParseFraction(cursor);
  if (fraction.fault != TimeFault::kNone) return fraction;
  if (hour > 24) return {.fault = TimeFault::kHour};
  if (minute > 59) return {.fault = TimeFault::kMinute};
  if (second == 60) return {.fault = TimeFault::kLeapSecond};
  if (second > 60) return {.fault = TimeFault::kSecond};
  if (hour == 24 && (minute != 0 || second != 0 || fraction.us != 0)) {
    return {.fault = TimeFault::kHour};
  }
  return {.us = (hour * int64_t{3600} + minute * 60 + second) * kMicrosPerSecond + fraction.us};
}

// Reads the offset into the time, which may end before it.
TimeFault ParseOffset(Cursor& cursor, LocalTime& time) {
  if (cursor.is_end()) return TimeFault::kNone;
  cursor.Take(' ');
  time.has_offset = true;
  if (cursor.Take('Z') || cursor.Take('z') || cursor.Take("UTC")) return TimeFault::kNone;
  const bool is_west = cursor.Peek() == '-';
  if (!cursor.Take('-') && !cursor.Take('+')) return TimeFault::kSyntax;
  const size_t lead = cursor.digit_count();
  if (lead != 2 && lead != 4) return TimeFault::kOffset;
  const uint32_t hours = cursor.TakeNumber(2);
  uint32_t minutes = 0;
  if (lead == 4) {
    minutes = cursor.TakeNumber(2);
  } else if (cursor.Take(':')) {
    if (cursor.digit_count() != 2) return TimeFault::kOffset;
    minutes = cursor.TakeNumber(2);
  }
  if (hours > 23 || minutes > 59) return TimeFault::kOffset;
  const auto seconds = static_cast<int32_t>(hours * 3600 + minutes * 60);
  time.offset_s = is_west ? -seconds : seconds;
  return TimeFault::kNone;
}

void AppendPadded(int64_t number, int width, std::string* text) {
  std::array<char, 20> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
  const auto length = static_cast<int>(end - buffer.data());
  if (length < width) text->append(static_cast<size_t>(width - length), '0');
  text->append(buffer.data(), end);
}

}  // namespace

std::string_view TimeFaultText(TimeFault fault) {
  switch (fault) {
    case TimeFault::kNone:
      return "";
    case TimeFault::kSyntax:
      return "the form is not that of a date and time";
    case TimeFault::kMonth:
      return "the month is not 1 to 12";
    case TimeFault::kDay:
      return "the month or year has no such day";
    case TimeFault::kWeek:
      return "the year has no such week";
    case TimeFault::kHour:
      return "the hour is not 0 to 23";
    case TimeFault::kMinute:
      return "the minute is not 0 to 59";
    case TimeFault::kSecond:
      return "the second is not 0 to 59";
    case TimeFault::kLeapSecond:
      return "a leap second (:60) cannot be represented";
    case TimeFault::kFraction:
      return "the fraction of a second has not 1 to 9 digits";
    case TimeFault::kOffset:
      return "the offset is not Z, +hh, +hhmm or +hh:mm";
    case TimeFault::kRange:
      return "the year is not 1 to 9999";
    case TimeFault::kPattern:
      return "the text does not follow the pattern";
    case TimeFault::kWeekday:
      return "the day of the week is not known";
    case TimeFault::kZoneName:
      return "the zone is not UTC, GMT or Z; write an offset";
    case TimeFault::kGap:
      return "the local time does not exist: clocks were put forward over it";
    case TimeFault::kNumber:
      return "not a number";
    case TimeFault::kTimeOfDay:
      return "there is a time of day in a date";
  }
  return "";
}

LocalTime ParseIso(std::string_view text) {
  Cursor cursor(text);
  const DayParse day = ParseDay(cursor);
  if (day.fault != TimeFault::kNone) return Fault(day.fault);
  LocalTime time{.us = day.days * kMicrosPerDay};
  if (cursor.is_end()) return time;
  const bool has_separator = cursor.Take('T') || cursor.Take('t') || cursor.Take(' ');
  if (!has_separator) return Fault(TimeFault::kSyntax);
  const ClockParse clock = ParseClock(cursor);
  if (clock.fault != TimeFault::kNone) return Fault(clock.fault);
  time.us += clock.us;
  time.has_time = true;
  const TimeFault offset_fault = ParseOffset(cursor, time);
  if (offset_fault != TimeFault::kNone) return Fault(offset_fault);
  if (!cursor.is_end()) return Fault(TimeFault::kSyntax);
  if (time.us > kTimestampMax) return Fault(TimeFault::kRange);
  return time;
}

LocalTime ToUtc(LocalTime time) {
  time.us -= time.offset_s * kMicrosPerSecond;
  time.offset_s = 0;
  if (time.us < kTimestampMin || time.us > kTimestampMax) return Fault(TimeFault::kRange);
  return time;
}

std::optional<int64_t> MicrosFromEpoch(int64_t value, int64_t units_per_second) {
  const int64_t micros_per_unit = kMicrosPerSecond / units_per_second;
  if (value < kTimestampMin / micros_per_unit || value > kTimestampMax / micros_per_unit) {
    return std::nullopt;
  }
  return value * micros_per_unit;
}

std::optional<int64_t> MicrosFromEpoch(double value, int64_t units_per_second) {
  const double us = value * static_cast<double>(kMicrosPerSecond / units_per_second);
  if (!(us >= static_cast<double>(kTimestampMin) && us < static_cast<double>(kTimestampMax))) {
    return std::nullopt;
  }
  return std::llround(us);
}

LocalTime ParseEpoch(std::string_view text, int64_t units_per_second) {
  Cursor cursor(text);
  const bool is_negative = cursor.Take('-');
  if (!is_negative) cursor.Take('+');
  const size_t count = cursor.digit_count();
  if (count == 0) return Fault(TimeFault::kNumber);
  int64_t whole = 0;
  for (size_t i = 0; i < count; ++i) {
    if (whole > kTimestampMax) return Fault(TimeFault::kRange);
    whole = whole * 10 + cursor.TakeNumber(1);
  }
  const std::optional<int64_t> us = MicrosFromEpoch(whole, units_per_second);
  if (!us) return Fault(TimeFault::kRange);
  // Fraction digits of the unit, down to microseconds; the rest is cut off towards zero.
  int64_t fraction_us = 0;
  if (cursor.Take('.')) {
    const size_t fraction_count = cursor.digit_count();
    if (fraction_count == 0) return Fault(TimeFault::kNumber);
    int64_t place = kMicrosPerSecond / units_per_second;
    for (size_t i = 0; i < fraction_count; ++i) {
      place /= 10;
      fraction_us += place * cursor.TakeNumber(1);
    }
  }
  if (!cursor.is_end()) return Fault(TimeFault::kNumber);
  const int64_t magnitude = *us + fraction_us;
  LocalTime time{.us = is_negative ? -magnitude : magnitude, .has_offset = true, .has_time = true};
  return ToUtc(time);
}

void AppendDate(int64_t days, std::string* text) {
  const CivilDate date = CivilFromDays(days);
  if (date.year < 0) text->push_back('-');
  AppendPadded(std::abs(date.year), 4, text);
  text->push_back('-');
  AppendPadded(date.month, 2, text);
  text->push_back('-');
  AppendPadded(date.day, 2, text);
}

void AppendTimestamp(int64_t us, bool with_z, std::string* text) {
  // Not us - days * kMicrosPerDay: the first day that int64 reaches begins before it.
  int64_t days = us / kMicrosPerDay;
  int64_t of_day = us % kMicrosPerDay;
  if (of_day < 0) {
    of_day += kMicrosPerDay;
    --days;
  }
  AppendDate(days, text);
  const int64_t seconds = of_day / kMicrosPerSecond;
  text->push_back('T');
  AppendPadded(seconds / 3600, 2, text);
  text->push_back(':');
  AppendPadded(seconds / 60 % 60, 2, text);
  text->push_back(':');
  AppendPadded(seconds % 60, 2, text);
  if (const int64_t fraction = of_day % kMicrosPerSecond; fraction != 0) {
    text->push_back('.');
    AppendPadded(fraction, 6, text);
    text->erase(text->find_last_not_of('0') + 1);
  }
  if (with_z) text->push_back('Z');
}

}  // namespace catchwater
