#include "catchwater/base/time_pattern.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kDirectives = "YymdejbBhaAHIpMSfzZs";
constexpr std::array<std::string_view, 12> kMonths{"january",   "february", "march",    "april",
                                                   "may",       "june",     "july",     "august",
                                                   "september", "october",  "november", "december"};
constexpr std::array<std::string_view, 7> kWeekdays{"monday", "tuesday",  "wednesday", "thursday",
                                                    "friday", "saturday", "sunday"};

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }
bool IsBlank(char letter) { return letter == ' ' || letter == '\t'; }
char Lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32) : letter;
}

std::string Expand(std::string_view pattern) {
  std::string expanded;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char directive = pattern[i] == '%' && i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    if (directive == '\0') {
      expanded += pattern[i];
      continue;
    }
    ++i;
    if (directive == 'F') {
      expanded += "%Y-%m-%d";
    } else if (directive == 'T') {
      expanded += "%H:%M:%S";
    } else if (directive == 'R') {
      expanded += "%H:%M";
    } else if (directive == 'D') {
      expanded += "%m/%d/%y";
    } else {
      expanded += {'%', directive};
    }
  }
  return expanded;
}

// What the directives of one text say.
struct Fields {
  int64_t year = 1970;
  int64_t month = 1;
  int64_t day = 1;
  int64_t day_of_year = 0;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
  int64_t fraction_us = 0;
  std::optional<int64_t> epoch_s;
  std::optional<bool> is_afternoon;
  bool has_hour_of_twelve = false;
  bool has_time = false;
  bool has_offset = false;
  int32_t offset_s = 0;
};

class PatternReader {
 public:
  explicit PatternReader(std::string_view text) : rest_(text) {}

  bool is_end() const { return rest_.empty(); }
  const Fields& fields() const { return fields_; }

  TimeFault Literal(char literal) {
    if (IsBlank(literal)) {
      SkipBlanks();
      return TimeFault::kNone;
    }
    if (rest_.empty() || rest_.front() != literal) return TimeFault::kPattern;
    rest_.remove_prefix(1);
    return TimeFault::kNone;
  }

  void SkipBlanks() {
    while (!rest_.empty() && IsBlank(rest_.front())) rest_.remove_prefix(1);
  }

  TimeFault Directive(char directive) {
    switch (directive) {
      case 'Y':
        return Number(4, 4, 1, 9999, TimeFault::kRange, fields_.year);
      case 'y':
        return YearOfCentury();
      case 'm':
        return Number(1, 2, 1, 12, TimeFault::kMonth, fields_.month);
      case 'd':
      case 'e':
        SkipBlanks();
        return Number(1, 2, 1, 31, TimeFault::kDay, fields_.day);
      case 'j':
        return Number(1, 3, 1, 366, TimeFault::kDay, fields_.day_of_year);
      case 'b':
      case 'B':
      case 'h':
        return MonthName();
      case 'a':
      case 'A':
        return Name(kWeekdays) < 0 ? TimeFault::kWeekday : TimeFault::kNone;
      default:
        return ClockDirective(directive);
    }
  }

 private:
  TimeFault ClockDirective(char directive) {
    fields_.has_time = true;
    switch (directive) {
      case 'H':
        return Number(1, 2, 0, 23, TimeFault::kHour, fields_.hour);
      case 'I':
        fields_.has_hour_of_twelve = true;
        return Number(1, 2, 1, 12, TimeFault::kHour, fields_.hour);
      case 'p':
        return HalfOfDay();
      case 'M':
        return Number(1, 2, 0, 59, TimeFault::kMinute, fields_.minute);
      case 'S':
        if (rest_.starts_with("60")) return TimeFault::kLeapSecond;
        return Number(1, 2, 0, 59, TimeFault::kSecond, fields_.second);
      case 'f':
        return Fraction();
      case 's':
        return EpochSeconds();
      case 'z':
        return Offset();
      default:
        return ZoneName();
    }
  }

  size_t DigitCount(size_t most) const {
    size_t count = 0;
    while (count < most && count < rest_.size() && IsDigit(rest_[count])) ++count;
    return count;
  }

  TimeFault Number(size_t least, size_t most, int64_t low, int64_t high, TimeFault fault,
                   int64_t& number) {
    const size_t count = DigitCount(most);
    if (count < least) return TimeFault::kPattern;
    number = 0;
    for (size_t i = 0; i < count; ++i) number = number * 10 + (rest_[i] - '0');
    rest_.remove_prefix(count);
    return number < low || number > high ? fault : TimeFault::kNone;
  }

  TimeFault YearOfCentury() {
    const TimeFault fault = Number(2, 2, 0, 99, TimeFault::kRange, fields_.year);
    fields_.year += fields_.year >= 69 ? 1900 : 2000;
    return fault;
  }

  TimeFault Fraction() {
    const size_t count = DigitCount(9);
    const TimeFault fault = Number(1, 9, 0, 999'999'999, TimeFault::kFraction, fields_.fraction_us);
    for (size_t i = count; i < 9; ++i) fields_.fraction_us *= 10;
    fields_.fraction_us /= 1000;
    return fault;
  }

  TimeFault EpochSeconds() {
    const bool is_negative = !rest_.empty() && rest_.front() == '-';
    if (is_negative) rest_.remove_prefix(1);
    int64_t seconds = 0;
    const TimeFault fault =
        Number(1, 12, 0, kTimestampMax / kMicrosPerSecond, TimeFault::kRange, seconds);
    fields_.epoch_s = is_negative ? -seconds : seconds;
    return fault;
  }

