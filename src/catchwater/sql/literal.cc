#include <charconv>
#include <chrono>
#include <string>
#include <system_error>

#include "catchwater/sql/literal_internal.h"

namespace catchwater::literal_internal {
namespace {

/// Takes exactly `digit_count` digits off the front.
bool TakeDigits(std::string_view& text, size_t digit_count, int& value) {
  if (text.size() < digit_count) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + digit_count, value);
  if (error != std::errc() || end != text.data() + digit_count || text[0] == '-') return false;
  text.remove_prefix(digit_count);
  return true;
}

bool TakeSign(std::string_view& text, char sign) {
  if (text.empty() || text[0] != sign) return false;
  text.remove_prefix(1);
  return true;
}

/// `.5`, `.123456`: up to six digits.
bool TakeFraction(std::string_view& text, int64_t& micros) {
  if (!TakeSign(text, '.')) return true;
  size_t digit_count = 0;
  for (; digit_count < text.size() && digit_count <= 6 && text[digit_count] >= '0' &&
         text[digit_count] <= '9';
       ++digit_count) {
    micros = micros * 10 + (text[digit_count] - '0');
  }
  if (digit_count == 0 || digit_count > 6) return false;
  for (size_t i = digit_count; i < 6; ++i) micros *= 10;
  text.remove_prefix(digit_count);
  return true;
}

}  // namespace

std::optional<Number> ParseNumber(std::string_view text) {
  Number number;
  const char* end = text.data() + text.size();
  const auto [real_end, real_error] = std::from_chars(text.data(), end, number.real);
  if (real_error != std::errc() || real_end != end) return std::nullopt;

  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = point == std::string_view::npos ? "" : text.substr(point + 1);
  if (fraction.size() > 15) return std::nullopt;
  if (!whole.empty()) {
    const auto [whole_end, error] =
        std::from_chars(whole.data(), whole.data() + whole.size(), number.floor);
    if (error != std::errc() || whole_end != whole.data() + whole.size()) return std::nullopt;
  }
  number.is_integer = fraction.find_first_not_of('0') == std::string_view::npos;
  if (is_negative) number.floor = -number.floor - (number.is_integer ? 0 : 1);
  const size_t first_digit = whole.find_first_not_of('0');
  number.digit_count = static_cast<int>(
      (first_digit == std::string_view::npos ? 0 : whole.size() - first_digit) + fraction.size());
  return number;
}

std::optional<UtcTime> ParseUtcTime(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!TakeDigits(text, 4, year) || !TakeSign(text, '-') || !TakeDigits(text, 2, month) ||
      !TakeSign(text, '-') || !TakeDigits(text, 2, day)) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1) return std::nullopt;
  UtcTime time;
  time.day = static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
  constexpr int64_t kMicrosADay = 86'400'000'000;
  time.micros = time.day * kMicrosADay;
  if (text.empty()) {
    time.is_date = true;
    return time;
  }
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t micros = 0;
  if ((!TakeSign(text, ' ') && !TakeSign(text, 'T')) || !TakeDigits(text, 2, hour) ||
      !TakeSign(text, ':') || !TakeDigits(text, 2, minute) || !TakeSign(text, ':') ||
      !TakeDigits(text, 2, second) || !TakeFraction(text, micros)) {
    return std::nullopt;
  }
  if (hour > 23 || minute > 59 || second > 59) return std::nullopt;
  time.has_zone = TakeSign(text, 'Z');
  if (!text.empty()) return std::nullopt;
  time.micros += ((hour * int64_t{60} + minute) * 60 + second) * 1'000'000 + micros;
  return time;
}

}  // namespace catchwater::literal_internal
