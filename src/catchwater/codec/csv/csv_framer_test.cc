#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/codec/csv/csv_header_internal.h"
#include "catchwater/codec/csv/csv_record_internal.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

std::unique_ptr<Framer> MakeFramer(std::string_view yaml, std::vector<Column> columns,
                                   int64_t frame_bytes_max = 16 << 20) {
  DecodeOptions options = MakeOptions(std::move(columns));
  options.frame_bytes_max = frame_bytes_max;
  return MakeCsv(yaml).ValueOrDie()->MakeFramer(options).ValueOrDie();
}

std::unique_ptr<Framer> MakeFramer(std::string_view yaml = "csv") {
  return MakeFramer(yaml, {MakeColumn("a", ColumnType::kString)});
}

TEST(CsvFramer, ReadsTheHead) {
  struct Row {
    std::string_view yaml;
    std::string_view bytes;
    bool is_end;
    bool needs_more;
    int64_t byte_count;
    int64_t line_count;
  };
  for (const Row& row : {
           Row{"csv", "a,b\nx,1\n", false, false, 4, 1},
           Row{"csv", "\n\na,b\r\nx,1\n", false, false, 7, 3},
           Row{"csv",
               "\xEF\xBB\xBF"
               "a\nx\n",
               false, false, 5, 1},
           Row{"csv", "\"a\",\"b\nc\"\nx", false, false, 10, 2},
           Row{"csv", "", false, true, 0, 0},
           Row{"csv", "\xEF\xBB", false, true, 0, 0},
           Row{"csv", "a,b", false, true, 0, 0},
           Row{"csv", "\"a\"", false, true, 0, 0},
           Row{"csv", "a,\"b\nc", false, true, 0, 0},
           Row{"csv", "a,b", true, false, 3, 0},
           Row{"csv", "", true, false, 0, 0},
           Row{"csv: {skip_rows: 2}", "1\n2\na\nx\n", false, false, 6, 3},
           Row{"csv: {skip_rows: 2}", "1\n2", false, true, 0, 0},
           Row{"csv: {skip_rows: 2}", "1\n2", true, false, 3, 1},
           Row{"csv: {comment: '#'}", "#x\na\n", false, false, 5, 2},
           Row{"csv: {header: false}", "x,1\n", false, false, 0, 0},
           Row{"csv: {header: false}", "\xEF\xBB\xBFx,1\n", false, false, 3, 0},
           Row{"csv: {header: false}", "x,1", false, true, 0, 0},
       }) {
    const auto head = MakeFramer(row.yaml)->ReadHead(row.bytes, row.is_end);
    ASSERT_TRUE(head.ok()) << row.bytes << head.status();
    EXPECT_EQ(head->needs_more, row.needs_more) << row.bytes;
    EXPECT_EQ(head->byte_count, row.byte_count) << row.bytes;
    EXPECT_EQ(head->line_count, row.line_count) << row.bytes;
  }
}

TEST(CsvFramer, RefusesFilesThatCannotBeRight) {
  struct Row {
    std::string_view bytes;
    std::string_view part;
  };
  const std::vector<Column> columns{MakeColumn("sensor_id", ColumnType::kString),
                                    MakeColumn("value", ColumnType::kString)};
  for (const Row& row : {
           Row{"sensor,value\n", "no such column: sensor_id"},
           Row{"sensor_ids,value\n", "did you mean sensor_ids?"},
           Row{"sensor_id;value\n", "it has: sensor_id;value"},
           Row{"Sensor_id,value\n", "no such column"},
           Row{" sensor_id,value\n", "no such column"},
           Row{"sensor_id,value,value\n", "twice, write its place (`from: \"#3\"`): value"},
           Row{"sensor_id,\"value\n", "never closed"},
           Row{"sensor_id,v\"alue\n", "quote"},
           Row{std::string_view("\xFF\xFEs\0e\0", 6), "UTF-16"},
       }) {
    const auto head = MakeFramer("csv", columns)->ReadHead(row.bytes, true);
    ASSERT_FALSE(head.ok()) << row.bytes;
    EXPECT_EQ(KindOf(head.status()), ErrorKind::kBadData);
    EXPECT_NE(head.status().message().find(row.part), std::string::npos) << head.status();
  }
}

TEST(CsvFramer, BoundsTheHeader) {
  const auto framer = MakeFramer("csv", {MakeColumn("a", ColumnType::kString)}, 100);
  EXPECT_TRUE(framer->ReadHead(std::string(100, 'a'), false)->needs_more);
  const auto head = framer->ReadHead(std::string(101, 'a'), false);
  ASSERT_FALSE(head.ok());
  EXPECT_NE(head.status().message().find("frame_bytes_max"), std::string::npos);
}

TEST(CsvFramer, CutsBehindTheLastWholeRecord) {
  struct Row {
    std::string_view yaml;
    std::string_view bytes;
    int64_t cut;
  };
  for (const Row& row : {
           Row{"csv", "", 0},
           Row{"csv", "a,b", 0},
           Row{"csv", "a,b\n", 4},
           Row{"csv", "a,b\nc", 4},
           Row{"csv", "a,\"b\nc", 0},
           Row{"csv", "a,\"b\nc\"\nd", 8},
           Row{"csv", "a,\"b\nc\"", 0},
           Row{"csv", "x\na,\"b\nc\"\"\n", 2},
           Row{"csv", "x\na\"b\nc\nd", 8},
           Row{"csv", "x\n\"a\"b\"\nc\nd", 10},
           Row{"csv: {quote: none}", "a,\"b\nc", 5},
           Row{"csv: {comment: '#'}", "#\"\na\n#\"b", 5},
       }) {
    EXPECT_EQ(MakeFramer(row.yaml)->Cut(row.bytes, false), row.cut) << row.bytes;
    EXPECT_EQ(MakeFramer(row.yaml)->Cut(row.bytes, true), static_cast<int64_t>(row.bytes.size()));
  }
}

// Law: the quick cut is where a reader of single records would stop.
TEST(CsvFramer, CutsWhereSingleRecordsEnd) {
  Random random(61);
  const auto framer = MakeFramer();
  const CsvDialect dialect;
  CsvRecord record;
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    // Regular texts mostly, with quotes that close; then anything.
    for (uint64_t i = random.Below(60); i > 0; --i) {
      const std::string_view parts[] = {"abc",         ",",          "\n", "\r\n",
                                        ",\"x\"\"y\"", ",\"\n,\"\n", "\""};
      text += parts[random.Below(round % 2 == 0 ? 6 : 7)];
    }
    size_t end = 0;
    while (end < text.size()) {
      ScanCsvRecord(text, end, dialect, /*is_end=*/false, record);
      if (record.kind == CsvRecord::Kind::kUnfinished ||
          record.kind == CsvRecord::Kind::kOpenQuote) {
        break;
      }
      end = record.end;
    }
    ASSERT_EQ(framer->Cut(text, false), static_cast<int64_t>(end)) << text;
  }
}

TEST(CsvFramer, ResynchronisesBehindALineEnd) {
  const auto framer = MakeFramer();
  EXPECT_EQ(framer->Resync("abc\ndef"), 4);
  EXPECT_EQ(framer->Resync("\n"), 1);
  EXPECT_EQ(framer->Resync("abc"), -1);
  EXPECT_EQ(framer->Resync(""), -1);
  EXPECT_TRUE(framer->is_line_based());
}

}  // namespace
}  // namespace catchwater
