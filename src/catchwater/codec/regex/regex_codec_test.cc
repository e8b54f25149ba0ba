#include "catchwater/codec/regex/regex_codec.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

constexpr std::string_view kPattern = R"((?P<level>[A-Z]+)(?: (?P<n>\S+))?: (?<text>.*))";

PatternCodec MakeCodec(std::string_view pattern = kPattern, LinePattern rest = {}) {
  rest.format = "regex";
  rest.regex = CompilePattern(pattern, /*is_latin1=*/false).ValueOrDie();
  return PatternCodec(std::move(rest));
}

std::vector<Column> Columns() {
  return {MakeColumn("n", ColumnType::kInt64), MakeColumn("level", ColumnType::kString),
          MakeColumn("said", ColumnType::kString, "text")};
}

std::string Decode(const PatternCodec& codec, const std::vector<Column>& columns,
                   const std::string& text) {
  const auto decoded = DecodePartition(codec, MakeOptions(columns), text);
  if (!decoded.ok()) return decoded.status().message();
  std::string result = RowsAsText(*decoded->rows);
  for (const DeadLetter& letter : decoded->dead) {
    result += " !" + std::to_string(letter.line) + " " + letter.rule + " " + letter.field + ": " +
              letter.reason;
  }
  return result;
}

TEST(RegexCodec, Conforms) {
  ExpectCodecConforms({.codec = MakeCodec(kPattern, {.skip_empty = true}),
                       .options = MakeOptions(Columns()),
                       .text = "INFO 1: one\r\nWARN: no number\nnothing\nINFO x: bad\n\n"
                               "ERROR 3: \xC3\xA9\nERROR 4: \xFF\nINFO 5: five: six\n"});
}

TEST(RegexCodec, BoundsRecords) {
  DecodeOptions options = MakeOptions(Columns());
  options.frame_bytes_max = 2048;
  ExpectBoundedRecords(
      MakeCodec(), options,
      "INFO 1: a\nINFO 2: " + std::string(100'000, 'x') + "\nINFO 3: b\nINFO: c\n");
}

TEST(RegexCodec, CutsLinesIntoFields) {
  EXPECT_EQ(Decode(MakeCodec(), Columns(), "INFO 1: a b\nWARN: c\n"), "1|INFO|a b; null|WARN|c");
  EXPECT_EQ(Decode(MakeCodec(), {MakeColumn("line", ColumnType::kString)}, "A: b\n"), "A: b");
  LinePattern searched{.is_search = true, .skip_empty = true, .null_tokens = {"-"}};
  EXPECT_EQ(Decode(MakeCodec("id=(?P<id>\\S+)", searched), {MakeColumn("id", ColumnType::kInt64)},
                   "x id=1 y\n\nid=-\n"),
            "1; null");
}

TEST(RegexCodec, SaysWhichLineDoesNotFit) {
  EXPECT_EQ(Decode(MakeCodec(), Columns(), "INFO 1: a\nhm\nINFO x: b\n"),
            "1|INFO|a !2 regex.match : Line is not as the pattern says"
            " !3 column.type n: Value is not an int64: x");
}

TEST(RegexCodec, TakesMessagesWithAndWithoutTheirLineEnd) {
  const auto decoder = MakeCodec().MakeDecoder(MakeOptions(Columns())).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString("A 1: b\nA 2: c");
  block.frame_ends = {7, 13};
  block.frame_ordinals = {7, 9};
  const Split split = decoder->Decode(block).ValueOrDie();
  ASSERT_EQ(split.good.rows->num_rows(), 2);
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*split.good.rows->column(2)).GetView(0), "b");
}

TEST(RegexCodec, RefusesPatternsAndColumnsThatMakeNoSense) {
  for (const std::string_view pattern :
       {"(?P<a>", "a", R"((?P<a>x)\1)", "(?P<a>(?=x))", "(?<a>(?<!x))"}) {
    const auto status = CompilePattern(pattern, /*is_latin1=*/false).status();
    ASSERT_FALSE(status.ok()) << pattern;
    EXPECT_EQ(KindOf(status), ErrorKind::kConfig);
  }
  EXPECT_TRUE(CompilePattern(R"((?<a>\(?<b>?))", /*is_latin1=*/false).ok());
  const auto decoder =
      MakeCodec().MakeDecoder(MakeOptions({MakeColumn("message", ColumnType::kString)}));
  EXPECT_EQ(KindOf(decoder.status()), ErrorKind::kConfig);
  EXPECT_NE(decoder.status().message().find("level, n, text"), std::string::npos);
  EXPECT_EQ(KindOf(MakeCodec().MakeEncoder(arrow::schema({})).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
