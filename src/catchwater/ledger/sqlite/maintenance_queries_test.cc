#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

class MaintenanceQueriesTest : public LedgerTest {
 protected:
  /// A table of files a, b, c; the second commit removes a.
  void MakeTable() {
    CommitPlan first = Plan();
    first.tables = {Append("", "m1", {File("file:///a"), File("file:///b"), File("file:///c")})};
    first.tables[0].snapshot_id = 11;
    ASSERT_EQ(Commit(first), Outcome::kCommitted);
    CommitPlan second = Plan();
    second.tables = {Append("m1", "m2", {})};
    second.tables[0].operation = "delete";
    second.tables[0].snapshot_id = 12;
    second.tables[0].rows_removed = 10;
    second.tables[0].removed = {"file:///a"};
    ASSERT_EQ(Commit(second), Outcome::kCommitted);
  }
  std::vector<DataFileRecord> Removed(RemovedCursor after = {}) {
    return ledger_->RemovedDataFiles("db.t", after, 10).ValueOrDie();
  }
  void SwapAsForeign(const std::string& next) {
    Sql("UPDATE iceberg_tables SET metadata_location = '" + next + "'");
  }
};

TEST_F(MaintenanceQueriesTest, ListsARemovedFileUntilItIsQueued) {
  MakeTable();
  const auto removed = Removed();
  ASSERT_EQ(removed.size(), 1U);
  EXPECT_EQ(removed[0].file.path, "file:///a");
  EXPECT_TRUE(Removed({.removed_seq = *removed[0].removed_seq, .id = removed[0].id}).empty());
  ASSERT_TRUE(ledger_
                  ->QueueUnlink({{.path = "/a",
                                  .table_key = "db.t",
                                  .not_before_us = 0,
                                  .data_file_id = removed[0].id}})
                  .ok());
  EXPECT_TRUE(Removed().empty());
  EXPECT_EQ(ledger_->QueuedUnlinks({"/a", "/b"}).ValueOrDie(), std::vector<std::string>{"/a"});
}

TEST_F(MaintenanceQueriesTest, HoldsARemovedFileBackForASinkThatLacksIt) {
  MakeTable();
  Sql("INSERT INTO delivery VALUES ('pg', 'db.t', 0, 0, 0, 'live', NULL)");
  EXPECT_TRUE(Removed().empty());
  Sql("UPDATE delivery SET state = 'resync'");
  EXPECT_EQ(Removed().size(), 1U);
}

TEST_F(MaintenanceQueriesTest, PlacesSnapshotsByTheirCommits) {
  MakeTable();
  const auto commits = ledger_->TableCommits("db.t", 0).ValueOrDie();
  const std::vector<std::pair<int64_t, int64_t>> want{{12, commits[1].seq}, {11, commits[0].seq}};
  EXPECT_EQ(ledger_->SnapshotSeqs("db.t", {12, 99, 11}).ValueOrDie(), want);
  EXPECT_TRUE(ledger_->SnapshotSeqs("db.other", {11}).ValueOrDie().empty());
}

TEST_F(MaintenanceQueriesTest, TellsFilesThatItNeverHad) {
  MakeTable();
  EXPECT_EQ(ledger_->UnknownDataFiles({"file:///a", "file:///x", "file:///b"}).ValueOrDie(),
            std::vector<std::string>{"file:///x"});
}

TEST_F(MaintenanceQueriesTest, CountsRowsOfForeignCommitsApart) {
  MakeTable();
  SwapAsForeign("m3");
  EXPECT_EQ(ledger_->RowCounts("db.t")->unread_commits, 1);
  const auto unread = ledger_->UnreadForeignCommits(10).ValueOrDie();
  ASSERT_EQ(unread.size(), 1U);
  EXPECT_EQ(unread[0].metadata_location, "m3");
  EXPECT_EQ(unread[0].previous_location, "m2");
  PointerSwap did = Append("m2", "m3", {File("file:///d", 4)});
  ASSERT_TRUE(ledger_->RecordForeignCommit("m3", did).ok());
  const auto counts = ledger_->RowCounts("db.t").ValueOrDie();
  EXPECT_EQ(counts.rows_added, 34);
  EXPECT_EQ(counts.rows_removed, 10);
  EXPECT_EQ(counts.foreign_rows_added, 4);
  EXPECT_EQ(counts.foreign_commits, 1);
  EXPECT_EQ(counts.unread_commits, 0);
  EXPECT_TRUE(ledger_->UnreadForeignCommits(10)->empty());
}

TEST_F(MaintenanceQueriesTest, CountsRowsOfPrunedCommitsToo) {
  MakeTable();
  clock_.Advance(1'000'000);
  CommitPlan third = Plan();
  third.tables = {Append("m2", "m3", {File("file:///d")})};
  ASSERT_EQ(Commit(third), Outcome::kCommitted);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_EQ(ledger_->TableCommits("db.t", 0)->size(), 1U);
  EXPECT_EQ(ledger_->RowCounts("db.t")->rows_added, 40);
  EXPECT_EQ(ledger_->RowCounts("db.t")->rows_removed, 10);
}

TEST_F(MaintenanceQueriesTest, ARollBackBringsRemovedFilesBack) {
  MakeTable();
  ASSERT_TRUE(ledger_
                  ->QueueUnlink({{.path = "/a",
                                  .table_key = "db.t",
                                  .not_before_us = 0,
                                  .data_file_id = Removed()[0].id}})
                  .ok());
  SwapAsForeign("m3");
  ASSERT_TRUE(ledger_->RecordForeignCommit("m3", Append("m2", "m3", {File("file:///a")})).ok());
  EXPECT_EQ(ledger_->DataFiles({.live_only = true})->size(), 3U);
  EXPECT_TRUE(ledger_->DueUnlinks(10)->empty()) << "it must not be unlinked";
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(MaintenanceQueriesTest, FindsFilesByTheirLatestEvent) {
  CommitPlan plan = Plan();
  plan.tables = {
      Append("", "m1", {File("file:///old"), File("file:///new"), File("file:///none")})};
  plan.tables[0].added[1].event_us_max = 900;
  plan.tables[0].added[2].event_us_max.reset();
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const auto old = ledger_->DataFiles({.event_us_max_below = 900}).ValueOrDie();
  ASSERT_EQ(old.size(), 1U);
  EXPECT_EQ(old[0].file.path, "file:///old");
}

TEST_F(MaintenanceQueriesTest, FencesAllLeases) {
  const Fence a = TakeLease("a");
  TakeLease("b");
  ASSERT_TRUE(ledger_->FenceAll(5).ok());
  for (const LeaseRecord& lease : ledger_->Leases().ValueOrDie()) {
    EXPECT_EQ(lease.owner, "");
    EXPECT_EQ(lease.epoch, a.epoch + 5);
  }
  EXPECT_FALSE(ledger_->RenewLease(a.lease, a.epoch, 1'000).ValueOrDie());
}

}  // namespace
}  // namespace catchwater
