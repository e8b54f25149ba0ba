// Fuzz target: any bytes as a number. The quick ways and the complete ones agree, and so does the C
// library; what is read is written so that it reads back.
#include "catchwater/base/number.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "catchwater/base/decimal.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

bool IsSame(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

void CheckQuickWays(std::string_view text) {
  if (text.empty() || text.size() > 48) return;
  const auto whole = ParseInt64(text);
  const auto real = ParseDouble(text);
  for (const char behind : {'\0', '7', '.', 'e'}) {  // What stands behind must not matter.
    std::array<char, 48 + kTextPaddingBytes> padded;
    padded.fill(behind);
    std::memcpy(padded.data(), text.data(), text.size());
    if (const auto quick = TryParseInt64(padded.data(), text.size())) {
      CATCHWATER_CHECK(whole && *whole == *quick, "both ways read the same whole number");
    }
    if (const auto quick = TryParseDouble(padded.data(), text.size())) {
      CATCHWATER_CHECK(real && IsSame(*real, *quick), "both ways read the same real number");
    }
  }
}

void CheckWithLibrary(std::string_view text) {
  const std::string copy(text);
  if (const auto real = ParseDouble(text)) {
    CATCHWATER_CHECK(IsSame(*real, std::strtod(copy.c_str(), nullptr)), "strtod reads the same");
    std::string written;
    AppendNumber(*real, &written);
    const auto back = ParseDouble(written);
    CATCHWATER_CHECK(back && IsSame(*back, *real), "a real number reads back");
    const auto narrow = ParseFloat(text);
    const auto quick = TryNarrow(*real);
    CATCHWATER_CHECK(!quick || (narrow && IsSame(*quick, *narrow)), "narrowing rounds once");
  }
  if (const auto whole = ParseInt64(text)) {
    CATCHWATER_CHECK(*whole == std::strtoll(copy.c_str(), nullptr, 10), "strtoll reads the same");
    std::string written;
    AppendNumber(*whole, &written);
    CATCHWATER_CHECK(ParseInt64(written) == whole, "a whole number reads back");
  }
}

void CheckDecimals(std::string_view text) {
  for (const int32_t scale : {0, 2, 18, 38}) {
    const DecimalParse read = ParseDecimal(text, kDecimalPrecisionMax, scale);
    if (read.fault != DecimalFault::kNone) {
      CATCHWATER_CHECK(!DecimalFaultText(read.fault).empty(), "a fault is explained");
      continue;
    }
    std::string written;
    AppendDecimal(read.value, scale, &written);
    const DecimalParse back = ParseDecimal(written, kDecimalPrecisionMax, scale);
    CATCHWATER_CHECK(back.fault == DecimalFault::kNone && back.value == read.value,
                     "a decimal reads back");
    CATCHWATER_CHECK(ParseDouble(text).has_value(), "a decimal is a number");
  }
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  if (byte_count > 400) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes), byte_count);
  if (text.find('\0') != text.npos) return 0;  // Where the C library stops.
  catchwater::CheckQuickWays(text);
  catchwater::CheckWithLibrary(text);
  catchwater::CheckDecimals(text);
  return 0;
}
