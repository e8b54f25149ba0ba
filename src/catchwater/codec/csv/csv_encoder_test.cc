#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::RecordBatch> Rows(const std::vector<Column>& columns,
                                         const std::vector<std::vector<const char*>>& rows) {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto builder = ColumnBuilder::Make(columns[i]).ValueOrDie();
    for (const auto& row : rows) {
      if (row[i] == nullptr) {
        builder->AppendNull();
      } else {
        EXPECT_TRUE(builder->AppendText(row[i])) << builder->reason();
      }
    }
    arrays.push_back(builder->Finish().ValueOrDie());
  }
  return arrow::RecordBatch::Make(ArrowSchema(columns), static_cast<int64_t>(rows.size()), arrays);
}

arrow::Result<std::string> Encode(std::string_view yaml, const arrow::RecordBatch& rows) {
  ARROW_ASSIGN_OR_RAISE(const auto codec, MakeCsv(yaml));
  ARROW_ASSIGN_OR_RAISE(const auto encoder, codec->MakeEncoder(rows.schema()));
  std::string bytes;
  ARROW_RETURN_NOT_OK(encoder->Encode(rows, &bytes));
  ARROW_RETURN_NOT_OK(encoder->Finish(&bytes));
  return bytes;
}

std::vector<Column> AllColumns() {
  std::vector<Column> columns;
  for (const ColumnType type : {ColumnType::kBool, ColumnType::kInt32, ColumnType::kInt64,
                                ColumnType::kFloat32, ColumnType::kFloat64, ColumnType::kDecimal,
                                ColumnType::kString, ColumnType::kDate, ColumnType::kTimestamp}) {
    columns.push_back(MakeColumn(std::string(ColumnTypeName(type)), type));
  }
  return columns;
}

TEST(CsvEncoder, WritesAllTypes) {
  const auto rows =
      Rows(AllColumns(),
           {{"true", "-1", "9223372036854775807", "0.1", "18.324918539200002", "1.5", "x",
             "2026-01-02", "2026-01-02 03:04:05.25"},
            std::vector<const char*>(9, nullptr),
            {"false", "0", "0", "1e30", "-inf", "-0.0001", "", "0001-01-01", "2026-01-02"}});
  EXPECT_EQ(Encode("csv", *rows).ValueOrDie(),
            "bool,int32,int64,float32,float64,decimal,string,date,timestamp\n"
            "true,-1,9223372036854775807,0.1,18.324918539200002,1.5000,x,2026-01-02,"
            "2026-01-02T03:04:05.25Z\n"
            ",,,,,,,,\n"
            "false,0,0,1e+30,-inf,-0.0001,\"\",0001-01-01,2026-01-02T00:00:00Z\n");
}

TEST(CsvEncoder, QuotesOnlyWhatWouldBeReadAsSomethingElse) {
  struct Row {
    std::string_view yaml;
    const char* text;
    std::string_view wanted;
  };
  const std::vector<Column> columns{MakeColumn("a", ColumnType::kString),
                                    MakeColumn("b", ColumnType::kString)};
  for (const Row& row : {
           Row{"csv", "plain text", "plain text"},
           Row{"csv", "21 °C; 'x'", "21 °C; 'x'"},
           Row{"csv", "a,b", "\"a,b\""},
           Row{"csv", "a\"b", "\"a\"\"b\""},
           Row{"csv", "a\nb", "\"a\nb\""},
           Row{"csv", "a\r", "\"a\r\""},
           Row{"csv", "", "\"\""},
           Row{"csv", "NA", "\"NA\""},
           Row{"csv", " a", " a"},
           Row{"csv: {trim: true}", " a", "\" a\""},
           Row{"csv: {comment: '#'}", "#a", "\"#a\""},
           Row{"csv: {delimiter: ';'}", "a,b", "a,b"},
           Row{"csv: {delimiter: ';'}", "a;b", "\"a;b\""},
           Row{"csv: {quote: none}", "a\"b", "a\"b"},
       }) {
    const std::string text =
        Encode(std::string(row.yaml), *Rows(columns, {{row.text, "z"}})).ValueOrDie();
    const size_t line = text.find('\n') + 1;
    EXPECT_EQ(text.substr(line, text.size() - line - 3), row.wanted) << row.text;
  }
  const auto refused = Encode("csv: {quote: none}", *Rows(columns, {{"a,b", "z"}}));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(KindOf(refused.status()), ErrorKind::kBadData);
}

