#include "catchwater/base/duration.h"

#include <array>
#include <charconv>
#include <system_error>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits{
    {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

}  // namespace

arrow::Result<Duration> ParseDuration(std::string_view text) {
  int64_t amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || amount <= 0) {
    return ConfigError("Duration must start with a positive integer: ", text);
  }
  const std::string_view suffix = text.substr(static_cast<size_t>(rest - text.data()));
  for (const auto& [unit, unit_ms] : kUnits) {
    if (suffix != unit) continue;
    int64_t total_ms = 0;
    if (__builtin_mul_overflow(amount, unit_ms, &total_ms)) {
      return ConfigError("Duration does not fit in milliseconds: ", text);
    }
    return Duration{total_ms};
  }
  return ConfigError("Duration needs a unit, one of ms s m h d: ", text);
}

std::string FormatDuration(Duration duration) {
  std::string_view unit = kUnits[0].first;
  int64_t amount = duration.ms;
  for (const auto& [candidate, unit_ms] : kUnits) {
    if (duration.ms == 0 || duration.ms % unit_ms != 0) continue;
    unit = candidate;
    amount = duration.ms / unit_ms;
  }
  return std::to_string(amount).append(unit);
}

}  // namespace catchwater
