#include "catchwater/base/byte_size.h"

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// The binary ones first and ascending: FormatByteSize takes the last that divides.
constexpr size_t kBinaryUnitCount = 5;
constexpr std::array<std::pair<std::string_view, int64_t>, 11> kUnits{{
    {"", 1},
    {"KiB", 1LL << 10},
    {"MiB", 1LL << 20},
    {"GiB", 1LL << 30},
    {"TiB", 1LL << 40},
    {"B", 1},
    {"kB", 1'000},
    {"KB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
}};

}  // namespace

arrow::Result<ByteSize> ParseByteSize(std::string_view text) {
  int64_t amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || text.starts_with('-')) {  // Not even -0.
    return ConfigError("Byte size must start with a whole number, not negative: ", text);
  }
  const std::string_view suffix = text.substr(static_cast<size_t>(rest - text.data()));
  for (const auto& [unit, unit_bytes] : kUnits) {
    if (suffix != unit) continue;
    int64_t total = 0;
    if (__builtin_mul_overflow(amount, unit_bytes, &total)) {
      return ConfigError("Byte size does not fit in 63 bits: ", text);
    }
    return ByteSize{total};
  }
  return ConfigError("Byte size has an unknown unit, known are B KiB MiB GiB TiB kB MB GB TB: ",
                     text);
}

std::string FormatByteSize(ByteSize size) {
  std::string_view unit;
  int64_t amount = size.bytes;
  for (size_t i = 0; i < kBinaryUnitCount; ++i) {
    if (size.bytes == 0 || size.bytes % kUnits[i].second != 0) continue;
    unit = kUnits[i].first;
    amount = size.bytes / kUnits[i].second;
  }
  return std::to_string(amount).append(unit);
}

}  // namespace catchwater