TEST(CsvEncoder, WritesTheHeaderOnceAndAlsoWithoutRows) {
  const std::vector<Column> columns{MakeColumn("a", ColumnType::kInt64),
                                    MakeColumn("b,c", ColumnType::kInt64)};
  const auto rows = Rows(columns, {{"1", "2"}});
  const auto codec = MakeCsv().ValueOrDie();
  const auto encoder = codec->MakeEncoder(rows->schema()).ValueOrDie();
  std::string bytes;
  ASSERT_TRUE(encoder->Encode(*rows, &bytes).ok());
  ASSERT_TRUE(encoder->Encode(*rows, &bytes).ok());
  ASSERT_TRUE(encoder->Finish(&bytes).ok());
  EXPECT_EQ(bytes, "a,\"b,c\"\n1,2\n1,2\n");
  EXPECT_EQ(Encode("csv", *rows->Slice(0, 0)).ValueOrDie(), "a,\"b,c\"\n");
  EXPECT_EQ(Encode("csv: {header: false}", *rows).ValueOrDie(), "1,2\n");
}

TEST(CsvEncoder, WritesSlicesAndOtherUnits) {
  auto type = arrow::timestamp(arrow::TimeUnit::NANO);
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  ASSERT_TRUE(builder.AppendValues({-1, 1'500}).ok());
  const auto rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("t", type)}), 2,
                                             {builder.Finish().ValueOrDie()});
  EXPECT_EQ(Encode("csv: {header: false}", *rows).ValueOrDie(),
            "1969-12-31T23:59:59.999999\n1970-01-01T00:00:00.000001\n");
  EXPECT_EQ(Encode("csv: {header: false}", *rows->Slice(1)).ValueOrDie(),
            "1970-01-01T00:00:00.000001\n");
}

TEST(CsvEncoder, KeepsNullsOfASingleColumn) {
  const std::vector<Column> columns{MakeColumn("a", ColumnType::kString)};
  const auto rows = Rows(columns, {{"x"}, {nullptr}, {""}});
  EXPECT_EQ(Encode("csv", *rows).ValueOrDie(), "a\nx\n\\N\n\"\"\n");
}

TEST(CsvEncoder, RefusesTypesWithoutText) {
  const auto codec = MakeCsv().ValueOrDie();
  for (const auto& type : {arrow::list(arrow::int32()), arrow::binary(),
                           arrow::struct_({arrow::field("x", arrow::int32())})}) {
    const auto encoder = codec->MakeEncoder(arrow::schema({arrow::field("c", type)}));
    ASSERT_FALSE(encoder.ok());
    EXPECT_EQ(KindOf(encoder.status()), ErrorKind::kConfig);
  }
  EXPECT_FALSE(codec->MakeEncoder(arrow::schema({})).ok());
}

// Law: what is written is read back as the same rows, whatever the texts and numbers.
TEST(CsvEncoder, IsReadBackAsTheSameRows) {
  const std::vector<std::string> yamls{"csv", "csv: {delimiter: tab, null_tokens: ['-', 'null']}",
                                       "csv: {trim: true, comment: '#', quote: \"'\"}"};
  Random random(71);
  for (int round = 0; round < 60; ++round) {
    const std::string& yaml = yamls[static_cast<size_t>(round) % yamls.size()];
    std::vector<Column> columns = AllColumns();
    if (round % 5 == 0) columns = {MakeColumn("only", ColumnType::kString)};
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    const int64_t row_count = 50;
    for (const Column& column : columns) {
      const auto builder = ColumnBuilder::Make(column).ValueOrDie();
      for (int64_t row = 0; row < row_count; ++row) {
        std::string text;
        if (random.Below(5) == 0) {
          builder->AppendNull();
        } else if (column.type == ColumnType::kString) {
          for (uint64_t i = random.Below(8); i > 0; --i) {
            const std::string_view parts[] = {"a", "\"", ",",  "\n", "\r", " ",
                                              "#", "'",  "\t", "é",  "NA", "-"};
            text += parts[random.Below(12)];
          }
          ASSERT_TRUE(builder->AppendText(text));
        } else if (column.type == ColumnType::kFloat64) {
          ASSERT_TRUE(builder->AppendDouble(random.Normal() * 1e5));
        } else if (column.type == ColumnType::kFloat32) {
          ASSERT_TRUE(builder->AppendDouble(static_cast<float>(random.Uniform())));
        } else if (column.type == ColumnType::kDate || column.type == ColumnType::kTimestamp) {
          text = "20" + std::to_string(10 + random.Below(90)) + "-0" +
                 std::to_string(1 + random.Below(9)) + "-11";
          ASSERT_TRUE(builder->AppendText(text));
        } else {
          ASSERT_TRUE(builder->AppendInt64(static_cast<int64_t>(random.Below(2))));
        }
      }
      arrays.push_back(builder->Finish().ValueOrDie());
    }
    const auto rows = arrow::RecordBatch::Make(ArrowSchema(columns), row_count, arrays);
    const std::string text = Encode(yaml, *rows).ValueOrDie();
    const auto decoded =
        DecodePartition(*MakeCsv(yaml).ValueOrDie(), MakeOptions(columns), text).ValueOrDie();
    const auto expected = arrow::Table::FromRecordBatches({rows}).ValueOrDie();
    ASSERT_TRUE(decoded.rows->Equals(*expected)) << yaml << "\n" << text;
  }
}

}  // namespace
}  // namespace catchwater
