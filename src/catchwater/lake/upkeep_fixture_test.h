/// \file
/// For tests of upkeep: a table with many small files, commits of other programs, steps that kill.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "catchwater/lake/append_change.h"
#include "catchwater/lake/compactor.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/lake/verify_table.h"

namespace catchwater {

inline constexpr char kReadings[] = "sensors.readings";
inline constexpr int64_t kTestSecondUs = 1'000'000;
inline constexpr int64_t kTestDayUs = 86'400 * kTestSecondUs;

/// Snapshots go after five minutes, so that a test sees their files go.
inline LakeOptions ShortHistory(std::string warehouse = {}) {
  return {.warehouse = std::move(warehouse),
          .ladder = {.all_ms = 300'000, .by_minute_ms = 300'000, .by_hour_ms = 300'000}};
}

class UpkeepTest : public LakeTest {
 protected:
  void SetUp() override {
    LakeTest::SetUp();
    Ensure(ReadingsSpec());
  }

  /// One commit of one file: a reading of the day.
  void AppendOne(int64_t day = 0) {
    const int64_t id = next_id_++;
    Append(kReadings, {{.id = id,
                        .ts_us = clock_.now_us - day * kTestDayUs,
                        .name = "s" + std::to_string(id % 3),
                        .value = static_cast<double>(id)}});
  }
  void AppendMany(int count, int64_t day = 0) {
    for (int i = 0; i < count; ++i) AppendOne(day);
  }

  CompactionReport Compact(CompactionPolicy policy = {}) {
    policy.table_key = kReadings;
    policy.gather_ms = 0;
    Compactor compactor(*lake_, owner_, folder_.path() + "/spill");
    auto report = compactor.Run(policy, {});
    EXPECT_TRUE(report.ok()) << report.status();
    return report.ValueOr({});
  }

  std::shared_ptr<const TableState> Table() { return lake_->LoadTable(kReadings).ValueOrDie(); }

  /// Ids of all rows, ascending.
  std::multiset<int64_t> Ids() {
    std::multiset<int64_t> ids;
    const auto table = ReadTable(*Table());
    const auto column = table->GetColumnByName("id");
    for (const auto& chunk : column->chunks()) {
      const auto& values = static_cast<const arrow::Int64Array&>(*chunk);
      for (int64_t i = 0; i < values.length(); ++i) ids.insert(values.Value(i));
    }
    return ids;
  }
  std::multiset<int64_t> IdsUpTo(int64_t count) {
    std::multiset<int64_t> ids;
    for (int64_t id = 0; id < count; ++id) ids.insert(id);
    return ids;
  }

  std::vector<std::string> Violations() {
    std::vector<std::string> all = ledger_->CheckInvariants().ValueOrDie();
    const auto verdict = VerifyTable(*lake_, kReadings, {.reads_footers = true});
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    if (verdict.ok()) {
      all.insert(all.end(), verdict->violations.begin(), verdict->violations.end());
    }
    return all;
  }

  std::vector<DataFileRecord> DataFiles(WorkQuery query = {}) {
    return ledger_->DataFiles(query).ValueOrDie();
  }

  /// Every file below the table's folder.
  std::set<std::string> FilesOnDisk() {
    std::set<std::string> paths;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(lake_->TableFolder(kReadings))) {
      if (entry.is_regular_file()) paths.insert(entry.path().string());
    }
    return paths;
  }
  int64_t CountOnDisk(const std::string& suffix) {
    int64_t count = 0;
    for (const std::string& path : FilesOnDisk()) count += path.ends_with(suffix) ? 1 : 0;
    return count;
  }

  /// Runs SQL on the ledger as another program would.
  void ForeignSql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() + "/ledger.sqlite").c_str(), &database), SQLITE_OK);
    sqlite3_busy_timeout(database, 5000);
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message == nullptr ? "" : message);
    sqlite3_free(message);
    sqlite3_close(database);
  }

  /// Points the catalog to another metadata file, as pyiceberg's SqlCatalog does.
  void SwapAsForeign(const std::string& next) {
    ForeignSql(
        "UPDATE iceberg_tables SET previous_metadata_location = metadata_location, "
        "metadata_location = '" +
        next + "' WHERE table_name = 'readings'");
  }

  /// Prepares a change on the current state and commits it past our ledger calls.
  std::shared_ptr<const TableState> CommitAsForeign(TableChange& change) {
    const auto base = Table();
    const CommitStamp stamp{
        .commit_id = "foreign", .actor = "other", .lease = "", .now_us = clock_.now_us};
    auto prepared = change.Prepare(base, stamp).ValueOrDie();
    SwapAsForeign(prepared->swap.next);
    return prepared->next;
  }
  void AppendAsForeign(int64_t count) {
    std::vector<LakeReading> readings;
    for (int64_t i = 0; i < count; ++i) {
      readings.push_back({.id = next_id_++, .ts_us = clock_.now_us, .name = "f", .value = 1.0});
    }
    const auto files = WriteFiles(*lake_, Table(), ReadingsBatch(readings));
    AppendChange change(*lake_, kReadings, files, "");
    CommitAsForeign(change);
  }

  void Advance(int64_t duration_us) { clock_.now_us += duration_us; }

  int64_t next_id_ = 0;
  std::string owner_ = "worker-1";
};

}  // namespace catchwater
