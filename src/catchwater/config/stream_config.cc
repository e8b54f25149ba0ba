#include "catchwater/config/stream_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "catchwater/base/error.h"
#include "catchwater/config/expression_text.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<AggregateFunction, std::string_view>, 11> kFunctions{{
    {AggregateFunction::kCount, "count"},
    {AggregateFunction::kSum, "sum"},
    {AggregateFunction::kMin, "min"},
    {AggregateFunction::kMax, "max"},
    {AggregateFunction::kMean, "mean"},
    {AggregateFunction::kVariance, "variance"},
    {AggregateFunction::kStddev, "stddev"},
    {AggregateFunction::kFirst, "first"},
    {AggregateFunction::kLast, "last"},
    {AggregateFunction::kQuantile, "quantile"},
    {AggregateFunction::kDistinct, "distinct"},
}};

arrow::Result<double> ParseQuantile(std::string_view text) {
  double value = -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return ConfigError("the first argument of quantile must be a number, 0 to 1: ", text);
  }
  return value;
}

}  // namespace

std::string_view AggregateFunctionName(AggregateFunction function) {
  return kFunctions[static_cast<size_t>(function)].second;
}

arrow::Result<Aggregate> ParseAggregate(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(CallText call, ParseCallText(text));
  if (!call.has_parentheses) {
    return ConfigError("an aggregate such as `sum(column)` is expected: ", text);
  }
  Aggregate aggregate;
  if (call.function == "avg") call.function = "mean";
  if (call.function == "median") {
    call.function = "quantile";
    call.arguments.insert(call.arguments.begin(), "0.5");
  }
  const auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                                  [&](const auto& row) { return row.second == call.function; });
  if (found == kFunctions.end()) {
    return ConfigError("`", call.function,
                       "` is no aggregate; known are count, sum, min, max, mean, variance, "
                       "stddev, first, last, median, quantile and distinct");
  }
  aggregate.function = found->first;
  if (aggregate.function == AggregateFunction::kCount && call.arguments.empty()) return aggregate;
  const bool is_quantile = aggregate.function == AggregateFunction::kQuantile;
  if (call.arguments.size() != (is_quantile ? 2U : 1U)) {
    return ConfigError(
        is_quantile ? "a number and a column are expected: " : "one column is expected: ", text);
  }
  if (is_quantile) {
    ARROW_ASSIGN_OR_RAISE(aggregate.quantile, ParseQuantile(call.arguments[0]));
  }
  aggregate.column = call.arguments.back();
  return aggregate;
}

}  // namespace catchwater
