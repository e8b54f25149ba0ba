/// \file
/// Text <-> numbers: strict, without locale, exactly rounded. Blanks are never accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catchwater/base/swar.h"

namespace catchwater {

/// Reads `[+-]digits`. \return nothing if it is not that, or out of range
std::optional<int64_t> ParseInt64(std::string_view text);

/// Reads `[+-]digits[.digits][e[+-]digits]` (a digit on one side of the point is enough), `nan`,
/// `inf` and `infinity` in any case. Rounds to nearest even; too small becomes zero.
/// \return nothing if it is not that, or too large
std::optional<double> ParseDouble(std::string_view text);
std::optional<float> ParseFloat(std::string_view text);

/// Appends the shortest decimal that reads back as the same number; `nan`, `inf`, `-inf`.
void AppendNumber(int64_t value, std::string* text);
void AppendNumber(uint64_t value, std::string* text);
void AppendNumber(double value, std::string* text);
void AppendNumber(float value, std::string* text);

namespace number_internal {

/// Reads 1 to 16 digits of a padded text.
inline std::optional<uint64_t> ParseShortDigits(const char* padded, size_t length) {
  if (length - 1 < 8) {
    const uint64_t digits = DigitsOfWord(LoadWord(padded)) << (64 - 8 * length);
    if (NonDigitMask(digits) != 0) return std::nullopt;
    return EightDigits(digits);
  }
  if (length - 9 < 8) {
    const uint64_t high = DigitsOfWord(LoadWord(padded)) << (128 - 8 * length);
    const uint64_t low = DigitsOfWord(LoadWord(padded + length - 8));
    if ((NonDigitMask(high) | NonDigitMask(low)) != 0) return std::nullopt;
    return EightDigits(high) * 100000000 + EightDigits(low);
  }
  return std::nullopt;
}

/// A decimal significand and how many of its digits stand behind the point.
struct Significand {
  uint64_t digits = 0;
  int32_t fraction_digit_count = 0;
};

/// Reads `digits[.digits]` with at most 8 + 16 digits, 19 of them significant.
std::optional<Significand> ParseSignificand(const char* padded, size_t length);

/// Returns significand / 10^fraction_digit_count, correctly rounded. \pre the count is at most 22
double ScaleDown(const Significand& significand);

}  // namespace number_internal

/// As ParseInt64, for usual numbers in padded texts (base/swar.h). \return nothing if the number is
/// not usual: ask ParseInt64
inline std::optional<int64_t> TryParseInt64(const char* padded, size_t length) {
  const bool is_negative = *padded == '-';
  const auto digits = number_internal::ParseShortDigits(padded + is_negative, length - is_negative);
  if (!digits) return std::nullopt;
  const auto value = static_cast<int64_t>(*digits);
  return is_negative ? -value : value;
}

/// As ParseDouble, for usual numbers in padded texts. \return nothing: ask ParseDouble
std::optional<double> TryParseDouble(const char* padded, size_t length);

/// Narrows a double that is the nearest to a decimal text to the float that is nearest to it.
/// \return nothing if that cannot be told from the double: read the text as a float
std::optional<float> TryNarrow(double value);

}  // namespace catchwater
