/// \file
/// For tests: a warehouse in a folder of its own with a real ledger, and short ways to make rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/scan.h"
#include "catchwater/ledger/ledger.h"
#include "catchwater/testing/temporary_folder.h"

namespace catchwater {

/// Stands still until it is moved.
class StillClock final : public Clock {
 public:
  int64_t NowMicros() const override { return now_us; }
  int64_t MonotonicMicros() const override { return now_us; }
  bool SleepMicros(int64_t, std::stop_token) const override { return true; }

  int64_t now_us = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z
};

inline std::shared_ptr<arrow::DataType> TimestampType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

/// Columns: id (long, required), ts (timestamptz), name (string), value (double).
inline std::shared_ptr<arrow::Schema> ReadingsSchema() {
  return arrow::schema({arrow::field("id", arrow::int64(), /*nullable=*/false),
                        arrow::field("ts", TimestampType()), arrow::field("name", arrow::utf8()),
                        arrow::field("value", arrow::float64())});
}

struct LakeReading {
  int64_t id = 0;
  std::optional<int64_t> ts_us;
  std::optional<std::string> name;
  std::optional<double> value;
};

inline std::shared_ptr<arrow::RecordBatch> ReadingsBatch(const std::vector<LakeReading>& readings) {
  arrow::Int64Builder ids;
  arrow::TimestampBuilder times(TimestampType(), arrow::default_memory_pool());
  arrow::StringBuilder names;
  arrow::DoubleBuilder values;
  for (const LakeReading& reading : readings) {
    EXPECT_TRUE(ids.Append(reading.id).ok());
    EXPECT_TRUE((reading.ts_us ? times.Append(*reading.ts_us) : times.AppendNull()).ok());
    EXPECT_TRUE((reading.name ? names.Append(*reading.name) : names.AppendNull()).ok());
    EXPECT_TRUE((reading.value ? values.Append(*reading.value) : values.AppendNull()).ok());
  }
  return arrow::RecordBatch::Make(ReadingsSchema(), static_cast<int64_t>(readings.size()),
                                  {ids.Finish().ValueOrDie(), times.Finish().ValueOrDie(),
                                   names.Finish().ValueOrDie(), values.Finish().ValueOrDie()});
}

class LakeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    files_ = MakeLocalFiles();
    ledger_ = Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
    lake_ = OpenLake({});
  }

  std::unique_ptr<Lake> OpenLake(LakeOptions options) {
    options.warehouse = folder_.path() + "/lake";
    return Lake::Open(*files_, *ledger_, clock_, Random(++seed_), std::move(options)).ValueOrDie();
  }

  /// Readings by day, sorted by (name, ts).
  static TableSpec ReadingsSpec() {
    return {.table_key = "sensors.readings",
            .schema = ReadingsSchema(),
            .partition = {ParsePartitionTerm("day(ts)").ValueOrDie()},
            .sort = {{.column = "name"}, {.column = "ts"}},
            .event_time_column = "ts"};
  }

  std::shared_ptr<const TableState> Ensure(const TableSpec& spec) {
    auto state = lake_->EnsureTable(spec, "test", {});
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ValueOr(nullptr);
  }

  std::vector<WrittenFile> WriteFiles(Lake& lake, const std::shared_ptr<const TableState>& table,
                                      const std::shared_ptr<arrow::RecordBatch>& rows,
                                      PartitionWriterOptions options = {}) {
    auto writer = PartitionWriter::Make(lake, table, options).ValueOrDie();
    EXPECT_EQ(writer->Add(rows), arrow::Status::OK());
    return writer->Close().ValueOrDie();
  }

  CommitRequest AppendRequest(const std::string& table_key, std::vector<WrittenFile> files,
                              std::string positions_json = {}) {
    CommitRequest request;
    request.plan.id = lake_->NewUuid();
    request.plan.actor = "pipeline/test";
    request.appends.push_back({.table_key = table_key,
                               .files = std::move(files),
                               .positions_json = std::move(positions_json)});
    return request;
  }

  /// Writes and commits; the table as it is then.
  std::shared_ptr<const TableState> Append(const std::string& table_key,
                                           const std::vector<LakeReading>& readings) {
    auto table = lake_->LoadTable(table_key).ValueOrDie();
    Committer committer(*lake_);
    auto result = committer.Commit(
        AppendRequest(table_key, WriteFiles(*lake_, table, ReadingsBatch(readings))));
    EXPECT_TRUE(result.ok()) << result.status();
    if (!result.ok()) return nullptr;
    EXPECT_EQ(result->outcome, Outcome::kCommitted);
    return result->tables[table_key];
  }

  /// All rows of the current snapshot, in file order.
  std::shared_ptr<arrow::Table> ReadTable(const TableState& table) {
    auto live = LiveFiles(*lake_, table).ValueOrDie();
    return ReadRows(*lake_, table, live).ValueOrDie()->ToTable().ValueOrDie();
  }

  TemporaryFolder folder_;
  StillClock clock_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Lake> lake_;
  uint64_t seed_ = 0;
};

}  // namespace catchwater
