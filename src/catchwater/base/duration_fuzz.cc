// Fuzz target: any bytes as a duration and as a byte size. A second, plain reading of the same
// rules must agree, and what was read is written so that it reads back.
#include "catchwater/base/duration.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "catchwater/base/byte_size.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Units = std::array<std::pair<std::string_view, int64_t>, 12>;

constexpr Units kTimes{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr Units kSizes{{{"", 1},
                        {"B", 1},
                        {"KiB", 1LL << 10},
                        {"MiB", 1LL << 20},
                        {"GiB", 1LL << 30},
                        {"TiB", 1LL << 40},
                        {"kB", 1'000},
                        {"KB", 1'000},
                        {"MB", 1'000'000},
                        {"GB", 1'000'000'000},
                        {"TB", 1'000'000'000'000}}};

/// Digits and one of the units, digit by digit in 128 bits.
std::optional<int64_t> Reference(std::string_view text, const Units& units) {
  constexpr __int128 kMax = std::numeric_limits<int64_t>::max();
  __int128 amount = 0;
  size_t digit_count = 0;
  while (digit_count < text.size() && text[digit_count] >= '0' && text[digit_count] <= '9') {
    amount = amount * 10 + (text[digit_count++] - '0');
    if (amount > kMax) return std::nullopt;
  }
  if (digit_count == 0) return std::nullopt;
  for (const auto& [unit, factor] : units) {
    if (factor == 0 || text.substr(digit_count) != unit) continue;
    if (amount * factor > kMax) return std::nullopt;
    return static_cast<int64_t>(amount * factor);
  }
  return std::nullopt;
}

void Run(std::string_view text) {
  const auto duration = ParseDuration(text);
  auto wanted = Reference(text, kTimes);
  if (wanted == 0) wanted.reset();  // A length of time is positive.
  CATCHWATER_CHECK(duration.ok() == wanted.has_value(), "both take the same durations");
  if (duration.ok()) {
    CATCHWATER_CHECK(duration->ms == *wanted, "both read the same duration");
    CATCHWATER_CHECK(ParseDuration(FormatDuration(*duration)).ValueOrDie() == *duration,
                     "a duration reads back");
  } else {
    CATCHWATER_CHECK(KindOf(duration.status()) == ErrorKind::kConfig, "an error of the user");
  }
  const auto size = ParseByteSize(text);
  wanted = Reference(text, kSizes);
  CATCHWATER_CHECK(size.ok() == wanted.has_value(), "both take the same byte sizes");
  if (size.ok()) {
    CATCHWATER_CHECK(size->bytes == *wanted, "both read the same byte size");
    CATCHWATER_CHECK(ParseByteSize(FormatByteSize(*size)).ValueOrDie() == *size,
                     "a byte size reads back");
  }
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
