#include "catchwater/config/stream_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <system_error>

#include "catchwater/base/error.h"
#include "catchwater/config/expression_text.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<AggregateFunction, std::string_view>, 16> kFunctions{{
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
    {AggregateFunction::kStandardError, "standard_error"},
    {AggregateFunction::kRate, "rate"},
    {AggregateFunction::kTimeWeightedMean, "time_weighted_mean"},
    {AggregateFunction::kLargestGap, "largest_gap"},
    {AggregateFunction::kHistogram, "histogram"},
}};

constexpr int32_t kBucketsMax = 1'000;

arrow::Result<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || rest != text.data() + text.size() || !std::isfinite(value)) {
    return ConfigError("a number is expected: ", text);
  }
  return value;
}

arrow::Result<double> ParseQuantile(std::string_view text) {
  const auto value = ParseNumber(text);
  if (!value.ok() || !(*value >= 0 && *value <= 1)) {
    return ConfigError("the first argument of quantile must be a number, 0 to 1: ", text);
  }
  return value;
}

arrow::Status ParseHistogram(const std::vector<std::string>& arguments, Aggregate* aggregate) {
  ARROW_ASSIGN_OR_RAISE(const double count, ParseNumber(arguments[0]));
  ARROW_ASSIGN_OR_RAISE(aggregate->low, ParseNumber(arguments[1]));
  ARROW_ASSIGN_OR_RAISE(aggregate->high, ParseNumber(arguments[2]));
  if (count != std::floor(count) || count < 1 || count > kBucketsMax) {
    return ConfigError("a histogram has 1 to ", kBucketsMax, " buckets: ", arguments[0]);
  }
  if (!(aggregate->low < aggregate->high)) {
    return ConfigError("a histogram begins below its end: ", arguments[1], " ", arguments[2]);
  }
  aggregate->bucket_count = static_cast<int32_t>(count);
  return arrow::Status::OK();
}

size_t ArgumentCountOf(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kLargestGap:
      return 0;
    case AggregateFunction::kQuantile:
      return 2;
    case AggregateFunction::kHistogram:
      return 4;
    default:
      return 1;
  }
}

std::string_view ArgumentsOf(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kLargestGap:
      return "no column is expected: ";
    case AggregateFunction::kQuantile:
      return "a number and a column are expected: ";
    case AggregateFunction::kHistogram:
      return "a number of buckets, where they begin and end, and a column are expected: ";
    default:
      return "one column is expected: ";
  }
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
                       "stddev, first, last, median, quantile, distinct, standard_error, rate, "
                       "time_weighted_mean, largest_gap and histogram");
  }
  aggregate.function = found->first;
  if (aggregate.function == AggregateFunction::kCount && call.arguments.empty()) return aggregate;
  if (call.arguments.size() != ArgumentCountOf(aggregate.function)) {
    return ConfigError(ArgumentsOf(aggregate.function), text);
  }
  if (call.arguments.empty()) return aggregate;
  if (aggregate.function == AggregateFunction::kQuantile) {
    ARROW_ASSIGN_OR_RAISE(aggregate.quantile, ParseQuantile(call.arguments[0]));
  }
  if (aggregate.function == AggregateFunction::kHistogram) {
    ARROW_RETURN_NOT_OK(ParseHistogram(call.arguments, &aggregate));
  }
  aggregate.column = call.arguments.back();
  return aggregate;
}

std::string AggregateParameters(const Aggregate& aggregate) {
  if (aggregate.function != AggregateFunction::kHistogram) {
    return std::to_string(aggregate.quantile);
  }
  return std::to_string(aggregate.bucket_count) + "," + std::to_string(aggregate.low) + "," +
         std::to_string(aggregate.high);
}

}  // namespace catchwater
