// Aggregates of a value's course, through the operator that windows share with `window: all`.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/keyed_aggregate.h"
#include "catchwater/stream/window_reader_test_support_internal.h"
#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

KeyedAggregate MakeAggregate(const std::string& text) {
  Aggregate aggregate = ParseAggregate(text).ValueOrDie();
  aggregate.name = "x";
  return KeyedAggregate::Make(
             {.key = {"sensor"}, .compute = {aggregate}, .event_time_column = "ts"}, *InputSchema())
      .ValueOrDie();
}

std::shared_ptr<arrow::Array> ResultOf(const std::string& text,
                                       const std::vector<SensorReading>& readings) {
  KeyedAggregate aggregate = MakeAggregate(text);
  EXPECT_TRUE(aggregate.Add(MakeBatch(readings)).ok());
  return aggregate.Finish().ValueOrDie()->column(1);
}

std::string TextOf(const std::string& text, const std::vector<SensorReading>& readings) {
  return ResultOf(text, readings)->GetScalar(0).ValueOrDie()->ToString();
}

// 1 for ten seconds, 3 for thirty; out of order.
const std::vector<SensorReading> kSteps = {{"a", 40 * kSecond, 100.0},
                                           {"a", 0, 1.0},
                                           {"a", 10 * kSecond, 3.0},
                                           {"a", 20 * kSecond, std::nullopt}};

TEST(OverTime, EachValueHoldsUntilTheNext) {
  EXPECT_EQ(NumberAt(*ResultOf("time_weighted_mean(value)", kSteps), 0), (10 + 3 * 30) / 40.0);
}

TEST(OverTime, TheRateIsTheChangeASecondFromFirstToLast) {
  EXPECT_EQ(NumberAt(*ResultOf("rate(value)", kSteps), 0), 99.0 / 40);
}

TEST(OverTime, TheLargestGapCountsRowsWithoutAValue) {
  EXPECT_EQ(NumberAt(*ResultOf("largest_gap()", kSteps), 0), 20);
}

TEST(OverTime, OneRowHasNoRateAndNoGapAndIsItsOwnMean) {
  const std::vector<SensorReading> one = {{"a", 5 * kSecond, 7.0}};
  EXPECT_EQ(TextOf("rate(value)", one), "null");
  EXPECT_EQ(TextOf("largest_gap()", one), "null");
  EXPECT_EQ(NumberAt(*ResultOf("time_weighted_mean(value)", one), 0), 7);
}

TEST(OverTime, RowsOfOneTimeHaveTheirPlainMeanAndNoRate) {
  const std::vector<SensorReading> same = {{"a", 5 * kSecond, 7.0}, {"a", 5 * kSecond, 9.0}};
  EXPECT_EQ(NumberAt(*ResultOf("time_weighted_mean(value)", same), 0), 8);
  EXPECT_EQ(TextOf("rate(value)", same), "null");
}

TEST(Histogram, CountsBelowInEachBucketAndFromTheEndOn) {
  std::vector<SensorReading> readings;
  for (const double value : {-0.1, 0.0, 9.99, 10.0, 49.9, 50.0, 1e9, std::nan("")}) {
    readings.push_back({"a", 0, value});
  }
  readings.push_back({"a", 0, std::nullopt});
  EXPECT_EQ(TextOf("histogram(5, 0, 50, value)", readings), "[1,2,1,0,0,1,2]");
}

TEST(StandardError, IsTheDeviationOverTheRootOfTheCount) {
  const std::vector<SensorReading> readings = {{"a", 0, 2.0}, {"a", 0, 4.0}, {"a", 0, 9.0}};
  EXPECT_NEAR(*NumberAt(*ResultOf("standard_error(value)", readings), 0), std::sqrt(13.0 / 3),
              1e-12);
}

// Property: any order, any cut into parts and a restart give the same.
TEST(OverTime, PartsAndOrderDoNotChangeResults) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<SensorReading> readings = RandomReadings(&random, 200, kMinute);
    for (const char* text : {"rate(value)", "time_weighted_mean(value)", "largest_gap()",
                             "histogram(7, 0, 9000, value)", "standard_error(value)"}) {
      KeyedAggregate whole = MakeAggregate(text);
      ASSERT_TRUE(whole.Add(MakeBatch(readings)).ok());
      for (size_t i = readings.size(); i > 1; --i) {
        std::swap(readings[i - 1], readings[random.Below(i)]);
      }
      KeyedAggregate merged = MakeAggregate(text);
      for (size_t at = 0; at < readings.size(); at += 40) {
        KeyedAggregate part = MakeAggregate(text);
        const std::vector<SensorReading> some(
            readings.begin() + static_cast<std::ptrdiff_t>(at),
            readings.begin() + static_cast<std::ptrdiff_t>(std::min(at + 40, readings.size())));
        ASSERT_TRUE(part.Add(MakeBatch(some)).ok());
        KeyedAggregate loaded = MakeAggregate(text);
        ASSERT_TRUE(loaded.LoadInto(part.Save()).ok());
        merged.Merge(loaded);
      }
      EXPECT_TRUE(merged.Finish().ValueOrDie()->ApproxEquals(
          *whole.Finish().ValueOrDie(), arrow::EqualOptions::Defaults().atol(1e-6)))
          << text;
    }
  }
}

}  // namespace
}  // namespace catchwater
