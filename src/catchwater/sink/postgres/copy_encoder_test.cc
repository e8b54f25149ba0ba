#include "catchwater/sink/postgres/copy_encoder.h"

#include <cmath>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include "catchwater/sink/postgres/insert_text.h"

namespace catchwater {
namespace {

/// One row of one column, as hexadecimal digits behind the number of fields.
std::string Encode(const std::shared_ptr<arrow::Array>& array, int64_t* ordinal = nullptr) {
  const auto schema = arrow::schema({arrow::field("c", array->type())});
  const auto encoder = CopyEncoder::Make(schema).ValueOrDie();
  std::string bytes;
  EXPECT_EQ(encoder.AppendRows(*arrow::RecordBatch::Make(schema, array->length(), {array}), {},
                               ordinal, &bytes),
            array->length());
  std::string hex;
  for (const char c : bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

template <class Builder, class Value>
std::shared_ptr<arrow::Array> One(Builder builder, Value value) {
  EXPECT_TRUE(builder.Append(value).ok());
  return builder.Finish().ValueOrDie();
}

std::string Numeric(const std::string& text, int precision, int scale) {
  arrow::Decimal128 value;
  int32_t digits = 0;
  int32_t found_scale = 0;
  EXPECT_TRUE(arrow::Decimal128::FromString(text, &value, &digits, &found_scale).ok());
  const auto rescaled = value.Rescale(found_scale, scale).ValueOrDie();
  return Encode(One(arrow::Decimal128Builder(arrow::decimal128(precision, scale)), rescaled));
}

TEST(CopyEncoder, WritesNumbersAndTextsInNetworkOrder) {
  EXPECT_EQ(Encode(One(arrow::Int32Builder(), -2)),
            "0001"
            "00000004"
            "fffffffe");
  EXPECT_EQ(Encode(One(arrow::Int64Builder(), int64_t{1} << 40)),
            "0001"
            "00000008"
            "0000010000000000");
  EXPECT_EQ(Encode(One(arrow::DoubleBuilder(), 1.5)),
            "0001"
            "00000008"
            "3ff8000000000000");
  EXPECT_EQ(Encode(One(arrow::FloatBuilder(), 1.5F)),
            "0001"
            "00000004"
            "3fc00000");
  EXPECT_EQ(Encode(One(arrow::BooleanBuilder(), true)),
            "0001"
            "00000001"
            "01");
  EXPECT_EQ(Encode(One(arrow::StringBuilder(), "é")),
            "0001"
            "00000002"
            "c3a9");
  EXPECT_EQ(Encode(One(arrow::StringBuilder(), "")),
            "0001"
            "00000000");
}

TEST(CopyEncoder, LeavesNulCharactersOut) {
  EXPECT_EQ(Encode(One(arrow::StringBuilder(), std::string("a\0b", 3))),
            "0001"
            "00000002"
            "6162");
}

TEST(CopyEncoder, CountsTimesFrom2000) {
  const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto at = [&](int64_t us) {
    return Encode(One(arrow::TimestampBuilder(type, arrow::default_memory_pool()), us));
  };
  EXPECT_EQ(at(946'684'800'000'000),
            "0001"
            "00000008"
            "0000000000000000");
  EXPECT_EQ(at(946'684'799'999'999),
            "0001"
            "00000008"
            "ffffffffffffffff");
  EXPECT_EQ(Encode(One(arrow::Date32Builder(), 10'958)),
            "0001"
            "00000004"
            "00000001");
}

// Groups of four digits: count, weight, sign, scale, groups.
TEST(CopyEncoder, WritesNumericsAsGroupsOfFourDigits) {
  EXPECT_EQ(Numeric("12345.678", 12, 3),
            "0001"
            "0000000e"
            "0003"
            "0001"
            "0000"
            "0003"
            "0001"
            "0929"
            "1a7c");
  EXPECT_EQ(Numeric("-0.001", 12, 3),
            "0001"
            "0000000a"
            "0001"
            "ffff"
            "4000"
            "0003"
            "000a");
  EXPECT_EQ(Numeric("0", 12, 3),
            "0001"
            "00000008"
            "0000"
            "0000"
            "0000"
            "0003");
  EXPECT_EQ(Numeric("100000000", 12, 3),
            "0001"
            "0000000a"
            "0001"
            "0002"
            "0000"
            "0003"
            "0001");
  EXPECT_EQ(Numeric("0.00000001", 12, 8),
            "0001"
            "0000000a"
            "0001"
            "fffe"
            "0000"
            "0008"
            "0001");
}

TEST(CopyEncoder, NullsHaveNoLengthAndOrdinalsComeLast) {
  arrow::Int32Builder builder;
  ASSERT_TRUE(builder.AppendNull().ok());
  int64_t ordinal = 7;
  EXPECT_EQ(Encode(builder.Finish().ValueOrDie(), &ordinal),
            "0002"
            "ffffffff"
            "00000008"
            "0000000000000007");
  EXPECT_EQ(ordinal, 8);
}

TEST(CopyEncoder, RefusesTypesThatPostgresDoesNotHave) {
  EXPECT_FALSE(PgTypeOf(*arrow::timestamp(arrow::TimeUnit::NANO)).ok());
  EXPECT_FALSE(PgTypeOf(*arrow::list(arrow::int32())).ok());
  EXPECT_EQ(PgTypeOf(*arrow::decimal128(12, 3)).ValueOrDie(), "numeric(12,3)");
}

TEST(AppendValues, WritesLiteralsThatLoseNothing) {
  const auto schema =
      arrow::schema({arrow::field("t", arrow::utf8()), arrow::field("d", arrow::float64()),
                     arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"))});
  arrow::StringBuilder texts;
  arrow::DoubleBuilder numbers;
  arrow::TimestampBuilder times(schema->field(2)->type(), arrow::default_memory_pool());
  ASSERT_TRUE(texts.Append("it's").ok() && numbers.Append(0.1).ok() && times.Append(-1).ok());
  ASSERT_TRUE(texts.AppendNull().ok() && numbers.Append(NAN).ok() && times.AppendNull().ok());
  const auto rows = arrow::RecordBatch::Make(
      schema, 2,
      {texts.Finish().ValueOrDie(), numbers.Finish().ValueOrDie(), times.Finish().ValueOrDie()});
  std::string sql;
  int64_t ordinal = 3;
  EXPECT_EQ(AppendValues(*rows, {}, &ordinal, &sql), 2);
  EXPECT_EQ(sql,
            "('it''s', 0.1::double precision, TIMESTAMPTZ 'epoch' + -1 * INTERVAL '1 microsecond', "
            "3), (NULL, 'NaN'::double precision, NULL, 4)");
  sql.clear();
  EXPECT_EQ(AppendValues(*rows, {false, true}, &ordinal, &sql), 1);
}

}  // namespace
}  // namespace catchwater
