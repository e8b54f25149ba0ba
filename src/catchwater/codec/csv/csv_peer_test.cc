// Our decoder against another one: Arrow's, on generated clean data.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>

#include "catchwater/base/number.h"
#include "catchwater/base/random.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Table> ReadByArrow(const std::string& text,
                                          const std::vector<Column>& columns) {
  auto convert = arrow::csv::ConvertOptions::Defaults();
  for (const Column& column : columns) convert.column_types[column.name] = ArrowType(column);
  convert.null_values = {"", "\\N", "NA"};
  convert.strings_can_be_null = true;
  convert.quoted_strings_can_be_null = false;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.newlines_in_values = true;
  const auto input = std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(text));
  return arrow::csv::TableReader::Make(arrow::io::default_io_context(), input,
                                       arrow::csv::ReadOptions::Defaults(), parse, convert)
      .ValueOrDie()
      ->Read()
      .ValueOrDie()
      ->CombineChunks()
      .ValueOrDie();
}

std::string RandomText(Random& random) {
  const std::string_view parts[] = {"a", "bc", "S017", "é", "日本", " ", "x y", "0", "long text "};
  std::string text;
  for (uint64_t i = random.Below(5); i > 0; --i) text += parts[random.Below(9)];
  if (random.Below(4) != 0) return text;
  const std::string_view inside[] = {",", "\n", "\"\"", "\r\n", "'"};
  return "\"" + text + std::string(inside[random.Below(5)]) + "\"";
}

std::string RandomNumber(Random& random) {
  std::string text;
  switch (random.Below(4)) {
    case 0:
      AppendNumber(random.Normal() * 1e3, &text);
      return text;
    case 1:
      AppendNumber(static_cast<double>(random.Below(100'000)) / 100, &text);
      return text;
    case 2:
      AppendNumber(random.Normal() * 1e-20, &text);
      return text;
    default:
      return "NA";
  }
}

TEST(CsvPeer, ReadsWhatArrowReads) {
  const std::vector<Column> columns{
      MakeColumn("ts", ColumnType::kTimestamp), MakeColumn("name", ColumnType::kString),
      MakeColumn("value", ColumnType::kFloat64), MakeColumn("n", ColumnType::kInt64)};
  const auto codec = MakeCsv().ValueOrDie();
  for (uint64_t seed = 81; seed < 101; ++seed) {
    Random random(seed);
    std::string text = "ts,name,value,n\n";
    const bool has_returns = seed % 2 == 0;
    const bool has_quotes = seed % 3 != 0;
    for (int row = 0; row < 3000; ++row) {
      const uint64_t of_day = random.Below(86'400);
      const auto two = [](uint64_t number) {
        return (number < 10 ? "0" : "") + std::to_string(number);
      };
      text += "2026-0" + std::to_string(1 + random.Below(9)) + "-" + two(1 + random.Below(28)) +
              " " + two(of_day / 3600) + ":" + two(of_day / 60 % 60) + ":" + two(of_day % 60);
      std::string name = RandomText(random);
      if (!has_quotes && name.find('"') != std::string::npos) name = "plain";
      text += "Z," + name + "," + RandomNumber(random) + ",";
      if (random.Below(10) != 0) {
        AppendNumber(static_cast<int64_t>(random.Next() >> random.Below(64)), &text);
      }
      text += has_returns ? "\r\n" : "\n";
    }
    const auto ours = DecodePartition(*codec, MakeOptions(columns), text).ValueOrDie();
    ASSERT_TRUE(ours.dead.empty()) << Describe(ours).substr(0, 1000);
    const auto theirs = ReadByArrow(text, columns);
    ASSERT_EQ(ours.rows->num_rows(), 3000);
    for (int i = 0; i < theirs->num_columns(); ++i) {
      EXPECT_TRUE(ours.rows->column(i)->Equals(*theirs->column(i)))
          << "seed " << seed << ", column " << columns[static_cast<size_t>(i)].name;
    }
  }
}

}  // namespace
}  // namespace catchwater
