#include "catchwater/lake/partition_writer.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/lake_fixture_test.h"

namespace catchwater {
namespace {

constexpr int64_t kDayUs = 86'400'000'000;
constexpr int64_t kStartUs = 20'454 * kDayUs;  // 2026-01-01

class PartitionWriterTest : public LakeTest {
 protected:
  std::shared_ptr<const TableState> table_;
  std::unique_ptr<PartitionWriter> MakeWriter(const TableSpec& spec,
                                              PartitionWriterOptions options = {}) {
    table_ = Ensure(spec);
    return PartitionWriter::Make(*lake_, table_, options).ValueOrDie();
  }
};

TEST_F(PartitionWriterTest, PutsRowsIntoTheirPartition) {
  auto writer = MakeWriter(ReadingsSpec());
  ASSERT_TRUE(writer
                  ->Add(ReadingsBatch({{.id = 1, .ts_us = kStartUs, .name = "a"},
                                       {.id = 2, .ts_us = kStartUs + kDayUs, .name = "b"},
                                       {.id = 3, .ts_us = std::nullopt, .name = "c"},
                                       {.id = 4, .ts_us = kStartUs + 1, .name = "d"},
                                       {.id = 5, .ts_us = -1, .name = "e"}}))
                  .ok());
  EXPECT_EQ(writer->row_count(), 5);
  const auto written = writer->Close().ValueOrDie();
  std::map<std::string, int64_t> rows;
  for (const WrittenFile& file : written) {
    rows[file.data_file.partition_key] = file.data_file.row_count;
    const std::string path = PathOfUri(file.entry.path).ValueOrDie();
    EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(path)), file.entry.file_byte_count);
    EXPECT_NE(path.find("/data/" + file.data_file.partition_key + "/"), std::string::npos) << path;
  }
  EXPECT_EQ(rows, (std::map<std::string, int64_t>{{"ts_day=2026-01-01", 2},
                                                  {"ts_day=2026-01-02", 1},
                                                  {"ts_day=1969-12-31", 1},
                                                  {"ts_day=null", 1}}));
}

TEST_F(PartitionWriterTest, TellsTheRangeOfEventTimes) {
  auto writer = MakeWriter(ReadingsSpec());
  ASSERT_TRUE(writer
                  ->Add(ReadingsBatch({{.id = 1, .ts_us = kStartUs + 7},
                                       {.id = 2, .ts_us = kStartUs + 3},
                                       {.id = 3, .ts_us = kStartUs + 5}}))
                  .ok());
  const auto written = writer->Close().ValueOrDie();
  ASSERT_EQ(written.size(), 1U);
  EXPECT_EQ(written[0].data_file.event_us_min, kStartUs + 3);
  EXPECT_EQ(written[0].data_file.event_us_max, kStartUs + 7);
}

TEST_F(PartitionWriterTest, IsEmptyAfterCloseAndCanBeUsedAgain) {
  auto writer = MakeWriter(ReadingsSpec());
  ASSERT_TRUE(writer->Add(ReadingsBatch({{.id = 1, .ts_us = kStartUs}})).ok());
  const auto first = writer->Close().ValueOrDie();
  EXPECT_EQ(writer->row_count(), 0);
  EXPECT_EQ(writer->buffered_bytes(), 0);
  EXPECT_EQ(writer->encoded_bytes(), 0);
  EXPECT_TRUE(writer->Close().ValueOrDie().empty());
  ASSERT_TRUE(writer->Add(ReadingsBatch({{.id = 2, .ts_us = kStartUs}})).ok());
  const auto second = writer->Close().ValueOrDie();
  EXPECT_NE(first[0].entry.path, second[0].entry.path);
}

TEST_F(PartitionWriterTest, AbandonLeavesNoFile) {
  auto writer = MakeWriter(ReadingsSpec(), {.open_files_max = 2});
  std::vector<LakeReading> readings;
  for (int64_t day = 0; day < 10; ++day) {
    readings.push_back({.id = day, .ts_us = kStartUs + day * kDayUs});
  }
  ASSERT_TRUE(writer->Add(ReadingsBatch(readings)).ok());
  ASSERT_TRUE(writer->Abandon().ok());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           lake_->TableFolder("sensors.readings") + "/data")) {
    EXPECT_FALSE(entry.is_regular_file()) << entry.path();
  }
}

TEST_F(PartitionWriterTest, BoundsOpenFiles) {
  auto writer = MakeWriter(ReadingsSpec(), {.open_files_max = 3});
  std::vector<LakeReading> readings;
  for (int64_t i = 0; i < 40; ++i) {
    readings.push_back({.id = i, .ts_us = kStartUs + (i % 20) * kDayUs});
  }
  // Row by row the least recently used file makes room each time: no two rows share a file.
  for (const LakeReading& reading : readings)
    ASSERT_TRUE(writer->Add(ReadingsBatch({reading})).ok());
  EXPECT_EQ(writer->Close().ValueOrDie().size(), 40U);
  // At once, rows of a day are together.
  ASSERT_TRUE(writer->Add(ReadingsBatch(readings)).ok());
  EXPECT_EQ(writer->Close().ValueOrDie().size(), 20U);
}

