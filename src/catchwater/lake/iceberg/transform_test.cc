#include "catchwater/lake/iceberg/transform.h"

#include <optional>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kHour = 3'600'000'000;
constexpr int64_t kDay = 24 * kHour;

std::shared_ptr<arrow::Array> Timestamps(const std::vector<std::optional<int64_t>>& micros) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                  arrow::default_memory_pool());
  for (const auto& value : micros) {
    EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Column(const std::vector<Value>& values) {
  Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return builder.Finish().ValueOrDie();
}

int32_t IntAt(const Transform& transform, const std::shared_ptr<arrow::Array>& column,
              int64_t row) {
  const auto values = ApplyTransform(transform, column).ValueOrDie();
  return std::get<int32_t>(LiteralAt(*values, row));
}

struct TimeCase {
  const char* name;
  int64_t micros;
  int32_t hour, day, month, year;
};

class TimeTransformTest : public ::testing::TestWithParam<TimeCase> {};

TEST_P(TimeTransformTest, RoundsDownToItsUnit) {
  const auto& c = GetParam();
  const auto column = Timestamps({c.micros});
  EXPECT_EQ(IntAt({.kind = TransformKind::kHour}, column, 0), c.hour);
  EXPECT_EQ(IntAt({.kind = TransformKind::kDay}, column, 0), c.day);
  EXPECT_EQ(IntAt({.kind = TransformKind::kMonth}, column, 0), c.month);
  EXPECT_EQ(IntAt({.kind = TransformKind::kYear}, column, 0), c.year);
}

INSTANTIATE_TEST_SUITE_P(
    Table, TimeTransformTest,
    ::testing::Values(TimeCase{"Epoch", 0, 0, 0, 0, 0},
                      TimeCase{"JustBeforeTheEpoch", -1, -1, -1, -1, -1},
                      TimeCase{"DayBeforeTheEpoch", -kDay, -24, -1, -1, -1},
                      TimeCase{"JustBeforeThatDay", -kDay - 1, -25, -2, -1, -1},
                      // The spec's own example: 2017-11-16T22:31:08.
                      TimeCase{"SpecExample", 1'510'871'468'000'000, 419'686, 17'486, 574, 47},
                      TimeCase{"LeapDay", 951'782'400'000'000, 264'384, 11'016, 361, 30},
                      TimeCase{"LastOfLeapYear", 978'307'199'999'999, 271'751, 11'322, 371, 30},
                      TimeCase{"Year1Before1900", -2'208'988'800'000'001, -613'609, -25'568, -841,
                               -71}),
    [](const auto& test) { return test.param.name; });

TEST(Transform, KeepsNullsNull) {
  const auto column = Timestamps({kDay, std::nullopt, 3 * kDay});
  const auto days = ApplyTransform({.kind = TransformKind::kDay}, column).ValueOrDie();
  EXPECT_EQ(days->null_count(), 1);
  EXPECT_TRUE(IsNull(LiteralAt(*days, 1)));
  EXPECT_EQ(std::get<int32_t>(LiteralAt(*days, 2)), 3);
}

TEST(Transform, LooksOnlyAtTheSlice) {
  const auto column = Timestamps({0, kDay, std::nullopt, 3 * kDay})->Slice(1, 3);
  const auto days = ApplyTransform({.kind = TransformKind::kDay}, column).ValueOrDie();
  ASSERT_EQ(days->length(), 3);
  EXPECT_EQ(std::get<int32_t>(LiteralAt(*days, 0)), 1);
  EXPECT_TRUE(IsNull(LiteralAt(*days, 1)));
}

// Hashes: Iceberg spec, appendix B; the bucket is (hash & max int) % count.
TEST(Transform, BucketsAreThoseOfTheSpecsHashes) {
  auto bucket = [](int32_t hash) { return (hash & 0x7fffffff) % 1000; };
  const Transform thousand{.kind = TransformKind::kBucket, .parameter = 1000};
  EXPECT_EQ(IntAt(thousand, Column<arrow::Int64Builder>(std::vector<int64_t>{34}), 0),
            bucket(2017239379));
  EXPECT_EQ(IntAt(thousand, Column<arrow::Int32Builder>(std::vector<int32_t>{34}), 0),
            bucket(2017239379));
  EXPECT_EQ(IntAt(thousand, Column<arrow::StringBuilder>(std::vector<std::string>{"iceberg"}), 0),
            bucket(1210000089));
  EXPECT_EQ(IntAt(thousand, Column<arrow::Date32Builder>(std::vector<int32_t>{17'486}), 0),
            bucket(-653330422));
  EXPECT_EQ(IntAt(thousand, Timestamps({1'510'871'468'000'000}), 0), bucket(-2047944441));
  arrow::Decimal128Builder decimals(arrow::decimal128(9, 2));
  ASSERT_TRUE(decimals.Append(arrow::Decimal128(1420)).ok());
  EXPECT_EQ(IntAt(thousand, decimals.Finish().ValueOrDie(), 0), bucket(-500754589));
  arrow::BinaryBuilder binaries;
  ASSERT_TRUE(binaries.Append(std::string("\0\1\2\3", 4)).ok());
  EXPECT_EQ(IntAt(thousand, binaries.Finish().ValueOrDie(), 0), bucket(-188683207));
}

// Vectors: Iceberg spec, truncate transform details.
TEST(Transform, TruncatesTowardsMinusInfinity) {
  const Transform ten{.kind = TransformKind::kTruncate, .parameter = 10};
  const auto column = Column<arrow::Int32Builder>(std::vector<int32_t>{1, -1, 10, -10, -11});
  EXPECT_EQ(IntAt(ten, column, 0), 0);
  EXPECT_EQ(IntAt(ten, column, 1), -10);
  EXPECT_EQ(IntAt(ten, column, 2), 10);
  EXPECT_EQ(IntAt(ten, column, 3), -10);
  EXPECT_EQ(IntAt(ten, column, 4), -20);
  arrow::Decimal128Builder decimals(arrow::decimal128(9, 2));
  ASSERT_TRUE(decimals.Append(arrow::Decimal128(1065)).ok());
  const Transform fifty{.kind = TransformKind::kTruncate, .parameter = 50};
  const auto truncated = ApplyTransform(fifty, decimals.Finish().ValueOrDie()).ValueOrDie();
  EXPECT_EQ(std::get<arrow::Decimal128>(LiteralAt(*truncated, 0)), arrow::Decimal128(1050));
}

TEST(Transform, TruncatesTextsByCodePoints) {
  const Transform three{.kind = TransformKind::kTruncate, .parameter = 3};
  const auto column = Column<arrow::StringBuilder>(
      std::vector<std::string>{"iceberg", "ab", "", "äöüß", "日本語学"});
  const auto values = ApplyTransform(three, column).ValueOrDie();
  EXPECT_EQ(std::get<std::string>(LiteralAt(*values, 0)), "ice");
  EXPECT_EQ(std::get<std::string>(LiteralAt(*values, 1)), "ab");
  EXPECT_EQ(std::get<std::string>(LiteralAt(*values, 2)), "");
  EXPECT_EQ(std::get<std::string>(LiteralAt(*values, 3)), "äöü");
  EXPECT_EQ(std::get<std::string>(LiteralAt(*values, 4)), "日本語");
}

TEST(Transform, ReadsDictionaryEncodedTexts) {
  const auto column = Column<arrow::StringBuilder>(std::vector<std::string>{"iceberg", "iceberg"});
  const auto encoded = arrow::DictionaryArray::FromArrays(
      arrow::dictionary(arrow::int32(), arrow::utf8()),
      Column<arrow::Int32Builder>(std::vector<int32_t>{0, 0}), column->Slice(0, 1));
  const Transform transform{.kind = TransformKind::kBucket, .parameter = 1000};
  EXPECT_EQ(IntAt(transform, encoded.ValueOrDie(), 1), 89);
}

TEST(Transform, TextsReadBack) {
  for (const char* text :
       {"identity", "void", "year", "month", "day", "hour", "bucket[16]", "truncate[8]"}) {
    EXPECT_EQ(TransformText(ParseTransform(text).ValueOrDie()), text);
  }
  for (const char* text : {"", "Day", "bucket", "bucket[]", "bucket[0]", "bucket[-1]", "bucket[1",
                           "bucket[1]x", "truncate[99999999999]", "zorder[2]"}) {
    EXPECT_EQ(KindOf(ParseTransform(text).status()), ErrorKind::kBadData) << text;
  }
}

TEST(Transform, RefusesTypesThatItCannotTransform) {
  const IcebergType text{.kind = TypeKind::kString};
  const IcebergType date{.kind = TypeKind::kDate};
  const IcebergType real{.kind = TypeKind::kDouble};
  EXPECT_FALSE(TransformResultType({.kind = TransformKind::kDay}, text).ok());
  EXPECT_FALSE(TransformResultType({.kind = TransformKind::kHour}, date).ok());
  EXPECT_FALSE(TransformResultType({TransformKind::kBucket, 4}, real).ok());
  EXPECT_FALSE(TransformResultType({TransformKind::kTruncate, 4}, real).ok());
  EXPECT_EQ(TransformResultType({.kind = TransformKind::kDay}, date)->kind, TypeKind::kDate);
  EXPECT_EQ(TransformResultType({TransformKind::kTruncate, 4}, text)->kind, TypeKind::kString);
}

}  // namespace
}  // namespace catchwater
