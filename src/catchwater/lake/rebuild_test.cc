#include "catchwater/lake/rebuild.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

class RebuildTest : public UpkeepTest {
 protected:
  std::string LedgerPath() const { return folder_.path() + "/ledger.sqlite"; }
  std::string Warehouse() const { return folder_.path() + "/lake"; }
  void TakeCopy() {
    Advance(kTestSecondUs);
    ASSERT_TRUE(TakeLedgerCopy(*files_, *ledger_, Warehouse(), folder_.path(), clock_.now_us).ok());
  }
  void Close() {
    lake_.reset();
    ledger_.reset();
  }
  void LoseLedger() {
    Close();
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(LedgerPath() + suffix);
  }
  RebuildReport Rebuild() {
    auto report = RebuildLedger(*files_, clock_, folder_.path(), Warehouse());
    EXPECT_TRUE(report.ok()) << report.status();
    ledger_ = Ledger::Open({.path = LedgerPath()}, clock_).ValueOrDie();
    lake_ = OpenLake({});
    return report.ValueOr({});
  }
};

TEST_F(RebuildTest, GivesBackTheLedgerOfACopyAtTheEnd) {
  AppendMany(5);
  Compact();
  TakeCopy();
  const auto commits = ledger_->TableCommits(kReadings, 0)->size();
  const std::string uuid = ledger_->LedgerUuid().ValueOrDie();
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_FALSE(report.copy.empty());
  EXPECT_TRUE(report.tables.empty());
  EXPECT_TRUE(report.not_rebuilt.empty());
  EXPECT_EQ(ledger_->TableCommits(kReadings, 0)->size(), commits);
  EXPECT_EQ(ledger_->LedgerUuid().ValueOrDie(), uuid);
  EXPECT_EQ(Ids(), IdsUpTo(5));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildTest, RollsATableForwardAlongItsMetadata) {
  AppendMany(3);
  TakeCopy();
  AppendMany(4);
  Compact();
  LoseLedger();
  const RebuildReport report = Rebuild();
  ASSERT_EQ(report.tables.size(), 1U);
  EXPECT_EQ(report.tables[0].rows_rolled_forward, 4);
  EXPECT_EQ(report.tables[0].files_added, 1);
  EXPECT_EQ(report.tables[0].files_removed, 3);
  EXPECT_EQ(report.not_rebuilt, std::vector<std::string>{});
  EXPECT_EQ(Ids(), IdsUpTo(7));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  AppendOne();
  EXPECT_EQ(Ids(), IdsUpTo(8));
}

TEST_F(RebuildTest, FindsATableThatTheCopyDoesNotHave) {
  TakeCopy();
  TableSpec spec = ReadingsSpec();
  spec.table_key = "sensors.later";
  Ensure(spec);
  Append("sensors.later", {{.id = 1, .ts_us = 1}});
  LoseLedger();
  const RebuildReport report = Rebuild();
  ASSERT_EQ(report.tables.size(), 1U);
  EXPECT_EQ(report.tables[0].table_key, "sensors.later");
  EXPECT_EQ(lake_->LoadTable("sensors.later").ValueOrDie()->record_count(), 1);
}

TEST_F(RebuildTest, MovesPositionsThatTheTableKnows) {
  const int64_t id = ledger_->OpenPartition({"p", "file", "a.csv", "1"}).ValueOrDie();
  TakeCopy();
  auto files = WriteFiles(*lake_, Table(), ReadingsBatch({{.id = next_id_++, .ts_us = 1}}));
  auto request = AppendRequest(kReadings, files, "{\"" + std::to_string(id) + "\":120,\"77\":5}");
  request.plan.positions = {
      {.range = {.partition_id = id, .from = {}, .to = {.ordinal = 120, .token = ""}},
       .consumer = "lake"}};
  ASSERT_EQ(Committer(*lake_).Commit(std::move(request))->outcome, Outcome::kCommitted);
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_EQ(report.commits_restored, 1);
  EXPECT_EQ(ledger_->GetPosition(id, "lake")->ordinal, 120U);
  ASSERT_EQ(report.not_rebuilt.size(), 1U);
  EXPECT_NE(report.not_rebuilt[0].find("77"), std::string::npos) << report.not_rebuilt[0];
}

TEST_F(RebuildTest, FencesWhatWasUnderWay) {
  const int64_t epoch = *ledger_->AcquireLease("pipeline/p", "worker-2", 60'000).ValueOrDie();
  TakeCopy();
  LoseLedger();
  Rebuild();
  EXPECT_FALSE(ledger_->RenewLease("pipeline/p", epoch, 60'000).ValueOrDie());
  EXPECT_GT(*ledger_->AcquireLease("pipeline/p", "worker-3", 60'000).ValueOrDie(), epoch + 1'000);
}

TEST_F(RebuildTest, SetsADamagedLedgerAside) {
  AppendMany(2);
  TakeCopy();
  Close();
  std::filesystem::resize_file(LedgerPath(), 5'000);
  const RebuildReport report = Rebuild();
  EXPECT_TRUE(std::filesystem::exists(report.set_aside));
  EXPECT_EQ(Ids(), IdsUpTo(2));
}

TEST_F(RebuildTest, LeavesASoundLedgerAsItIs) {
  AppendMany(2);
  TakeCopy();
  Close();
  EXPECT_EQ(KindOf(RebuildLedger(*files_, clock_, folder_.path(), Warehouse()).status()),
            ErrorKind::kConflict);
}

TEST_F(RebuildTest, PassesOverADamagedCopy) {
  AppendMany(2);
  TakeCopy();
  const auto sound = LedgerCopies(*files_, Warehouse()).ValueOrDie();
  TakeCopy();
  const auto copies = LedgerCopies(*files_, Warehouse()).ValueOrDie();
  std::filesystem::resize_file(copies[0].path, 5'000);
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_EQ(report.copy, sound[0].path);
  EXPECT_EQ(report.not_rebuilt.size(), 1U);
}

TEST_F(RebuildTest, AdoptsTablesWithoutAnyCopyAndSaysWhatIsLost) {
  AppendMany(3);
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_TRUE(report.copy.empty());
  EXPECT_EQ(report.tables.size(), 1U);
  EXPECT_EQ(report.not_rebuilt.size(), 1U);
  EXPECT_EQ(Ids(), IdsUpTo(3));
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildTest, KeepsTheNewestCopiesOnly) {
  for (int i = 0; i < 5; ++i) TakeCopy();
  const auto copies = LedgerCopies(*files_, Warehouse()).ValueOrDie();
  ASSERT_EQ(copies.size(), kLedgerCopiesKept);
  EXPECT_EQ(copies[0].taken_us, clock_.now_us);
  EXPECT_GT(copies[0].taken_us, copies[1].taken_us);
}

}  // namespace
}  // namespace catchwater