TEST_F(PartitionWriterTest, RollsFilesAtTheTargetSize) {
  auto writer =
      MakeWriter(ReadingsSpec(), {.target_file_bytes = 100'000, .buffered_bytes_max = 20'000});
  std::mt19937_64 random(1);
  int64_t row_count = 0;
  for (int batch = 0; batch < 40; ++batch) {
    std::vector<LakeReading> readings;
    for (int i = 0; i < 1000; ++i) {
      readings.push_back({.id = static_cast<int64_t>(random()),
                          .ts_us = kStartUs + static_cast<int64_t>(random() % kDayUs),
                          .value = static_cast<double>(random())});
    }
    row_count += 1000;
    ASSERT_TRUE(writer->Add(ReadingsBatch(readings)).ok());
    EXPECT_LE(writer->buffered_bytes(), 20'000);
  }
  const auto written = writer->Close().ValueOrDie();
  EXPECT_GE(written.size(), 5U);
  for (const WrittenFile& file : written) {
    row_count -= file.data_file.row_count;
    EXPECT_LE(file.data_file.byte_count, 200'000);
  }
  EXPECT_EQ(row_count, 0);
}

TEST_F(PartitionWriterTest, MarksFilesWhoseRowsAreInOrder) {
  auto writer = MakeWriter(ReadingsSpec());
  const std::vector<LakeReading> sorted = {{.id = 1, .ts_us = kStartUs + 5, .name = std::nullopt},
                                           {.id = 2, .ts_us = kStartUs + 1, .name = "a"},
                                           {.id = 3, .ts_us = kStartUs + 1, .name = "a"},
                                           {.id = 4, .ts_us = kStartUs + 2, .name = "a"}};
  ASSERT_TRUE(writer->Add(ReadingsBatch(sorted)).ok());
  ASSERT_TRUE(writer->Add(ReadingsBatch({{.id = 5, .ts_us = kStartUs, .name = "b"}})).ok());
  EXPECT_EQ(writer->Close().ValueOrDie()[0].entry.sort_order_id, 1);
  ASSERT_TRUE(writer->Add(ReadingsBatch(sorted)).ok());
  ASSERT_TRUE(writer->Add(ReadingsBatch({{.id = 5, .ts_us = kStartUs + 1, .name = "a"}})).ok());
  EXPECT_EQ(writer->Close().ValueOrDie()[0].entry.sort_order_id, 0);
}

TEST_F(PartitionWriterTest, TakesColumnsInAnyOrderNarrowerOrMissing) {
  auto writer = MakeWriter(ReadingsSpec());
  arrow::Int32Builder id;
  ASSERT_TRUE(id.AppendValues({4, 5}).ok());
  arrow::TimestampBuilder ts(TimestampType(), arrow::default_memory_pool());
  ASSERT_TRUE(ts.AppendValues({kStartUs, kStartUs}).ok());
  const auto rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("ts", TimestampType()), arrow::field("id", arrow::int32())}), 2,
      {ts.Finish().ValueOrDie(), id.Finish().ValueOrDie()});
  ASSERT_EQ(writer->Add(rows), arrow::Status::OK());
  // Another schema in the same flush: another file, for its columns are others.
  ASSERT_EQ(writer->Add(ReadingsBatch({{.id = 6, .ts_us = kStartUs, .name = "n"}})),
            arrow::Status::OK());
  auto written = writer->Close().ValueOrDie();
  EXPECT_EQ(written.size(), 2U);
  Committer committer(*lake_);
  auto result = committer.Commit(AppendRequest("sensors.readings", written)).ValueOrDie();
  const auto table = ReadTable(*result.tables["sensors.readings"]);
  EXPECT_EQ(table->num_rows(), 3);
  EXPECT_EQ(table->GetColumnByName("name")->null_count(), 2);
}

TEST_F(PartitionWriterTest, RefusesColumnsThatDoNotFit) {
  auto writer = MakeWriter(ReadingsSpec());
  auto add = [&](const std::shared_ptr<arrow::Schema>& schema) {
    return writer->Add(arrow::RecordBatch::Make(schema, 1, [&] {
      arrow::ArrayVector columns;
      for (const auto& field : schema->fields()) {
        columns.push_back(arrow::MakeArrayOfNull(field->type(), 1).ValueOrDie());
      }
      return columns;
    }()));
  };
  const auto id = arrow::field("id", arrow::int64());
  EXPECT_EQ(KindOf(add(arrow::schema({id, arrow::field("other", arrow::utf8())}))),
            ErrorKind::kConfig);
  EXPECT_EQ(KindOf(add(arrow::schema({id, arrow::field("value", arrow::utf8())}))),
            ErrorKind::kConfig);
  EXPECT_EQ(KindOf(add(arrow::schema({arrow::field("name", arrow::utf8())}))), ErrorKind::kConfig);
}

