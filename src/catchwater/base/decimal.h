/// \file
/// Decimal text <-> scaled integers of up to 38 digits, exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace catchwater {

using Int128 = __int128;

/// The most digits that an Int128 holds for certain.
inline constexpr int32_t kDecimalPrecisionMax = 38;

enum class DecimalFault {
  kNone,
  kSyntax,            ///< Not `[+-]digits[.digits][e[+-]digits]`.
  kTooManyFractions,  ///< A digit other than 0 stands behind the last place.
  kTooLarge,          ///< More digits than the precision.
};

/// Says the fault: "has more digits behind the point than the scale".
std::string_view DecimalFaultText(DecimalFault fault);

struct DecimalParse {
  Int128 value = 0;  ///< The number times 10^scale.
  DecimalFault fault = DecimalFault::kNone;
};

/// Reads a decimal. Nothing is rounded. \pre 0 <= scale <= precision <= kDecimalPrecisionMax
DecimalParse ParseDecimal(std::string_view text, int32_t precision, int32_t scale);

/// Appends the number with exactly `scale` digits behind the point. \pre scale >= 0
void AppendDecimal(Int128 value, int32_t scale, std::string* text);

}  // namespace catchwater
