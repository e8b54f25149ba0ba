#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

std::vector<Column> TwoColumns() {
  return {MakeColumn("a", ColumnType::kString), MakeColumn("b", ColumnType::kInt64)};
}

struct CsvCase {
  std::string name;
  std::string yaml;
  std::string text;
  std::string wanted;
};

class CsvDecoderTest : public ::testing::TestWithParam<CsvCase> {};

TEST_P(CsvDecoderTest, Decodes) {
  EXPECT_EQ(DecodeCsv(GetParam().yaml, TwoColumns(), GetParam().text), GetParam().wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, CsvDecoderTest,
    ::testing::Values(
        CsvCase{"Empty", "csv", "", ""}, CsvCase{"OnlyHeader", "csv", "a,b\n", ""},
        CsvCase{"OnlyHeaderWithoutEnd", "csv", "a,b", ""},
        CsvCase{"OnlyBlankLines", "csv", "\n\r\n\n", ""},
        CsvCase{"Plain", "csv", "a,b\nx,1\ny,2\n", "x|1; y|2"},
        CsvCase{"NoLastEnd", "csv", "a,b\nx,1\ny,2", "x|1; y|2"},
        CsvCase{"LastReturnOnly", "csv", "a,b\nx,1\ny,2\r", "x|1; y|2"},
        CsvCase{"ReturnsAndLineFeeds", "csv", "a,b\r\nx,1\r\ny,2\r\n", "x|1; y|2"},
        CsvCase{"MixedEnds", "csv", "a,b\r\nx,1\ny,2\r\nz,3\n", "x|1; y|2; z|3"},
        CsvCase{"BlankLines", "csv", "a,b\n\nx,1\n\r\n\n\ny,2\n\n", "x|1; y|2"},
        CsvCase{"ByteOrderMark", "csv",
                "\xEF\xBB\xBF"
                "a,b\nx,1\n",
                "x|1"},
        CsvCase{"QuotedHeader", "csv", "\"a\",\"b\"\nx,1\n", "x|1"},
        CsvCase{"OtherOrder", "csv", "b,x,a\n1,?,x\n", "x|1"},
        CsvCase{"Quoted", "csv", "a,b\n\"x\",\"1\"\n", "x|1"},
        CsvCase{"QuotedDelimiter", "csv", "a,b\n\"x,y\",1\n", "x,y|1"},
        CsvCase{"QuotedLineEnd", "csv", "a,b\n\"x\ny\r\nz\",1\n\"w\n\",2\n", "x\ny\r\nz|1; w\n|2"},
        CsvCase{"DoubledQuotes", "csv", "a,b\n\"x\"\"y\",1\n\"\"\"\",2\n\"\"\"\"\"\",3\n",
                "x\"y|1; \"|2; \"\"|3"},
        CsvCase{"QuotedEmptyIsText", "csv", "a,b\n\"\",1\n\"NA\",2\nNA,3\n", "|1; NA|2; null|3"},
        CsvCase{"QuotedEmptyNumberIsNull", "csv", "a,b\nx,\"\"\ny,\"NA\"\n", "x|null; y|null"},
        CsvCase{"Nulls", "csv", "a,b\n,\nNA,NA\n\\N,\\N\n", "null|null; null|null; null|null"},
        CsvCase{"OtherNulls", "csv: {null_tokens: ['-']}", "a,b\n-,-\nNA,1\n,2\n",
                "null|null; NA|1; |2"},
        CsvCase{"Tabs", "csv: {delimiter: tab}", "a\tb\nx,y\t1\n", "x,y|1"},
        CsvCase{"NoQuote", "csv: {quote: none}", "a,b\n\"x,1\ny\"z\",2\n", "\"x|1; y\"z\"|2"},
        CsvCase{"Comments", "csv: {comment: '#'}", "# \"\na,b\n#\nx,1\n#,,,\"\ny#,2\n#",
                "x|1; y#|2"},
        CsvCase{"Trim", "csv: {trim: true}", " a , b\n x ,\t1 \n\" y \",2\n", "x|1;  y |2"},
        CsvCase{"NoTrim", "csv", "a,b\n x ,1\n", " x |1"},
        CsvCase{"SkipRows", "csv: {skip_rows: 2}", "made by \"logger\n\na,b\nx,1\n", "x|1"},
        CsvCase{"NoHeader", "csv: {header: false}", "x,1\ny,2\n", "x|1; y|2"},
        CsvCase{"NulBytes", "csv", std::string("a,b\nx\0y,1\n", 10), std::string("x\0y|1", 5)},
        CsvCase{"Unicode", "csv", "a,b\n21 °C,1\n日本語,2\n", "21 °C|1; 日本語|2"},
        CsvCase{"MissingAsNull", "csv: {missing: fill_null}", "a,b\nx\ny,2\n", "x|null; y|2"},
        CsvCase{"ExtraIgnored", "csv: {extra: ignore}", "a,b\nx,1,?\ny,2\n", "x|1; y|2"},
        CsvCase{"TooFew", "csv", "a,b\nx\ny,2\n",
                "y|2\n2 csv.field_count : record has 1 field instead of 2 `x`"},
        CsvCase{"TooMany", "csv", "a,b\ny,2\nx,1,\n",
                "y|2\n3 csv.field_count : record has 3 fields instead of 2 `x,1,`"},
        CsvCase{"WrongType", "csv", "a,b\nx,1.5\n\ny,2\r\nz,z\r\n",
                "y|2\n2 column.type b: not an int64: 1.5 `x,1.5`\n"
                "5 column.type b: not an int64: z `z,z`"},
        CsvCase{"BadUtf8", "csv", "a,b\n\xFF,1\ny,2\n",
                "y|2\n2 column.type a: not valid UTF-8: \\xFF `\xFF,1`"},
        CsvCase{"BothColumnsWrong", "csv", "a,b\n\xFF,x\n",
                "\n2 column.type a: not valid UTF-8: \\xFF `\xFF,x`"},
        CsvCase{"StrayQuoteInside", "csv", "a,b\nx\"y,1\ny,2\n",
                "y|2\n2 csv.quote : a quote stands inside an unquoted field or behind a quoted one "
                "`x\"y,1`"},
        CsvCase{"StrayQuoteBehind", "csv", "a,b\n\"x\"y,1\ny,2\n",
                "y|2\n2 csv.quote : a quote stands inside an unquoted field or behind a quoted one "
                "`\"x\"y,1`"},
        CsvCase{"OpenQuote", "csv", "a,b\nw,0\n\"x,1\ny,2\nz,3\n",
                "w|0; y|2; z|3\n3 csv.quote : a quoted field is never closed `\"x,1`"},
        CsvCase{"LineNumbersCountQuotedLines", "csv", "a,b\n\"1\n2\n3\",1\n\n\"4\n\",x\ny,y\n",
                "1\n2\n3|1\n6 column.type b: not an int64: x `\"4\n\",x`\n"
                "8 column.type b: not an int64: y `y,y`"}),
    [](const auto& test) { return test.param.name; });

TEST(CsvDecoder, PlacesColumnsByNumber) {
  const std::vector<Column> columns{MakeColumn("last", ColumnType::kString, "#4"),
                                    MakeColumn("first", ColumnType::kInt64, "#1")};
  const std::string text = "1,?,?,x\n2,?,?,y\n3,?\n4,?,?,z,?\n";
  EXPECT_EQ(DecodeCsv("csv: {header: false}", columns, text),
            "x|1; y|2\n3 csv.field_count : record has 2 fields instead of 4 `3,?`\n"
            "4 csv.field_count : record has 5 fields instead of 4 `4,?,?,z,?`");
  EXPECT_EQ(DecodeCsv("csv: {header: false, missing: fill_null, extra: ignore}", columns, text),
            "x|1; y|2; null|3; z|4");
}

TEST(CsvDecoder, ReadsOneColumnWithBlankLines) {
  EXPECT_EQ(DecodeCsv("csv", {MakeColumn("a", ColumnType::kInt64)}, "a\n1\n\n2\n\r\n3\r\nNA\n"),
            "1; 2; 3; null");
}

TEST(CsvDecoder, BuriesRowsWithoutARequiredValue) {
  std::vector<Column> columns = TwoColumns();
  columns[1].is_required = true;
  EXPECT_EQ(DecodeCsv("csv", columns, "a,b\nx,1\ny,\nz,3\n"),
            "x|1; z|3\n3 column.required b: a required value is missing `y,`");
}

TEST(CsvDecoder, UsesTheNullTokensOfTheColumn) {
  std::vector<Column> columns = TwoColumns();
  columns[1].null_tokens = {"-9999"};
  EXPECT_EQ(DecodeCsv("csv", columns, "a,b\nNA,-9999\nx,\n"),
            "null|null\n3 column.type b: not an int64:  `x,`");
}

TEST(CsvDecoder, ReadsAHundredThousandColumns) {
  std::string header;
  std::string row;
  for (int i = 0; i < 100'000; ++i) {
    header += (i == 0 ? "c" : ",c") + std::to_string(i);
    row += (i == 0 ? "" : ",") + std::to_string(i);
  }
  const std::vector<Column> columns{MakeColumn("c99999", ColumnType::kInt64),
                                    MakeColumn("c0", ColumnType::kInt64),
                                    MakeColumn("c54321", ColumnType::kInt32)};
  EXPECT_EQ(DecodeCsv("csv", columns, header + "\n" + row + "\n" + row + "\n"),
            "99999|0|54321; 99999|0|54321");
}

TEST(CsvDecoder, KeepsTheBeginningOfALongDeadRecord) {
  const std::string text = "a,b\nx," + std::string(200'000, 'y') + "\nz,1\n";
  const auto codec = MakeCsv().ValueOrDie();
  const auto decoded = DecodePartition(*codec, MakeOptions(TwoColumns()), text).ValueOrDie();
  ASSERT_EQ(decoded.dead.size(), 1u);
  EXPECT_EQ(decoded.dead[0].raw.size(), static_cast<size_t>(kDeadLetterRawBytesMax));
  EXPECT_EQ(decoded.dead[0].raw_bytes, 200'002);
  EXPECT_LT(decoded.dead[0].reason.size(), 200u);
  EXPECT_EQ(RowsAsText(*decoded.rows), "z|1");
}

// Stretches of 32 KiB are read in different ways; their borders must not show.
TEST(CsvDecoder, ReadsLargeTextsOfAllKinds) {
  const auto codec = MakeCsv().ValueOrDie();
  std::string text = "a,b\n";
  std::string wanted;
  for (int row = 0; row < 20'000; ++row) {
    const std::string number = std::to_string(row);
    const bool has_quotes = row / 1000 % 3 == 1;
    const bool is_long = row % 7000 == 3;
    std::string name = is_long ? std::string(50'000, 'L') : "name" + number;
    if (has_quotes) name += row % 10 == 0 ? ",\n" : "";
    text += has_quotes ? "\"" + name + "\"," + number : name + "," + number;
    text += row / 500 % 2 == 0 ? "\n" : "\r\n";
    if (row % 4000 == 0) text += "\n";
    wanted += (row == 0 ? "" : "; ") + name + "|" + number;
  }
  const auto decoded = DecodePartition(*codec, MakeOptions(TwoColumns()), text).ValueOrDie();
  EXPECT_EQ(decoded.frame_count, 20'000);
  EXPECT_TRUE(decoded.dead.empty());
  EXPECT_TRUE(RowsAsText(*decoded.rows) == wanted);
}

TEST(CsvDecoder, GivesUpOnOpenQuotesAfterAWhile) {
  // Each of these lines leaves a quote open, however one begins to read.
  std::string text = "a,b\n";
  for (int i = 0; i < 1000; ++i) text += "b\",\",z\n";
  text += "\"";
  const auto codec = MakeCsv().ValueOrDie();
  const auto decoded = DecodePartition(*codec, MakeOptions(TwoColumns()), text).ValueOrDie();
  EXPECT_EQ(decoded.frame_count, decoded.dead_frame_count);
  EXPECT_LE(decoded.dead.size(), 1001u);
}

Block MessageBlock(const std::vector<std::string>& messages) {
  std::string bytes;
  Block block;
  for (const std::string& message : messages) {
    bytes += message;
    block.frame_ends.push_back(static_cast<int64_t>(bytes.size()));
    block.frame_ordinals.push_back(1000 + block.frame_ends.size() * 10);
  }
  block.bytes = arrow::Buffer::FromString(std::move(bytes));
  return block;
}

TEST(CsvDecoder, ReadsMessagesOfOneOrSeveralRecords) {
  const auto codec = MakeCsv("csv: {header: false}").ValueOrDie();
  const auto decoder = codec->MakeDecoder(MakeOptions(TwoColumns())).ValueOrDie();
  const Split split =
      decoder->Decode(MessageBlock({"x,1", "y,2\nz,bad\nw,4\n", "", "only bad", "\"q,1", "v,5\n"}))
          .ValueOrDie();
  EXPECT_EQ(RowsAsText(*arrow::Table::FromRecordBatches({split.good.rows}).ValueOrDie()),
            "x|1; y|2; w|4; v|5");
  const auto& ordinals = static_cast<const arrow::UInt64Array&>(*split.good.frame_ordinals);
  const auto& rows = static_cast<const arrow::UInt32Array&>(*split.good.row_in_frame);
  EXPECT_EQ(ordinals.Value(2), 1020u);
  EXPECT_EQ(rows.Value(2), 2u);
  EXPECT_EQ(ordinals.Value(3), 1060u);
  EXPECT_EQ(split.frame_count, 6);
  EXPECT_EQ(split.dead_frame_count, 2);
  ASSERT_EQ(split.dead.size(), 3u);
  EXPECT_EQ(split.dead[0].raw, "z,bad");
  EXPECT_FALSE(split.dead[0].is_frame);
  EXPECT_EQ(split.dead[0].row_in_frame, 1u);
  EXPECT_EQ(split.dead[1].frame_ordinal, 1040u);
  EXPECT_TRUE(split.dead[1].is_frame);
  EXPECT_EQ(split.dead[2].rule, "csv.quote");
  EXPECT_TRUE(split.dead[2].is_frame);
}

TEST(CsvDecoder, RefusesMessagesWhenAHeaderIsExpected) {
  const auto codec = MakeCsv().ValueOrDie();
  const auto decoder = codec->MakeDecoder(MakeOptions(TwoColumns())).ValueOrDie();
  const auto split = decoder->Decode(MessageBlock({"x,1"}));
  ASSERT_FALSE(split.ok());
  EXPECT_NE(split.status().message().find("header: false"), std::string::npos);
}

TEST(CsvDecoder, LeavesOriginsOutUnlessAsked) {
  const auto codec = MakeCsv("csv: {header: false}").ValueOrDie();
  const auto decoder = codec->MakeDecoder({.columns = TwoColumns()}).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString("x,1\nbad\n");
  const Split split = decoder->Decode(block).ValueOrDie();
  EXPECT_EQ(split.good.frame_ordinals, nullptr);
  EXPECT_EQ(split.good.raw, nullptr);
  EXPECT_EQ(split.dead.size(), 1u);
  EXPECT_EQ(split.dead[0].line, 0);
}

}  // namespace
}  // namespace catchwater
