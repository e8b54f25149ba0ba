// Partitions, sort orders and aggregates as they are written in YAML.
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/config/lake_config.h"
#include "catchwater/config/pipeline_config.h"
#include "catchwater/config/stream_config.h"

namespace catchwater {
namespace {

struct PartitionCase {
  std::string name;
  std::string text;
  std::optional<PartitionSetting> want;  // nullopt: a config error.
};

const std::vector<PartitionCase> kPartitionCases = {
    {"Column", "site", PartitionSetting{PartitionTransform::kIdentity, 0, "site"}},
    {"Identity", "identity(site)", PartitionSetting{PartitionTransform::kIdentity, 0, "site"}},
    {"Year", "year(ts)", PartitionSetting{PartitionTransform::kYear, 0, "ts"}},
    {"Month", "month(ts)", PartitionSetting{PartitionTransform::kMonth, 0, "ts"}},
    {"Day", "day(ts)", PartitionSetting{PartitionTransform::kDay, 0, "ts"}},
    {"HourWithBlanks", " hour( ts ) ", PartitionSetting{PartitionTransform::kHour, 0, "ts"}},
    {"Bucket", "bucket(16, id)", PartitionSetting{PartitionTransform::kBucket, 16, "id"}},
    {"Truncate", "truncate(8,s)", PartitionSetting{PartitionTransform::kTruncate, 8, "s"}},
    {"QuotedColumn", "day(\"my, ts\")", PartitionSetting{PartitionTransform::kDay, 0, "my, ts"}},
    {"QuoteInQuotes", "\"a\"\"b\"", PartitionSetting{PartitionTransform::kIdentity, 0, "a\"b"}},
    {"Unicode", "day(zeit°)", PartitionSetting{PartitionTransform::kDay, 0, "zeit°"}},
    {"Empty", "", std::nullopt},
    {"Blank", "  ", std::nullopt},
    {"UnknownTransform", "week(ts)", std::nullopt},
    {"UpperCase", "Day(ts)", std::nullopt},
    {"NotClosed", "day(ts", std::nullopt},
    {"ClosedTwice", "day(ts))", std::nullopt},
    {"OnlyClosed", "ts)", std::nullopt},
    {"NoArgument", "day()", std::nullopt},
    {"EmptyArgument", "bucket(16,)", std::nullopt},
    {"TooManyArguments", "day(a, b)", std::nullopt},
    {"BucketWithoutNumber", "bucket(id)", std::nullopt},
    {"BucketZero", "bucket(0, id)", std::nullopt},
    {"BucketNegative", "bucket(-1, id)", std::nullopt},
    {"BucketTooLarge", "bucket(1000001, id)", std::nullopt},
    {"BucketFraction", "bucket(1.5, id)", std::nullopt},
    {"SwappedArguments", "bucket(id, 16)", std::nullopt},
    {"Nested", "day(hour(ts))", std::nullopt},
    {"QuoteNotClosed", "day(\"ts)", std::nullopt},
    {"BehindTheQuote", "\"a\" b", std::nullopt},
};

class ParsePartitionFieldTest : public ::testing::TestWithParam<PartitionCase> {};

TEST_P(ParsePartitionFieldTest, Parses) {
  const auto got = ParsePartitionField(GetParam().text);
  if (GetParam().want) {
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, *GetParam().want);
  } else {
    ASSERT_FALSE(got.ok()) << "accepted";
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kConfig);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ParsePartitionFieldTest, ::testing::ValuesIn(kPartitionCases),
                         [](const auto& test) { return test.param.name; });

TEST(FormatPartitionField, IsReadBack) {
  for (const std::string text : {"site", "day(ts)", "bucket(16, id)", "truncate(8, s)"}) {
    EXPECT_EQ(FormatPartitionField(*ParsePartitionField(text)), text);
  }
}

TEST(ParseSortField, ReadsTheDirection) {
  EXPECT_EQ(*ParseSortField("ts"), (SortSetting{"ts", false}));
  EXPECT_EQ(*ParseSortField(" ts desc "), (SortSetting{"ts", true}));
  EXPECT_EQ(*ParseSortField("ts asc"), (SortSetting{"ts", false}));
  EXPECT_EQ(*ParseSortField("desc"), (SortSetting{"desc", false}));
  EXPECT_FALSE(ParseSortField("").ok());
  EXPECT_FALSE(ParseSortField("  ").ok());
}

struct AggregateCase {
  std::string name;
  std::string text;
  std::optional<Aggregate> want;
};

const std::vector<AggregateCase> kAggregateCases = {
    {"CountRows", "count()", Aggregate{"", AggregateFunction::kCount, "", 0}},
    {"CountBlank", "count( )", Aggregate{"", AggregateFunction::kCount, "", 0}},
    {"CountColumn", "count(a)", Aggregate{"", AggregateFunction::kCount, "a", 0}},
    {"Sum", "sum(a)", Aggregate{"", AggregateFunction::kSum, "a", 0}},
    {"Min", "min(a)", Aggregate{"", AggregateFunction::kMin, "a", 0}},
    {"Max", "max(a)", Aggregate{"", AggregateFunction::kMax, "a", 0}},
    {"Mean", "mean(a)", Aggregate{"", AggregateFunction::kMean, "a", 0}},
    {"Average", "avg(a)", Aggregate{"", AggregateFunction::kMean, "a", 0}},
    {"Variance", "variance(a)", Aggregate{"", AggregateFunction::kVariance, "a", 0}},
    {"Stddev", "stddev(a)", Aggregate{"", AggregateFunction::kStddev, "a", 0}},
    {"First", "first(a)", Aggregate{"", AggregateFunction::kFirst, "a", 0}},
    {"Last", "last(a)", Aggregate{"", AggregateFunction::kLast, "a", 0}},
    {"Distinct", "distinct(a)", Aggregate{"", AggregateFunction::kDistinct, "a", 0}},
    {"Quantile", "quantile(0.95, a)", Aggregate{"", AggregateFunction::kQuantile, "a", 0.95}},
    {"Median", "median(a)", Aggregate{"", AggregateFunction::kQuantile, "a", 0.5}},
    {"QuotedColumn", "max(\"PM2.5\")", Aggregate{"", AggregateFunction::kMax, "PM2.5", 0}},
    {"NoParentheses", "sum", std::nullopt},
    {"NoColumn", "sum()", std::nullopt},
    {"TwoColumns", "sum(a, b)", std::nullopt},
    {"CountTwoColumns", "count(a, b)", std::nullopt},
    {"Star", "total(*)", std::nullopt},
    {"QuantileAboveOne", "quantile(1.1, a)", std::nullopt},
    {"QuantileNegative", "quantile(-0.1, a)", std::nullopt},
    {"QuantileNan", "quantile(nan, a)", std::nullopt},
    {"QuantileWithoutNumber", "quantile(a)", std::nullopt},
    {"MedianWithNumber", "median(0.5, a)", std::nullopt},
    {"Sql", "sum(a) + 1", std::nullopt},
    {"Empty", "", std::nullopt},
};

class ParseAggregateTest : public ::testing::TestWithParam<AggregateCase> {};

TEST_P(ParseAggregateTest, Parses) {
  const auto got = ParseAggregate(GetParam().text);
  if (GetParam().want) {
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, *GetParam().want);
  } else {
    ASSERT_FALSE(got.ok()) << "accepted";
    EXPECT_EQ(KindOf(got.status()), ErrorKind::kConfig);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ParseAggregateTest, ::testing::ValuesIn(kAggregateCases),
                         [](const auto& test) { return test.param.name; });

TEST(Names, OfTablesAndPipelines) {
  for (const char* good : {"a.b", "sensors.readings", "_x._y", "s3.t_2"}) {
    EXPECT_TRUE(IsTableName(good)) << good;
  }
  for (const char* bad : {"", "a", ".b", "a.", "a.b.c", "A.b", "a.B", "1a.b", "a b.c", "a.b-c"}) {
    EXPECT_FALSE(IsTableName(bad)) << bad;
  }
  EXPECT_TRUE(IsTableName(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(IsTableName(std::string(64, 'a') + ".b"));
  for (const char* good : {"a", "Sensors", "air-quality_2"}) EXPECT_TRUE(IsName(good)) << good;
  for (const char* bad : {"", "1a", "-a", "_a", "a b", "a/b", "ä"})
    EXPECT_FALSE(IsName(bad)) << bad;
}

}  // namespace
}  // namespace catchwater
