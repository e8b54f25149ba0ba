#include "catchwater/base/number.h"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>
#include <utility>

namespace catchwater {
namespace {

using Uint128 = unsigned __int128;

// The upper and lower half of 2^(127 + bits of 5^k) / 5^k, rounded up: the reciprocals that the
// Eisel-Lemire method multiplies with.
constexpr std::array<std::pair<uint64_t, uint64_t>, 23> kReciprocals = [] {
  std::array<std::pair<uint64_t, uint64_t>, 23> table{};
  table[0] = {uint64_t{1} << 63, 0};
  uint64_t power = 1;
  for (size_t k = 1; k < table.size(); ++k) {
    power *= 5;
    Uint128 remainder = Uint128{1} << (std::bit_width(power) - 1);
    Uint128 quotient = 0;
    for (int bit = 0; bit < 128; ++bit) {
      remainder *= 2;
      quotient *= 2;
      if (remainder >= power) {
        remainder -= power;
        quotient += 1;
      }
    }
    quotient += 1;
    table[k] = {static_cast<uint64_t>(quotient >> 64), static_cast<uint64_t>(quotient)};
  }
  return table;
}();

// std::from_chars takes no plus sign, but a minus sign behind ours.
template <typename Number>
std::optional<Number> ParseFloatingPoint(std::string_view text) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (text.empty() || text.front() == '-') return std::nullopt;
  }
  // `nan(...)` is C's, not ours.
  if (!text.empty() && text.back() == ')') return std::nullopt;
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || error == std::errc::invalid_argument) {
    return std::nullopt;
  }
  if (error == std::errc::result_out_of_range) {
    // Too small or too large? A wider type knows; beyond that the sign of the exponent does.
    long double wide = 0;
    const auto [wide_end, wide_error] =
        std::from_chars(text.data(), text.data() + text.size(), wide);
    const bool is_small = wide_error == std::errc{} ? std::fabs(wide) < 1
                                                    : text.find("e-") != std::string_view::npos ||
                                                          text.find("E-") != std::string_view::npos;
    if (!is_small) return std::nullopt;
    if (wide_error == std::errc{}) return static_cast<Number>(wide);
    return text.front() == '-' ? Number{-0.0} : Number{0.0};
  }
  return value;
}

template <typename Number>
void AppendByToChars(Number value, std::string* text) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  text->append(buffer.data(), result.ptr);
}

template <typename Number>
void AppendFloatingPoint(Number value, std::string* text) {
  if (std::isnan(value)) {
    text->append("nan");  // A sign of NaN means nothing.
  } else {
    AppendByToChars(value, text);
  }
}

}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  if (!text.empty() && text.front() == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text.front() == '-') return std::nullopt;
  }
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> ParseDouble(std::string_view text) {
  return ParseFloatingPoint<double>(text);
}

std::optional<float> ParseFloat(std::string_view text) { return ParseFloatingPoint<float>(text); }

namespace number_internal {

// Source: D. Lemire, "Number parsing at a gigabyte per second" (2021), section 5; for negative
// powers down to 10^-27 the product of 128 bits always decides the rounding.
double ScaleDownByProduct(uint64_t significand, int32_t fraction_digit_count) {
  const int zeros = std::countl_zero(significand);
  const uint64_t shifted = significand << zeros;
  const auto [high, low] = kReciprocals[static_cast<size_t>(fraction_digit_count)];
  Uint128 product = Uint128{shifted} * high;
  if ((static_cast<uint64_t>(product >> 64) & 0x1FF) == 0x1FF) {
    product += (Uint128{shifted} * low) >> 64;
  }
  const auto upper = static_cast<uint64_t>(product >> 64);
  const auto lower = static_cast<uint64_t>(product);
  const int upper_bit = static_cast<int>(upper >> 63);
  const int shift = upper_bit + 64 - 52 - 3;
  uint64_t mantissa = upper >> shift;
  // floor(log2(10^-count)) by a multiplication.
  int64_t exponent =
      ((-217706 * int64_t{fraction_digit_count}) >> 16) + 63 + upper_bit - zeros + 1023;
  // Exactly halfway: to even, not up.
  if (lower <= 1 && fraction_digit_count <= 4 && (mantissa & 3) == 1 &&
      (mantissa << shift) == upper) {
    mantissa &= ~uint64_t{1};
  }
  mantissa += mantissa & 1;
  mantissa >>= 1;
  if (mantissa >= (uint64_t{1} << 53)) {
    mantissa = uint64_t{1} << 52;
    ++exponent;
  }
  mantissa &= ~(uint64_t{1} << 52);
  return std::bit_cast<double>(mantissa | (static_cast<uint64_t>(exponent) << 52));
}

}  // namespace number_internal

std::optional<float> TryNarrow(double value) {
  // Rounding twice differs from rounding once only if the double is halfway between two floats.
  const auto bits = std::bit_cast<uint64_t>(value);
  const double magnitude = std::fabs(value);
  if ((bits & 0x1FFFFFFF) == 0x10000000 || magnitude > 1e38 ||
      (magnitude < 1e-37 && magnitude != 0)) {
    return std::nullopt;
  }
  return static_cast<float>(value);
}

void AppendNumber(int64_t value, std::string* text) { AppendByToChars(value, text); }
void AppendNumber(uint64_t value, std::string* text) { AppendByToChars(value, text); }
void AppendNumber(double value, std::string* text) { AppendFloatingPoint(value, text); }
void AppendNumber(float value, std::string* text) { AppendFloatingPoint(value, text); }

}  // namespace catchwater
