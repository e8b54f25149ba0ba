#include "catchwater/stream/keyed_aggregate.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

struct SensorReading {
  std::string sensor;
  std::optional<int64_t> value;
  double level = 0;
};

std::shared_ptr<arrow::Schema> ReadingSchema() {
  return arrow::schema({arrow::field("sensor", arrow::utf8()),
                        arrow::field("value", arrow::int64()),
                        arrow::field("level", arrow::float64())});
}

Batch MakeBatch(const std::vector<SensorReading>& readings, uint64_t ordinal = 0) {
  arrow::StringBuilder sensor;
  arrow::Int64Builder value;
  arrow::DoubleBuilder level;
  for (const SensorReading& reading : readings) {
    EXPECT_TRUE(sensor.Append(reading.sensor).ok());
    EXPECT_TRUE((reading.value ? value.Append(*reading.value) : value.AppendNull()).ok());
    EXPECT_TRUE(level.Append(reading.level).ok());
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(
      ReadingSchema(), static_cast<int64_t>(readings.size()),
      {sensor.Finish().ValueOrDie(), value.Finish().ValueOrDie(), level.Finish().ValueOrDie()});
  batch.origin.range.from.ordinal = ordinal;
  return batch;
}

KeyedAggregate MakeAggregate(const std::vector<std::string>& computes,
                             std::vector<std::string> key = {"sensor"}) {
  KeyedAggregateOptions options{.key = std::move(key)};
  for (const std::string& text : computes) {
    Aggregate aggregate = ParseAggregate(text).ValueOrDie();
    aggregate.name = text;
    options.compute.push_back(aggregate);
  }
  return KeyedAggregate::Make(options, *ReadingSchema()).ValueOrDie();
}

std::string Text(const arrow::RecordBatch& rows) {
  std::string text;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    for (int i = 0; i < rows.num_columns(); ++i) {
      text += (i > 0 ? " " : "") + rows.column(i)->GetScalar(row).ValueOrDie()->ToString();
    }
    text += "\n";
  }
  return text;
}

TEST(KeyedAggregate, GivesOneRowAKeyKeysAscending) {
  auto aggregate = MakeAggregate({"count()", "sum(value)", "min(value)", "max(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"b", 5}, {"a", 1}, {"b", -7}})).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), "a 1 1 1 1\nb 2 -2 -7 5\n");
}

TEST(KeyedAggregate, LeavesNullsOutOfEverythingButCountOfRows) {
  auto aggregate = MakeAggregate({"count()", "count(value)", "sum(value)", "mean(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", std::nullopt}, {"a", 4}, {"b", std::nullopt}})).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), "a 2 1 4 4\nb 1 0 null null\n");
}

TEST(KeyedAggregate, WithoutAKeyAllRowsAreOneGroup) {
  auto aggregate = MakeAggregate({"sum(value)"}, {});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", 1}, {"b", 2}})).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), "3\n");
}

TEST(KeyedAggregate, AnEmptyInputGivesNoRows) {
  auto aggregate = MakeAggregate({"sum(value)"});
  EXPECT_EQ(aggregate.Finish().ValueOrDie()->num_rows(), 0);
}

TEST(KeyedAggregate, KeysOfAnyLengthAndEmptyOnesAreKeptApart) {
  auto aggregate = MakeAggregate({"count()"});
  ASSERT_TRUE(
      aggregate.Add(MakeBatch({{"", 1}, {"12345678", 1}, {"123456789", 1}, {"12345678", 1}})).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), " 1\n12345678 2\n123456789 1\n");
}

TEST(KeyedAggregate, ManyKeysGrowTheIndexWithoutMixingThem) {
  auto aggregate = MakeAggregate({"sum(value)"});
  std::vector<SensorReading> readings;
  for (int64_t i = 0; i < 20'000; ++i) readings.push_back({"k" + std::to_string(i), i});
  ASSERT_TRUE(aggregate.Add(MakeBatch(readings)).ok());
  ASSERT_TRUE(aggregate.Add(MakeBatch(readings)).ok());
  const auto rows = aggregate.Finish().ValueOrDie();
  ASSERT_EQ(rows->num_rows(), 20'000);
  const auto& keys = static_cast<const arrow::StringArray&>(*rows->column(0));
  const auto& sums = static_cast<const arrow::Int64Array&>(*rows->column(1));
  for (int64_t i = 0; i < rows->num_rows(); ++i) {
    EXPECT_EQ("k" + std::to_string(sums.Value(i) / 2), keys.GetString(i));
  }
}

TEST(KeyedAggregate, FirstAndLastFollowTheInputWhateverTheOrderOfBatches) {
  auto aggregate = MakeAggregate({"first(value)", "last(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", 30}, {"a", 40}}, /*ordinal=*/100)).ok());
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", 10}, {"a", 20}}, /*ordinal=*/0)).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), "a 10 40\n");
}

TEST(KeyedAggregate, AnIntegerSumThatDoesNotFitIsAnErrorNotAWrap) {
  auto aggregate = MakeAggregate({"sum(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", INT64_MAX}, {"a", 1}})).ok());
  EXPECT_NE(aggregate.Finish().status().message().find("does not fit"), std::string::npos);
}

