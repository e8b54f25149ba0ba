/// \file
/// Text <-> numbers: strict, without locale, exactly rounded. Blanks are never accepted.
#pragma once

#include <array>
#include <bit>
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

/// The powers of ten that a double holds exactly.
inline constexpr std::array<double, 23> kExactPowers{1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
inline constexpr std::array<uint64_t, 9> kSmallPowers{
    1, 10, 100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000, 100'000'000};

/// How many characters from the start of the word are digits: 0 to 8.
inline int DigitCount(uint64_t digits) { return std::countr_zero(NonDigitMask(digits)) / 8; }

/// Reads `digits[.digits]` with at most 7 + 16 digits, 19 of them in all.
inline std::optional<Significand> ParseSignificand(const char* padded, size_t length) {
  const char* next = padded;
  const uint64_t whole = DigitsOfWord(LoadWord(next));
  const int whole_count = DigitCount(whole);
  if (whole_count == 0 || whole_count == 8) return std::nullopt;
  Significand result;
  result.digits = EightDigits(whole << (64 - 8 * whole_count));
  next += whole_count;
  if (*next == '.') {
    ++next;
    for (int part = 0; part < 2; ++part) {
      const uint64_t digits = DigitsOfWord(LoadWord(next));
      const int count = DigitCount(digits);
      if (count == 0) break;
      result.digits = result.digits * kSmallPowers[static_cast<size_t>(count)] +
                      EightDigits(digits << (64 - 8 * count));
      result.fraction_digit_count += count;
      next += count;
      if (count < 8) break;
    }
    if (result.fraction_digit_count == 0) return std::nullopt;
  }
  // Nineteen digits always fit; more could have wrapped around. Whatever else stands in the text is
  // left to the slow way, as is a text that ends inside the digits.
  if (whole_count + result.fraction_digit_count > 19 ||
      static_cast<size_t>(next - padded) != length) {
    return std::nullopt;
  }
  return result;
}

/// Returns significand / 10^fraction_digit_count, correctly rounded. \pre significand > 0, count <=
/// 22
double ScaleDownByProduct(uint64_t significand, int32_t fraction_digit_count);

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
inline std::optional<double> TryParseDouble(const char* padded, size_t length) {
  const bool is_negative = *padded == '-';
  const auto significand =
      number_internal::ParseSignificand(padded + is_negative, length - is_negative);
  if (!significand) return std::nullopt;
  const auto [digits, count] = *significand;
  // Up to 2^53 both numbers are exact, and one division rounds once.
  const double value =
      digits <= (uint64_t{1} << 53)
          ? static_cast<double>(digits) / number_internal::kExactPowers[static_cast<size_t>(count)]
          : number_internal::ScaleDownByProduct(digits, count);
  return is_negative ? -value : value;
}

/// Narrows a double that is the nearest to a decimal text to the float that is nearest to it.
/// \return nothing if that cannot be told from the double: read the text as a float
std::optional<float> TryNarrow(double value);

}  // namespace catchwater