  TimeFault Offset() {
    fields_.has_offset = true;
    if (!rest_.empty() && (rest_.front() == 'Z' || rest_.front() == 'z')) {
      rest_.remove_prefix(1);
      return TimeFault::kNone;
    }
    if (rest_.empty() || (rest_.front() != '+' && rest_.front() != '-')) return TimeFault::kOffset;
    const bool is_west = rest_.front() == '-';
    rest_.remove_prefix(1);
    int64_t hours = 0;
    int64_t minutes = 0;
    if (Number(2, 2, 0, 23, TimeFault::kOffset, hours) != TimeFault::kNone) {
      return TimeFault::kOffset;
    }
    const bool has_colon = rest_.size() > 1 && rest_.front() == ':' && IsDigit(rest_[1]);
    if (has_colon) rest_.remove_prefix(1);
    if ((has_colon || DigitCount(2) == 2) &&
        Number(2, 2, 0, 59, TimeFault::kOffset, minutes) != TimeFault::kNone) {
      return TimeFault::kOffset;
    }
    const auto seconds = static_cast<int32_t>(hours * 3600 + minutes * 60);
    fields_.offset_s = is_west ? -seconds : seconds;
    return TimeFault::kNone;
  }

  TimeFault ZoneName() {
    for (const std::string_view word : {"UTC", "GMT", "Z"}) {
      if (!rest_.starts_with(word)) continue;
      rest_.remove_prefix(word.size());
      fields_.has_offset = true;
      return TimeFault::kNone;
    }
    return TimeFault::kZoneName;
  }

  TimeFault HalfOfDay() {
    if (rest_.size() < 2 || Lower(rest_[1]) != 'm') return TimeFault::kPattern;
    const char half = Lower(rest_[0]);
    if (half != 'a' && half != 'p') return TimeFault::kPattern;
    fields_.is_afternoon = half == 'p';
    rest_.remove_prefix(2);
    return TimeFault::kNone;
  }

  TimeFault MonthName() {
    const int index = Name(kMonths);
    if (index < 0) return TimeFault::kMonth;
    fields_.month = index + 1;
    return TimeFault::kNone;
  }

  // Takes a name of the list, whole or its first three letters. \return its index, or -1
  int Name(std::span<const std::string_view> names) {
    for (size_t i = 0; i < names.size(); ++i) {
      for (const std::string_view name : {names[i], names[i].substr(0, 3)}) {
        if (rest_.size() < name.size()) continue;
        const bool is_equal = std::equal(name.begin(), name.end(), rest_.begin(),
                                         [](char a, char b) { return a == Lower(b); });
        if (!is_equal) continue;
        rest_.remove_prefix(name.size());
        return static_cast<int>(i);
      }
    }
    return -1;
  }

  std::string_view rest_;
  Fields fields_;
};

LocalTime FromFields(const Fields& fields) {
  if (fields.epoch_s) {
    return ToUtc({.us = *fields.epoch_s * kMicrosPerSecond + fields.fraction_us,
                  .has_offset = true,
                  .has_time = true});
  }
  const auto year = static_cast<uint32_t>(fields.year);
  int64_t days = 0;
  if (fields.day_of_year > 0) {
    if (fields.day_of_year == 366 && !IsLeapYear(year)) return {.fault = TimeFault::kDay};
    days = DaysFromCivil(year, 1, 1) + fields.day_of_year - 1;
  } else {
    const auto month = static_cast<uint32_t>(fields.month);
    const auto day = static_cast<uint32_t>(fields.day);
    if (day > DaysInMonth(year, month)) return {.fault = TimeFault::kDay};
    days = DaysFromCivil(year, month, day);
  }
  int64_t hour = fields.hour;
  if (fields.has_hour_of_twelve) hour = hour % 12 + (fields.is_afternoon.value_or(false) ? 12 : 0);
  return {.us = days * kMicrosPerDay +
                (hour * 3600 + fields.minute * 60 + fields.second) * kMicrosPerSecond +
                fields.fraction_us,
          .offset_s = fields.offset_s,
          .has_offset = fields.has_offset,
          .has_time = fields.has_time};
}

}  // namespace

arrow::Result<TimePattern> TimePattern::Make(std::string_view pattern) {
  const std::string expanded = Expand(pattern);
  TimePattern result;
  std::string seen;
  for (size_t i = 0; i < expanded.size(); ++i) {
    if (expanded[i] != '%') {
      result.parts_.push_back({.literal = expanded[i]});
      continue;
    }
    const char directive = ++i < expanded.size() ? expanded[i] : '\0';
    if (directive == '%') {
      result.parts_.push_back({.literal = '%'});
      continue;
    }
    if (directive == '\0' || kDirectives.find(directive) == std::string_view::npos) {
      return ConfigError("Time pattern has an unknown directive, known are %", kDirectives,
                         "FTRD%: ", pattern);
    }
    seen += directive;
    result.parts_.push_back({.directive = directive});
  }
  const auto has = [&](std::string_view any) {
    return seen.find_first_of(any) != std::string::npos;
  };
  const bool gives_date = has("s") || (has("Yy") && (has("j") || (has("mbBh") && has("de"))));
  if (!gives_date) {
    return ConfigError("Time pattern gives no date, it needs %F, %s, or %Y with %m and %d or %j: ",
                       pattern);
  }
  if (has("I") != has("p")) {
    return ConfigError("Time pattern must have both %I and %p or none of them: ", pattern);
  }
  return result;
}

LocalTime TimePattern::Parse(std::string_view text) const {
  PatternReader reader(text);
  for (const Part& part : parts_) {
    const TimeFault fault =
        part.directive == '\0' ? reader.Literal(part.literal) : reader.Directive(part.directive);
    if (fault != TimeFault::kNone) return {.fault = fault};
  }
  if (!reader.is_end()) return {.fault = TimeFault::kPattern};
  return FromFields(reader.fields());
}

}  // namespace catchwater
