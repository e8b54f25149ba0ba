#include "catchwater/codec/lines/lines_codec.h"

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

const std::vector<Column> kLine = {MakeColumn("line", ColumnType::kString)};

std::string Decode(const LinesConfig& config, const std::vector<Column>& columns,
                   const std::string& text) {
  const LinesCodec codec(config);
  const auto decoded = DecodePartition(codec, MakeOptions(columns), text);
  if (!decoded.ok()) return decoded.status().message();
  std::string result = RowsAsText(*decoded->rows);
  for (const DeadLetter& letter : decoded->dead) {
    result += " !" + letter.rule + " " + letter.field + ": " + letter.reason;
  }
  return result;
}

TEST(LinesCodec, Conforms) {
  const LinesCodec codec{{}};
  ExpectCodecConforms({.codec = codec,
                       .options = MakeOptions({MakeColumn("value", ColumnType::kInt64, "line"),
                                               MakeColumn("byte_offset", ColumnType::kInt64)}),
                       .text = "1\n22\r\nx\n-4\n5 \n6\n"});
  ExpectCodecConforms({.codec = codec,
                       .options = MakeOptions(kLine),
                       .text = "\xEF\xBB\xBF"
                               "a\n\xC3\xA9\n\xFF\n\nb\r\r\nc\n"});
}

TEST(LinesCodec, BoundsRecords) {
  DecodeOptions options = MakeOptions(kLine);
  options.frame_bytes_max = 2048;
  ExpectBoundedRecords(LinesCodec({}), options, "a\n" + std::string(100'000, 'x') + "\nb\nc\n");
}

TEST(LinesCodec, MakesARowOfEachLine) {
  const std::vector<Column> columns = {MakeColumn("line", ColumnType::kString),
                                       MakeColumn("at", ColumnType::kInt64, "byte_offset")};
  EXPECT_EQ(Decode({}, columns, "a\n\nb\r\nc"), "a|0; |2; b|3; c|6");
  EXPECT_EQ(Decode({.skip_empty = true}, columns, "a\n\nb\r\n\r\nc"), "a|0; b|3; c|8");
  EXPECT_EQ(Decode({.null_tokens = {"-"}}, columns, "a\n-\n"), "a|0; null|2");
  EXPECT_EQ(Decode({}, columns, ""), "");
}

TEST(LinesCodec, RefusesLinesThatDoNotFitTheColumn) {
  Column number = MakeColumn("line", ColumnType::kInt64);
  EXPECT_EQ(Decode({}, {number}, "1\nx\n"), "1 !column.type line: Value is not an int64: x");
  number.is_required = true;
  EXPECT_EQ(Decode({.null_tokens = {"-"}}, {number}, "-\n2\n"),
            "2 !column.required line: Required value is missing");
}

TEST(LinesCodec, RefusesUnknownColumns) {
  const LinesCodec codec{{}};
  const auto decoder = codec.MakeDecoder(MakeOptions({MakeColumn("text", ColumnType::kString)}));
  ASSERT_FALSE(decoder.ok());
  EXPECT_EQ(KindOf(decoder.status()), ErrorKind::kConfig);
  EXPECT_NE(decoder.status().message().find("text"), std::string::npos);
}

TEST(LinesCodec, TakesFramesOfABrokerAsTheyAre) {
  const LinesCodec codec{{}};
  const auto decoder = codec.MakeDecoder(MakeOptions(kLine)).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString("a\nbc");
  block.frame_ends = {3, 4};
  block.frame_ordinals = {7, 9};
  const Split split = decoder->Decode(block).ValueOrDie();
  const auto& lines = static_cast<const arrow::StringArray&>(*split.good.rows->column(0));
  ASSERT_EQ(lines.length(), 2);
  EXPECT_EQ(lines.GetView(0), "a\nb");
  EXPECT_EQ(lines.GetView(1), "c");
  EXPECT_EQ(split.frame_count, 2);
}

std::shared_ptr<arrow::RecordBatch> Texts(const std::vector<std::string>& texts) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(texts).ok());
  EXPECT_TRUE(builder.AppendNull().ok());
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("any", arrow::utf8())}),
                                  static_cast<int64_t>(texts.size()) + 1,
                                  {builder.Finish().ValueOrDie()});
}

TEST(LinesEncoder, WritesALineARow) {
  const LinesCodec codec{{}};
  const auto rows = Texts({"a", "", "b c"});
  const auto encoder = codec.MakeEncoder(rows->schema()).ValueOrDie();
  std::string bytes;
  ASSERT_TRUE(encoder->Encode(*rows, &bytes).ok());
  ASSERT_TRUE(encoder->Finish(&bytes).ok());
  EXPECT_EQ(bytes, "a\n\nb c\n\n");
}

TEST(LinesEncoder, RefusesWhatWouldNotReadBack) {
  const LinesCodec codec{{}};
  const auto rows = Texts({"a", "b\nc"});
  const auto encoder = codec.MakeEncoder(rows->schema()).ValueOrDie();
  std::string bytes;
  EXPECT_EQ(KindOf(encoder->Encode(*rows, &bytes)), ErrorKind::kBadData);
  EXPECT_EQ(bytes, "");
  const auto numbers = arrow::schema({arrow::field("line", arrow::int64())});
  EXPECT_EQ(KindOf(codec.MakeEncoder(numbers).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
