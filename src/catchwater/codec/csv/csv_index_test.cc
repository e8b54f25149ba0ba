#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/codec/csv/csv_index_internal.h"
#include "catchwater/codec/csv/csv_record_internal.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

struct Indexed {
  CsvIndex index;
  std::vector<uint32_t> ends;
};

Indexed IndexOf(std::string_view text, bool portably = false) {
  Indexed result;
  result.ends.resize(text.size() + 64);
  const auto index_csv = portably ? IndexCsvPortably : IndexCsv;
  result.index = index_csv(text.data(), text.size(), ',', '"', result.ends.data());
  result.ends.resize(result.index.end_count);
  return result;
}

// Mostly regular text of all lengths, so that pieces fall over the borders of 64 bytes.
std::string RandomText(Random& random, bool is_wild) {
  const std::string_view parts[] = {"a",           "bcdef",      ",",      "\n", "\r\n",
                                    ",\"x\"\"y\"", ",\"\n,\"\n", "\n\"\"", "é",  "\r",
                                    "\"",          "\",",        "\"\n"};
  std::string text;
  for (uint64_t i = random.Below(120); i > 0; --i) text += parts[random.Below(is_wild ? 13 : 9)];
  return text;
}

TEST(CsvIndex, FindsSeparatorsOutsideQuotes) {
  const Indexed indexed = IndexOf("a,b\n\"x,\ny\",2\nrest,");
  EXPECT_EQ(indexed.ends, (std::vector<uint32_t>{1, 3, 10, 12}));
  EXPECT_EQ(indexed.index.line_count, 2u);
  EXPECT_EQ(indexed.index.byte_count, 13u);
  EXPECT_TRUE(indexed.index.has_quotes);
  EXPECT_TRUE(indexed.index.is_regular);
  EXPECT_TRUE(indexed.index.is_ascii);
  EXPECT_FALSE(indexed.index.has_doubled_quotes);
}

TEST(CsvIndex, KnowsWhereQuotesMayStandAtEveryPlace) {
  for (size_t before = 0; before < 140; ++before) {
    const std::string prefix = std::string(before, 'a') + ",";
    for (const std::string_view good :
         {"\"\"\n", "\"x\"\n", "\"x\",", "\"x\"\r\n", "\"x\"\"y\"\n", "\"\"\"\"\n", "\"x"}) {
      EXPECT_TRUE(IndexOf(prefix + std::string(good)).index.is_regular) << before << good;
    }
    for (const std::string_view bad : {"x\"\n", "\"x\"y\n", "\"x\" \n", "\"x\"\r,", "\r\"x\"\n"}) {
      EXPECT_FALSE(IndexOf(prefix + std::string(bad)).index.is_regular) << before << bad;
    }
    EXPECT_TRUE(IndexOf(prefix + "\"x\"\"y\"\n").index.has_doubled_quotes) << before;
    EXPECT_FALSE(IndexOf(prefix + "\"x\",\"y\"\n").index.has_doubled_quotes) << before;
  }
}

// Law: a regular text is cut into the records and fields that the slow reader finds.
TEST(CsvIndex, FindsTheFieldsThatTheSlowReaderFinds) {
  Random random(91);
  const CsvDialect dialect;
  CsvRecord record;
  int regular_count = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = RandomText(random, round % 2 == 0);
    const Indexed indexed = IndexOf(text);
    if (!indexed.index.is_regular) continue;
    ++regular_count;
    std::vector<uint32_t> expected;
    size_t at = 0;
    while (at < indexed.index.byte_count) {
      ScanCsvRecord(text, at, dialect, /*is_end=*/false, record);
      ASSERT_NE(record.kind, CsvRecord::Kind::kStrayQuote) << text;
      for (const CsvField& field : record.fields) {
        size_t end = field.end + (field.is_quoted ? 1 : 0);
        if (text[end] == '\r' && text[end + 1] == '\n') ++end;
        expected.push_back(static_cast<uint32_t>(end));
      }
      at = record.end;
    }
    ASSERT_EQ(indexed.ends, expected) << text;
    ASSERT_EQ(at, indexed.index.byte_count) << text;
  }
  EXPECT_GT(regular_count, 500);
}

TEST(CsvIndex, IsTheSameOnEveryProcessor) {
  Random random(92);
  for (int round = 0; round < 10'000; ++round) {
    const std::string text = RandomText(random, round % 3 == 0);
    const Indexed quick = IndexOf(text);
    const Indexed portable = IndexOf(text, /*portably=*/true);
    ASSERT_EQ(quick.ends, portable.ends) << text;
    ASSERT_EQ(quick.index.byte_count, portable.index.byte_count) << text;
    ASSERT_EQ(quick.index.line_count, portable.index.line_count) << text;
    ASSERT_EQ(quick.index.is_regular, portable.index.is_regular) << text;
    ASSERT_EQ(quick.index.is_ascii, portable.index.is_ascii) << text;
    ASSERT_EQ(quick.index.has_doubled_quotes, portable.index.has_doubled_quotes) << text;
    ASSERT_EQ(LastRecordEnd(text.data(), text.size(), ',', '"'),
              LastRecordEndPortably(text.data(), text.size(), ',', '"'));
  }
}

// Law: the quick ways through a block and the slow one (which a comment character forces) agree.
TEST(CsvIndex, DecodesAsTheSlowReaderDoes) {
  Random random(93);
  const std::vector<Column> columns{MakeColumn("a", ColumnType::kString),
                                    MakeColumn("b", ColumnType::kString)};
  for (int round = 0; round < 100; ++round) {
    std::string text;
    const bool is_wild = round % 4 == 0;
    for (uint64_t i = random.Below(3000); i > 0; --i) {
      const std::string_view parts[] = {"a,b\n",     "cc,\r\n", "\"x\",y\n", "\"x\"\"\n\",\n",
                                        "21 °C,b\n", "\n",      "a\n",       "a,b,c\n",
                                        "\r\n",      "\"x,",    "x\"y,z\n"};
      text += parts[random.Below(is_wild ? 11 : (round % 4 == 1 ? 2 : 9))];
    }
    ASSERT_EQ(DecodeCsv("csv: {header: false}", columns, text),
              DecodeCsv("csv: {header: false, comment: '~'}", columns, text))
        << "seed 93, round " << round;
  }
}

}  // namespace
}  // namespace catchwater