TEST_F(PartitionWriterTest, BoundsOfWrittenFilesHoldTheirRows) {
  auto writer = MakeWriter(ReadingsSpec());
  ASSERT_TRUE(
      writer
          ->Add(ReadingsBatch(
              {{.id = -5, .ts_us = kStartUs, .name = "ab", .value = 2.5},
               {.id = 9, .ts_us = kStartUs, .name = "a very long name, it is", .value = -0.5}}))
          .ok());
  const auto entry = writer->Close().ValueOrDie()[0].entry;
  ASSERT_EQ(entry.lower_bounds.size(), 4U);
  EXPECT_EQ(entry.lower_bounds[0].second, LiteralToBytes(int64_t{-5}));
  EXPECT_EQ(entry.upper_bounds[0].second, LiteralToBytes(int64_t{9}));
  EXPECT_EQ(entry.lower_bounds[2].second, "a very long name");
  EXPECT_EQ(entry.upper_bounds[2].second, "ab");
  EXPECT_EQ(entry.lower_bounds[3].second, LiteralToBytes(-0.5));
  EXPECT_EQ(entry.value_counts[0], (std::pair<int32_t, int64_t>{1, 2}));
}

// Property: whatever the partitioning and the cuts, every row is in exactly one file of its
// partition, and rows of one partition keep their order.
TEST_F(PartitionWriterTest, NoRowIsLostWhateverTheCuts) {
  const std::vector<std::vector<std::string>> partitionings = {
      {}, {"day(ts)"}, {"hour(ts)", "bucket(4, id)"}, {"truncate(1, name)"}, {"name", "month(ts)"}};
  for (size_t p = 0; p < partitionings.size(); ++p) {
    SCOPED_TRACE(p);
    TableSpec spec = ReadingsSpec();
    spec.table_key = "t.p" + std::to_string(p);
    spec.partition.clear();
    for (const std::string& text : partitionings[p]) {
      spec.partition.push_back(ParsePartitionTerm(text).ValueOrDie());
    }
    auto writer = MakeWriter(spec, {.open_files_max = 5});
    std::mt19937_64 random(p);
    std::set<int64_t> ids;
    for (int batch = 0; batch < 8; ++batch) {
      std::vector<LakeReading> readings;
      for (size_t i = 0; i < random() % 700; ++i) {
        LakeReading reading{.id = static_cast<int64_t>(ids.size())};
        if (random() % 9 != 0) {
          reading.ts_us = kStartUs + static_cast<int64_t>(random() % (3 * kDayUs));
        }
        if (random() % 9 != 0) reading.name = std::string(1, static_cast<char>('a' + random() % 5));
        ids.insert(reading.id);
        readings.push_back(reading);
      }
      ASSERT_EQ(writer->Add(ReadingsBatch(readings)), arrow::Status::OK());
    }
    auto written = writer->Close().ValueOrDie();
    Committer committer(*lake_);
    auto result = committer.Commit(AppendRequest(spec.table_key, written)).ValueOrDie();
    const auto table = result.tables[spec.table_key];
    EXPECT_EQ(table->record_count(), static_cast<int64_t>(ids.size()));
    std::map<std::string, std::vector<int64_t>> ids_of_partition;
    for (const LiveFile& file : LiveFiles(*lake_, *table).ValueOrDie()) {
      auto rows = ReadRows(*lake_, *table, {file}, {"id"}).ValueOrDie()->ToTable().ValueOrDie();
      int64_t before = -1;
      for (const auto& chunk : rows->column(0)->chunks()) {
        const auto& values = static_cast<const arrow::Int64Array&>(*chunk);
        for (int64_t i = 0; i < values.length(); ++i) {
          EXPECT_EQ(ids.erase(values.Value(i)), 1U);
          EXPECT_GT(values.Value(i), before);
          before = values.Value(i);
        }
      }
    }
    EXPECT_TRUE(ids.empty());
  }
}

TEST(SizeTier, CountsFactorsOfEightBelowTheTarget) {
  constexpr int64_t kTarget = 128LL << 20;
  EXPECT_EQ(SizeTier(kTarget, kTarget), -1);
  EXPECT_EQ(SizeTier(96LL << 20, kTarget), -1);
  EXPECT_EQ(SizeTier((96LL << 20) - 1, kTarget), 0);
  EXPECT_EQ(SizeTier(16LL << 20, kTarget), 0);
  EXPECT_EQ(SizeTier((16LL << 20) - 1, kTarget), 1);
  EXPECT_EQ(SizeTier(2LL << 20, kTarget), 1);
  EXPECT_EQ(SizeTier((2LL << 20) - 1, kTarget), 2);
  EXPECT_EQ(SizeTier(0, kTarget), 6);
}

}  // namespace
}  // namespace catchwater
