#include "catchwater/pipeline/maintenance.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

class MaintenanceTest : public UpkeepTest {
 protected:
  void SetUp() override {
    UpkeepTest::SetUp();
    dead_letters_ = ReadingsSpec();
    dead_letters_.table_key = "sensors.readings__dead_letters";
    Ensure(dead_letters_);
  }

  std::shared_ptr<const PipelinePlan> Plan(std::optional<int64_t> retain_ms = std::nullopt) {
    PipelinePlan plan;
    plan.name = "sensors";
    plan.lake = LakePlan{};
    plan.lake->table = ReadingsSpec();
    plan.lake->dead_letters = dead_letters_;
    plan.lake->retain_ms = retain_ms;
    return std::make_shared<const PipelinePlan>(std::move(plan));
  }
  void Start(std::shared_ptr<const PipelinePlan> plan) {
    maintenance_ = std::make_unique<Maintenance>(
        *lake_, std::vector<std::shared_ptr<const PipelinePlan>>{std::move(plan)},
        MaintenanceOptions{.owner = owner_, .spill_folder = folder_.path() + "/tmp"});
  }
  arrow::Status RunOnce(bool is_last = false) { return maintenance_->RunOnce({}, is_last); }

  TableSpec dead_letters_;
  std::unique_ptr<Maintenance> maintenance_;
};

TEST_F(MaintenanceTest, WritesNothingWhenNothingIsDue) {
  AppendMany(2);
  Start(Plan());
  ASSERT_TRUE(RunOnce().ok());
  const int64_t seq = ledger_->Catalog()->seq;
  const auto files = FilesOnDisk();
  for (int i = 0; i < 5; ++i) {
    Advance(5 * kTestSecondUs);
    ASSERT_TRUE(RunOnce().ok());
  }
  EXPECT_EQ(ledger_->Catalog()->seq, seq);
  EXPECT_EQ(FilesOnDisk(), files);
}

TEST_F(MaintenanceTest, MergesWhatGatheredLongEnough) {
  AppendMany(5);
  Start(Plan());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Table()->data_file_count(), 5);
  Advance(61 * kTestSecondUs);
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(Table()->data_file_count(), 1);
  EXPECT_EQ(maintenance_->Report().merges, 1);
}

TEST_F(MaintenanceTest, DoesNotWaitAtTheEndOfARun) {
  AppendMany(3);
  Start(Plan());
  ASSERT_TRUE(RunOnce(/*is_last=*/true).ok());
  EXPECT_EQ(Table()->data_file_count(), 1);
  EXPECT_EQ(LedgerCopies(*files_, lake_->options().warehouse)->size(), 1U);
  const int64_t copies = maintenance_->FullReport().ledger_copies;
  ASSERT_TRUE(RunOnce(/*is_last=*/true).ok());
  EXPECT_EQ(maintenance_->FullReport().ledger_copies, copies) << "nothing changed since the copy";
}

TEST_F(MaintenanceTest, ReadsForeignCommits) {
  AppendOne();
  AppendAsForeign(3);
  Start(Plan());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(maintenance_->FullReport().foreign_commits, 1);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(MaintenanceTest, RetiresExpiresAndUnlinksInTheEnd) {
  lake_ = OpenLake(ShortHistory());
  AppendMany(3, /*day=*/10);
  AppendMany(6, /*day=*/0);
  Start(Plan(/*retain_ms=*/5 * 86'400'000));
  for (int minute = 0; minute < 40; ++minute) {
    ASSERT_TRUE(RunOnce().ok());
    Advance(61 * kTestSecondUs);
  }
  const MaintenanceReport report = maintenance_->FullReport();
  EXPECT_EQ(report.files_retired, 3);
  EXPECT_EQ(report.rows_retired, 3);
  EXPECT_GT(report.snapshots_expired, 0);
  EXPECT_EQ(report.failures, 0);
  EXPECT_EQ(CountOnDisk(".parquet"), 1);
  EXPECT_GE(report.ledger_copies, 1);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(MaintenanceTest, SweepsOrphansAgainWhenALeaseOfAnotherProcessEnds) {
  const int64_t epoch = *ledger_->AcquireLease("pipeline/sensors", "killed", 15'000).ValueOrDie();
  WriteFiles(*lake_, Table(), ReadingsBatch({{.id = 1}}),
             {.lease = "pipeline/sensors", .epoch = epoch});
  Start(Plan());
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(CountOnDisk(".parquet"), 1) << "its lease holds still";
  Advance(16 * kTestSecondUs);
  ASSERT_TRUE(RunOnce().ok());
  EXPECT_EQ(CountOnDisk(".parquet"), 0);
  EXPECT_EQ(maintenance_->FullReport().orphans_removed, 1);
}

TEST_F(MaintenanceTest, ATableThatFailsDoesNotStopTheOthers) {
  AppendMany(5);
  const std::string broken = lake_->LoadTable(dead_letters_.table_key).ValueOrDie()->location;
  std::filesystem::remove(PathOfUri(broken).ValueOrDie());
  lake_ = OpenLake({});
  Start(Plan());
  Advance(61 * kTestSecondUs);
  EXPECT_FALSE(RunOnce().ok());
  EXPECT_EQ(Table()->data_file_count(), 1);
  EXPECT_GT(maintenance_->FullReport().failures, 0);
}

TEST_F(MaintenanceTest, LeavesTablesOfOthersAlone) {
  TableSpec other = ReadingsSpec();
  other.table_key = "theirs.readings";
  Ensure(other);
  for (int i = 0; i < 6; ++i) Append("theirs.readings", {{.id = i, .ts_us = clock_.now_us}});
  Start(Plan());
  Advance(2 * 3'600 * kTestSecondUs);
  ASSERT_TRUE(RunOnce(/*is_last=*/true).ok());
  const auto table = lake_->LoadTable("theirs.readings").ValueOrDie();
  EXPECT_EQ(table->data_file_count(), 6);
  EXPECT_EQ(table->metadata->snapshots.size(), 6U);
}

}  // namespace
}  // namespace catchwater
