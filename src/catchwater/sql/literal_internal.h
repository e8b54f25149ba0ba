/// \file
/// Literals of simple conditions as values. Private to sql/.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace catchwater::literal_internal {

struct Number {
  int64_t floor = 0;        // The greatest integer that is not greater.
  bool is_integer = false;  // floor is the number itself.
  double real = 0;
  int digit_count = 0;  // As written, without leading zeros.
};
/// Reads -12, 12.50, .5; no exponent. \return nullopt if the floor is not an int64 or there are
/// more than 15 digits behind the point
std::optional<Number> ParseNumber(std::string_view text);

struct UtcTime {
  int32_t day = 0;  // Since 1970-01-01.
  int64_t micros = 0;
  bool is_date = false;   // Without a time of day.
  bool has_zone = false;  // Ended in Z.
};
/// Reads 2024-02-29, 2024-02-29 12:30:00[.123456][Z], T instead of the blank too. \return nullopt
/// for all other forms, years before 1 or after 9999, and times that do not exist
std::optional<UtcTime> ParseUtcTime(std::string_view text);

}  // namespace catchwater::literal_internal
