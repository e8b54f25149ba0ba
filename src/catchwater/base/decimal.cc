#include "catchwater/base/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>

namespace catchwater {
namespace {

using Uint128 = unsigned __int128;

constexpr std::array<Uint128, kDecimalPrecisionMax + 1> kPowersOfTen = [] {
  std::array<Uint128, kDecimalPrecisionMax + 1> powers{};
  Uint128 power = 1;
  for (Uint128& entry : powers) {
    entry = power;
    power *= 10;
  }
  return powers;
}();

// Beyond it a number is zero or too large, whatever its digits; keeps sums of exponents small.
constexpr int64_t kExponentMax = 1 << 20;

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// The digits of a decimal as an integer; trailing zeros are taken out and counted, so that they do
// not use up the 38 digits.
class DigitCollector {
 public:
  void Add(char letter) {
    has_digits_ = true;
    if (letter == '0') {
      ++zero_count_;
      return;
    }
    if (value_ == 0) zero_count_ = 0;  // Leading zeros say nothing.
    if (value_ != 0 && digit_count_ + zero_count_ + 1 > kDecimalPrecisionMax) {
      is_overfull_ = true;
      zero_count_ = 0;
      return;
    }
    value_ = value_ * kPowersOfTen[static_cast<size_t>(zero_count_ + 1)] +
             static_cast<unsigned>(letter - '0');
    digit_count_ += zero_count_ + 1;
    zero_count_ = 0;
  }
  bool has_digits() const { return has_digits_; }
  bool is_overfull() const { return is_overfull_; }
  Uint128 value() const { return value_; }
  int64_t trailing_zero_count() const { return value_ == 0 ? 0 : zero_count_; }
  int64_t digit_count() const { return digit_count_; }

 private:
  Uint128 value_ = 0;
  int64_t digit_count_ = 0;
  int64_t zero_count_ = 0;
  bool has_digits_ = false;
  bool is_overfull_ = false;
};

// Reads `e[+-]digits` to the end of the text.
std::optional<int64_t> ParseExponent(std::string_view text) {
  text.remove_prefix(1);
  const bool is_negative = !text.empty() && text.front() == '-';
  if (is_negative || (!text.empty() && text.front() == '+')) text.remove_prefix(1);
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  int64_t exponent = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (error != std::errc{} || exponent > kExponentMax) exponent = kExponentMax;
  return is_negative ? -exponent : exponent;
}

DecimalParse Fault(DecimalFault fault) { return {.fault = fault}; }

}  // namespace

std::string_view DecimalFaultText(DecimalFault fault) {
  switch (fault) {
    case DecimalFault::kNone:
      return "";
    case DecimalFault::kSyntax:
      return "is not a decimal number";
    case DecimalFault::kTooManyFractions:
      return "has more digits behind the point than the scale";
    case DecimalFault::kTooLarge:
      return "has more digits than the precision";
  }
  return "";
}

DecimalParse ParseDecimal(std::string_view text, int32_t precision, int32_t scale) {
  size_t i = 0;
  const bool is_negative = !text.empty() && text.front() == '-';
  if (is_negative || (!text.empty() && text.front() == '+')) ++i;
  DigitCollector digits;
  for (; i < text.size() && IsDigit(text[i]); ++i) digits.Add(text[i]);
  int64_t fraction_count = 0;
  if (i < text.size() && text[i] == '.') {
    for (++i; i < text.size() && IsDigit(text[i]); ++i) {
      digits.Add(text[i]);
      ++fraction_count;
    }
  }
  if (!digits.has_digits()) return Fault(DecimalFault::kSyntax);
  int64_t exponent = -fraction_count;
  if (i < text.size()) {
    if (text[i] != 'e' && text[i] != 'E') return Fault(DecimalFault::kSyntax);
    const std::optional<int64_t> given = ParseExponent(text.substr(i));
    if (!given) return Fault(DecimalFault::kSyntax);
    exponent += *given;
  }
  if (digits.value() == 0) return {};

  // value * 10^(trailing zeros + exponent) = result / 10^scale
  const int64_t shift = digits.trailing_zero_count() + exponent + scale;
  if (shift < 0) return Fault(DecimalFault::kTooManyFractions);
  if (digits.is_overfull() || digits.digit_count() + shift > precision) {
    return Fault(DecimalFault::kTooLarge);
  }
  const Uint128 magnitude = digits.value() * kPowersOfTen[static_cast<size_t>(shift)];
  const auto value = static_cast<Int128>(magnitude);
  return {.value = is_negative ? -value : value};
}

void AppendDecimal(Int128 value, int32_t scale, std::string* text) {
  Uint128 magnitude = value < 0 ? -static_cast<Uint128>(value) : static_cast<Uint128>(value);
  std::array<char, 64> buffer;
  size_t begin = buffer.size();
  int32_t written = 0;
  while (magnitude != 0 || written <= scale) {
    if (written == scale && scale > 0) buffer[--begin] = '.';
    buffer[--begin] = static_cast<char>('0' + static_cast<int>(magnitude % 10));
    magnitude /= 10;
    ++written;
  }
  if (value < 0) buffer[--begin] = '-';
  text->append(buffer.data() + begin, buffer.size() - begin);
}

}  // namespace catchwater
