#include "catchwater/codec/influx_line/influx_line_codec.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

std::vector<Column> Columns() {
  return {MakeColumn("measurement", ColumnType::kString),
          MakeColumn("host", ColumnType::kString),
          MakeColumn("load", ColumnType::kFloat64, "field.load"),
          MakeColumn("n", ColumnType::kInt64),
          MakeColumn("up", ColumnType::kBool),
          MakeColumn("note", ColumnType::kString),
          MakeColumn("time", ColumnType::kTimestamp)};
}

std::string Told(const DecodedPartition& decoded) {
  std::string result = RowsAsText(*decoded.rows);
  for (const DeadLetter& letter : decoded.dead) {
    result += " !" + std::to_string(letter.line) + " " + letter.rule + " " + letter.field + ": " +
              letter.reason;
  }
  return result;
}

std::string Decode(const std::string& text, const InfluxLineConfig& config = {},
                   const std::vector<Column>& columns = Columns()) {
  return Told(DecodePartition(InfluxLineCodec(config), MakeOptions(columns), text).ValueOrDie());
}

TEST(InfluxLineCodec, Conforms) {
  ExpectCodecConforms(
      {.codec = InfluxLineCodec({}),
       .options = MakeOptions(Columns()),
       .text =
           "# made by hand\ncpu,host=a load=1,n=2i,up=t,note=\"x\" 1767225600000000000\n\n"
           "cpu,host=b\\ c load=0.5,note=\"say \\\"hi\\\"\"\r\nhm\n"
           "cpu load=\"x\",n=3i 5\ncpu n=1.5,load=t\n\xC3\xA9,host=\xFF load=1\nm n=21.0 -1\n"});
}

TEST(InfluxLineCodec, BoundsRecords) {
  DecodeOptions options = MakeOptions(Columns());
  options.frame_bytes_max = 2048;
  ExpectBoundedRecords(InfluxLineCodec({}), options,
                       "m n=1i\nm note=\"" + std::string(100'000, 'x') + "\"\nm n=2i\nm n=3i\n");
}

TEST(InfluxLineCodec, ReadsPointsIntoColumns) {
  EXPECT_EQ(Decode("cpu\\,x,host=a\\ b load=1,n=2i,up=t,note=\"x\\\"\" 1767225600000000001\n"
                   "m n=7u -1\nm up=FALSE,n=21.0\n"),
            "cpu,x|a b|1|2|true|x\"|2026-01-01 00:00:00.000000Z; "
            "m|null|null|7|null|null|1969-12-31 23:59:59.999999Z; "
            "m|null|null|21|false|null|null");
  EXPECT_EQ(Decode("m a=1 1767225600", {.precision = LinePrecision::kSeconds},
                   {MakeColumn("t", ColumnType::kTimestamp, "time")}),
            "2026-01-01 00:00:00.000000Z");
  EXPECT_EQ(
      Decode("m,k=tag k=\"field\"", {},
             {MakeColumn("k", ColumnType::kString), MakeColumn("f", ColumnType::kString, "field.k"),
              MakeColumn("t", ColumnType::kString, "tag.k")}),
      "tag|field|tag");
}

TEST(InfluxLineCodec, SaysWhatItRefuses) {
  EXPECT_EQ(
      Decode("m n=1i\nm n=x\nm n=1.5\nm n=9223372036854775808u\nm n=1i 99999999999999999999\n"),
      "m|null|null|1|null|null|null"
      " !2 influx_line.syntax : Line is no point, a field is neither number, bool nor "
      "quoted, byte of the record: 4"
      " !3 column.type n: Value is not an int64: 1.5"
      " !4 column.type n: Value is out of the range of int64: 9223372036854775808"
      " !5 column.type time: Value is not a timestamp of the years 1 to 9999: "
      "99999999999999999999");
}

TEST(InfluxLineCodec, ReadsAllPointsOfAMessage) {
  const auto decoder = InfluxLineCodec({}).MakeDecoder(MakeOptions(Columns())).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString("m n=1i\n#\nbad\nm n=2i\nm n=3ibad");
  block.frame_ends = {26, 29};
  block.frame_ordinals = {4, 5};
  const Split split = decoder->Decode(block).ValueOrDie();
  EXPECT_EQ(split.good.rows->num_rows(), 3);
  EXPECT_EQ(static_cast<const arrow::UInt32Array&>(*split.good.row_in_frame).Value(2), 3u);
  ASSERT_EQ(split.dead.size(), 2u);
  EXPECT_FALSE(split.dead[0].is_frame);  // Its frame has rows.
  EXPECT_EQ(split.dead[0].row_in_frame, 1u);
  EXPECT_TRUE(split.dead[1].is_frame);
  EXPECT_EQ(split.frame_count, 2);
  EXPECT_EQ(split.dead_frame_count, 1);
}

TEST(InfluxLineCodec, WritesWhatItReads) {
  const InfluxLineConfig config{.measurement = "m", .time = "time", .tags = {"host"}};
  const std::string text =
      "m,host=a\\ b load=1.5,n=2i,note=\"x \\\"y\\\"\",up=true 1767225600000000000\n";
  std::vector<Column> columns = {
      MakeColumn("host", ColumnType::kString), MakeColumn("load", ColumnType::kFloat64),
      MakeColumn("n", ColumnType::kInt64),     MakeColumn("note", ColumnType::kString),
      MakeColumn("up", ColumnType::kBool),     MakeColumn("time", ColumnType::kTimestamp)};
  const InfluxLineCodec codec(config);
  const auto rows = DecodePartition(codec, MakeOptions(columns), text).ValueOrDie().rows;
  const auto encoder = codec.MakeEncoder(rows->schema()).ValueOrDie();
  std::string written;
  ASSERT_TRUE(encoder->Encode(*rows->CombineChunksToBatch().ValueOrDie(), &written).ok());
  ASSERT_TRUE(encoder->Finish(&written).ok());
  EXPECT_EQ(written, text);
  EXPECT_EQ(KindOf(InfluxLineCodec({}).MakeEncoder(rows->schema()).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