TEST(KeyedAggregate, TheMeanOfLargeIntegersIsExactToTheLastBitOfADouble) {
  auto aggregate = MakeAggregate({"mean(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", INT64_MAX}, {"a", INT64_MAX}})).ok());
  const auto rows = aggregate.Finish().ValueOrDie();
  EXPECT_DOUBLE_EQ(static_cast<const arrow::DoubleArray&>(*rows->column(1)).Value(0), 0x1p63);
}

TEST(KeyedAggregate, SmallValuesAreNotLostBesideLargeOnes) {
  auto aggregate = MakeAggregate({"sum(level)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", 0, 1e100}, {"a", 0, 1.0}, {"a", 0, -1e100}})).ok());
  const auto rows = aggregate.Finish().ValueOrDie();
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*rows->column(1)).Value(0), 1.0);
}

TEST(KeyedAggregate, VarianceIsThatOfTheSample) {
  auto aggregate = MakeAggregate({"variance(value)", "stddev(value)"});
  ASSERT_TRUE(aggregate.Add(MakeBatch({{"a", 2}, {"a", 4}, {"a", 9}, {"b", 1}})).ok());
  EXPECT_EQ(Text(*aggregate.Finish().ValueOrDie()), "a 13 3.605551275463989\nb null null\n");
}

TEST(KeyedAggregate, RefusesStateBeyondItsLimit) {
  KeyedAggregateOptions options{.key = {"sensor"}, .state_bytes_max = 1'000};
  auto aggregate = KeyedAggregate::Make(options, *ReadingSchema()).ValueOrDie();
  std::vector<SensorReading> readings;
  for (int i = 0; i < 1'000; ++i) readings.push_back({"sensor-with-a-name-" + std::to_string(i)});
  EXPECT_NE(aggregate.Add(MakeBatch(readings)).message().find("too many different keys"),
            std::string::npos);
}

TEST(KeyedAggregate, NamesTheColumnThatAnAggregateDoesNotTake) {
  KeyedAggregateOptions options{.key = {"sensor"}};
  options.compute.push_back(ParseAggregate("sum(sensor)").ValueOrDie());
  const auto made = KeyedAggregate::Make(options, *ReadingSchema());
  EXPECT_NE(made.status().message().find("sensor"), std::string::npos);
}

TEST(KeyedAggregate, DistinctIsNearTheTruth) {
  auto aggregate = MakeAggregate({"distinct(value)"});
  std::vector<SensorReading> readings;
  for (int64_t i = 0; i < 100'000; ++i) readings.push_back({"a", i % 30'000});
  ASSERT_TRUE(aggregate.Add(MakeBatch(readings)).ok());
  const auto rows = aggregate.Finish().ValueOrDie();
  const auto estimate = static_cast<const arrow::Int64Array&>(*rows->column(1)).Value(0);
  EXPECT_NEAR(static_cast<double>(estimate), 30'000, 30'000 * 0.05);
}

// Property: neither the cut into batches nor the deal to lanes changes the result; a plain map is
// the slow oracle.
TEST(KeyedAggregate, CutsAndLanesDoNotChangeTheResult) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<SensorReading> readings(random.Below(400));
    for (SensorReading& reading : readings) {
      reading.sensor = std::string(random.Below(12), 'x') + std::to_string(random.Below(9));
      if (random.Below(10) > 0) reading.value = static_cast<int64_t>(random.Below(1'000)) - 500;
    }
    std::map<std::string, std::pair<int64_t, int64_t>> oracle;  // rows, sum
    for (const SensorReading& reading : readings) {
      auto& [rows, sum] = oracle[reading.sensor];
      ++rows;
      sum += reading.value.value_or(0);
    }
    const std::vector<std::string> computes{"count()", "sum(value)", "first(value)", "last(value)",
                                            "min(value)"};
    auto whole = MakeAggregate(computes);
    ASSERT_TRUE(whole.Add(MakeBatch(readings)).ok());
    std::vector<KeyedAggregate> lanes;
    for (int i = 0; i < 3; ++i) lanes.push_back(MakeAggregate(computes));
    for (size_t at = 0; at < readings.size();) {
      const size_t end = std::min(readings.size(), at + 1 + random.Below(40));
      const std::vector<SensorReading> part(readings.begin() + static_cast<std::ptrdiff_t>(at),
                                            readings.begin() + static_cast<std::ptrdiff_t>(end));
      ASSERT_TRUE(lanes[random.Below(3)].Add(MakeBatch(part, at)).ok());
      at = end;
    }
    for (int i = 1; i < 3; ++i) lanes[0].Merge(lanes[static_cast<size_t>(i)]);
    const auto expected = whole.Finish().ValueOrDie();
    EXPECT_EQ(Text(*lanes[0].Finish().ValueOrDie()), Text(*expected));
    ASSERT_EQ(expected->num_rows(), static_cast<int64_t>(oracle.size()));
    int64_t row = 0;
    for (const auto& [key, counts] : oracle) {
      EXPECT_EQ(expected->column(0)->GetScalar(row).ValueOrDie()->ToString(), key);
      EXPECT_EQ(static_cast<const arrow::Int64Array&>(*expected->column(1)).Value(row),
                counts.first);
      ++row;
    }
  }
}

}  // namespace
}  // namespace catchwater
