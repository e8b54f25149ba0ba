#include "catchwater/codec/json/json_encoder.h"

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/util/decimal.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_codec.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> Array(const std::shared_ptr<arrow::DataType>& type,
                                    const std::vector<Value>& values) {
  Builder builder(type, arrow::default_memory_pool());
  for (const Value& value : values) EXPECT_TRUE(builder.Append(value).ok());
  EXPECT_TRUE(builder.AppendNull().ok());
  return builder.Finish().ValueOrDie();
}

std::string Encode(const std::string& name, const std::shared_ptr<arrow::Array>& array,
                   JsonEncoder::Shape shape = JsonEncoder::Shape::kLines) {
  const auto schema = arrow::schema({arrow::field(name, array->type())});
  const auto encoder = JsonEncoder::Make(schema, shape).ValueOrDie();
  std::string bytes;
  const auto rows = arrow::RecordBatch::Make(schema, array->length(), {array});
  EXPECT_TRUE(encoder->Encode(*rows->Slice(0, 1), &bytes).ok());
  if (rows->num_rows() > 0) {
    EXPECT_TRUE(encoder->Encode(*rows->Slice(1), &bytes).ok());
  }
  EXPECT_TRUE(encoder->Finish(&bytes).ok());
  return bytes;
}

TEST(JsonEncoder, WritesTheShortestNumbersThatReadBack) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(Encode("v", Array<arrow::DoubleBuilder, double>(arrow::float64(),
                                                            {0.1, -0.0, 1e23, tiny, 3.0})),
            "{\"v\":0.1}\n{\"v\":-0}\n{\"v\":1e+23}\n{\"v\":5e-324}\n{\"v\":3}\n{\"v\":null}\n");
  EXPECT_EQ(Encode("v", Array<arrow::FloatBuilder, float>(arrow::float32(), {0.1f})),
            "{\"v\":0.1}\n{\"v\":null}\n");
  EXPECT_EQ(Encode("v", Array<arrow::Int64Builder, int64_t>(arrow::int64(), {INT64_MIN})),
            "{\"v\":-9223372036854775808}\n{\"v\":null}\n");
  EXPECT_EQ(Encode("v", Array<arrow::UInt64Builder, uint64_t>(arrow::uint64(), {UINT64_MAX})),
            "{\"v\":18446744073709551615}\n{\"v\":null}\n");
}

TEST(JsonEncoder, WritesNullForWhatJsonHasNoNumberFor) {
  EXPECT_EQ(
      Encode("v", Array<arrow::DoubleBuilder, double>(arrow::float64(), {std::nan(""), -INFINITY})),
      "{\"v\":null}\n{\"v\":null}\n{\"v\":null}\n");
}

TEST(JsonEncoder, WritesTimesAndDecimals) {
  EXPECT_EQ(Encode("t", Array<arrow::TimestampBuilder, int64_t>(
                            arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                            {1'767'323'045'000'000, 1'767'323'045'250'000})),
            "{\"t\":\"2026-01-02T03:04:05Z\"}\n{\"t\":\"2026-01-02T03:04:05.25Z\"}\n"
            "{\"t\":null}\n");
  EXPECT_EQ(Encode("d", Array<arrow::Date32Builder, int32_t>(arrow::date32(), {-1})),
            "{\"d\":\"1969-12-31\"}\n{\"d\":null}\n");
  EXPECT_EQ(Encode("m", Array<arrow::Decimal128Builder, arrow::Decimal128>(
                            arrow::decimal128(10, 2), {arrow::Decimal128(-5)})),
            "{\"m\":-0.05}\n{\"m\":null}\n");
}

TEST(JsonEncoder, EscapesKeysAndTexts) {
  EXPECT_EQ(Encode("a\"b", Array<arrow::StringBuilder, std::string>(
                               arrow::utf8(), {"\"\\\n\t\x01é", std::string("\0", 1)})),
            "{\"a\\\"b\":\"\\\"\\\\\\n\\t\\u0001é\"}\n{\"a\\\"b\":\"\\u0000\"}\n"
            "{\"a\\\"b\":null}\n");
  EXPECT_EQ(Encode("b", Array<arrow::BinaryBuilder, std::string>(arrow::binary(), {"\xFF\x01"})),
            "{\"b\":\"/wE=\"}\n{\"b\":null}\n");
  // Not UTF-8 although the type says so: the result is JSON all the same.
  EXPECT_EQ(Encode("v", Array<arrow::StringBuilder, std::string>(arrow::utf8(), {"a\xFF"
                                                                                 "b"})),
            "{\"v\":\"a\xEF\xBF\xBD"
            "b\"}\n{\"v\":null}\n");
}

TEST(JsonEncoder, WritesOneArray) {
  const auto numbers = Array<arrow::Int64Builder, int64_t>(arrow::int64(), {1, 2});
  EXPECT_EQ(Encode("v", numbers, JsonEncoder::Shape::kArray),
            "[\n{\"v\":1},\n{\"v\":2},\n{\"v\":null}\n]\n");
  const auto none = numbers->Slice(0, 0);
  EXPECT_EQ(Encode("v", none, JsonEncoder::Shape::kArray), "[]\n");
  EXPECT_EQ(Encode("v", none), "");
}

TEST(JsonEncoder, RefusesTypesWithoutAForm) {
  const auto schema = arrow::schema({arrow::field("v", arrow::list(arrow::int64()))});
  const auto encoder = JsonEncoder::Make(schema, JsonEncoder::Shape::kLines);
  EXPECT_EQ(KindOf(encoder.status()), ErrorKind::kConfig);
}

TEST(JsonEncoder, WritesWhatTheDecoderReadsBack) {
  Column decimal = MakeColumn("m", ColumnType::kDecimal);
  const DecodeOptions options = MakeOptions(
      {MakeColumn("ts", ColumnType::kTimestamp), MakeColumn("s", ColumnType::kString),
       MakeColumn("f", ColumnType::kFloat64), MakeColumn("i", ColumnType::kInt64), decimal,
       MakeColumn("b", ColumnType::kBool), MakeColumn("d", ColumnType::kDate)});
  const std::string text =
      "{\"ts\":\"2026-01-02T03:04:05.000001Z\",\"s\":\"a\\u0000\\\"é\",\"f\":0.30000000000000004,"
      "\"i\":-7,\"m\":12.3400,\"b\":true,\"d\":\"2026-01-02\"}\n"
      "{\"ts\":null,\"s\":null,\"f\":1e-300,\"i\":9223372036854775807,\"m\":-0.0001,\"b\":false,"
      "\"d\":null}\n";
  for (const JsonFormat format : {JsonFormat::kNdjson, JsonFormat::kArray}) {
    JsonConfig config;
    config.format = format;
    const auto codec = JsonCodec::Make(config).ValueOrDie();
    const auto lines = JsonCodec::Make({}).ValueOrDie();
    const auto first = DecodePartition(*lines, options, text).ValueOrDie();
    const auto encoder = codec->MakeEncoder(first.rows->schema()).ValueOrDie();
    std::string bytes;
    ASSERT_TRUE(encoder->Encode(*first.rows->CombineChunksToBatch().ValueOrDie(), &bytes).ok());
    ASSERT_TRUE(encoder->Finish(&bytes).ok());
    if (format == JsonFormat::kNdjson) {
      EXPECT_EQ(bytes, text);
    }
    const auto second = DecodePartition(*codec, options, bytes).ValueOrDie();
    EXPECT_TRUE(second.rows->Equals(*first.rows)) << bytes;
    EXPECT_EQ(second.dead.size(), 0u);
  }
}

}  // namespace
}  // namespace catchwater
