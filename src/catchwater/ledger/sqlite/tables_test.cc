#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class TablesTest : public LedgerTest {
 protected:
  TablesTest() {
    CommitPlan plan = Plan();
    plan.tables = {Append("", "m1", {File("f1", 10), File("f2", 20)})};
    EXPECT_EQ(Commit(plan), Outcome::kCommitted);
  }
  void ForeignUpdate(const std::string& from, const std::string& to) {
    EXPECT_THAT(Sql("UPDATE iceberg_tables SET metadata_location = '" + to +
                    "', previous_metadata_location = '" + from +
                    "' WHERE catalog_name = 'catchwater' AND table_namespace = 'db' AND "
                    "table_name = 't' AND metadata_location = '" +
                    from + "'"),
                IsEmpty());
  }
  std::vector<std::string> LivePaths() {
    std::vector<std::string> paths;
    for (const auto& file : ledger_->DataFiles({.live_only = true}).ValueOrDie()) {
      paths.push_back(file.file.path);
    }
    return paths;
  }
};

TEST_F(TablesTest, TheCatalogShowsAllTablesAtOneInstant) {
  CommitPlan plan = Plan();
  plan.tables = {Append("", "n1", {})};
  plan.tables[0].table_key = "deep.space.t";
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const auto view = ledger_->Catalog().ValueOrDie();
  EXPECT_EQ(view.seq, 2);
  EXPECT_THAT(view.metadata_location, ElementsAre(Pair("db.t", "m1"), Pair("deep.space.t", "n1")));
  EXPECT_THAT(Sql("SELECT table_namespace, table_name, iceberg_type FROM iceberg_tables "
                  "WHERE metadata_location = 'n1'"),
              ElementsAre("deep.space|t|TABLE"));
  EXPECT_THAT(Sql("SELECT namespace FROM iceberg_namespace_properties ORDER BY 1"),
              ElementsAre("db", "deep.space"));
}

TEST_F(TablesTest, CommitsOfATableAreListed) {
  CommitPlan plan = Plan();
  plan.tables = {Append("m1", "m2", {File("f3", 5)})};
  plan.tables[0].removed = {"f1"};
  plan.tables[0].rows_removed = 10;
  plan.tables[0].operation = "overwrite";
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const auto commits = ledger_->TableCommits("db.t", 1).ValueOrDie();
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].commit_id, plan.id);
  EXPECT_EQ(commits[0].actor, "pipeline/p");
  EXPECT_EQ(commits[0].operation, "overwrite");
  EXPECT_EQ(commits[0].metadata_location, "m2");
  EXPECT_EQ(commits[0].rows_removed, 10);
  EXPECT_THAT(LivePaths(), ElementsAre("f2", "f3"));
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(TablesTest, OurCommitsDoNotFireTheForeignTrigger) {
  EXPECT_THAT(Sql("SELECT count(*) FROM commit_log WHERE actor = 'foreign'"), ElementsAre("0"));
}

TEST_F(TablesTest, ACommitOfAnotherProgramIsRecorded) {
  ForeignUpdate("m1", "x2");
  EXPECT_EQ(ledger_->Catalog().ValueOrDie().seq, 2);
  const auto commits = ledger_->TableCommits("db.t", 1).ValueOrDie();
  ASSERT_EQ(commits.size(), 1u);
  EXPECT_EQ(commits[0].operation, "foreign");
  EXPECT_EQ(commits[0].metadata_location, "x2");
  EXPECT_FALSE(commits[0].rows_added);
  EXPECT_EQ(ledger_->Feed(1, 10).ValueOrDie().at(0).kind, "foreign_commit");
  EXPECT_THAT(Violations(), IsEmpty()) << "foreign, not yet read, is no violation";
  CommitPlan stale = Plan();
  stale.tables = {Append("m1", "m2", {})};
  EXPECT_EQ(Commit(stale), Outcome::kPointerMoved);
}

TEST_F(TablesTest, TheWatcherFillsAForeignCommitOnce) {
  ForeignUpdate("m1", "x2");
  PointerSwap did = Append("m1", "x2", {File("y1", 7)});
  did.removed = {"f1"};
  did.rows_removed = 10;
  ASSERT_TRUE(ledger_->RecordForeignCommit("x2", did).ok());
  ASSERT_TRUE(ledger_->RecordForeignCommit("x2", did).ok()) << "a second watcher";
  EXPECT_THAT(LivePaths(), ElementsAre("f2", "y1"));
  const auto files = ledger_->DataFiles({.path_contains = "y1"}).ValueOrDie();
  EXPECT_EQ(files.at(0).added_by, "foreign");
  EXPECT_EQ(files.at(0).added_seq, 2);
  EXPECT_EQ(ledger_->TableCommits("db.t", 1).ValueOrDie()[0].rows_added, 7);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(TablesTest, AForeignReplaceIsKeptFromSinks) {
  ForeignUpdate("m1", "x2");
  PointerSwap did = Append("m1", "x2", {File("y1", 30)});
  did.operation = "replace";
  did.removed = {"f1", "f2"};
  did.rows_removed = 30;
  ASSERT_TRUE(ledger_->RecordForeignCommit("x2", did).ok());
  EXPECT_EQ(ledger_->DataFiles({.path_contains = "y1"}).ValueOrDie().at(0).added_by, "replace");
}

TEST_F(TablesTest, AForeignCommitThatDoesNotFitIsRefusedWhole) {
  ForeignUpdate("m1", "x2");
  PointerSwap did = Append("m1", "x2", {File("y1", 7)});
  did.removed = {"unknown"};
  const auto before = Dump();
  EXPECT_EQ(KindOf(ledger_->RecordForeignCommit("x2", did)), ErrorKind::kNotFound);
  EXPECT_EQ(KindOf(ledger_->RecordForeignCommit("m1", did)), ErrorKind::kNotFound) << "it is ours";
  EXPECT_EQ(KindOf(ledger_->RecordForeignCommit("none", did)), ErrorKind::kNotFound);
  EXPECT_EQ(Dump(), before);
}

TEST_F(TablesTest, TablesOfOtherProgramsAreSeenFromTheirCreationToTheirDrop) {
  Sql("INSERT INTO iceberg_tables VALUES ('catchwater', 'db', 'theirs', 'z1', NULL, 'TABLE')");
  EXPECT_EQ(ledger_->TablePointer("db.theirs").ValueOrDie(), "z1");
  PointerSwap did = Append("", "z1", {File("zf", 3)});
  did.table_key = "db.theirs";
  ASSERT_TRUE(ledger_->RecordForeignCommit("z1", did).ok());
  EXPECT_THAT(Violations(), IsEmpty());
  EXPECT_THAT(Sql("DELETE FROM iceberg_tables WHERE table_name = 'theirs'"), IsEmpty());
  EXPECT_EQ(ledger_->TablePointer("db.theirs").ValueOrDie(), std::nullopt);
  EXPECT_THAT(LivePaths(), ElementsAre("f1", "f2"));
  EXPECT_EQ(ledger_->Feed(2, 10).ValueOrDie().at(0).kind, "foreign_drop");
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(TablesTest, OurTablesCannotBeDroppedAndNoneRenamed) {
  EXPECT_THAT(Sql("DELETE FROM iceberg_tables").at(0), HasSubstr("cannot be dropped"));
  EXPECT_THAT(Sql("UPDATE iceberg_tables SET table_name = 'u'").at(0), HasSubstr("renamed"));
  EXPECT_EQ(ledger_->TablePointer("db.t").ValueOrDie(), "m1");
}

TEST_F(TablesTest, OtherCatalogsAndViewsAreNotOurs) {
  Sql("INSERT INTO iceberg_tables VALUES ('other', 'db', 'x', 'z1', NULL, 'TABLE')");
  Sql("INSERT INTO iceberg_tables VALUES ('catchwater', 'db', 'v', 'z2', NULL, 'VIEW')");
  EXPECT_EQ(ledger_->TablePointer("db.x").ValueOrDie(), std::nullopt);
  EXPECT_EQ(ledger_->TablePointer("db.v").ValueOrDie(), std::nullopt);
  EXPECT_EQ(ledger_->Catalog().ValueOrDie().metadata_location.size(), 1u);
}

// --- Data files as work ---

class DataFilesTest : public TablesTest {
 protected:
  std::vector<int64_t> Ids() {
    std::vector<int64_t> ids;
    for (const auto& file : ledger_->DataFiles({.live_only = true}).ValueOrDie()) {
      ids.push_back(file.id);
    }
    return ids;
  }
  WorkState StateOf(int64_t id) {
    for (const auto& file : ledger_->DataFiles({}).ValueOrDie()) {
      if (file.id == id) return file.state;
    }
    return WorkState::kFailed;
  }
  // One file of target size in place of f1 and f2.
  CommitPlan Merge(const Fence& fence) {
    CommitPlan plan = Plan();
    plan.fences = {fence};
    plan.tables = {Append("m1", "m2", {File("merged", 30, -1)})};
    plan.tables[0].operation = "replace";
    plan.tables[0].removed = {"f1", "f2"};
    plan.tables[0].rows_removed = 30;
    for (const int64_t id : Ids()) {
      plan.work.push_back(
          {.kind = WorkMove::Kind::kData, .id = id, .lease = fence.lease, .epoch = fence.epoch});
    }
    return plan;
  }
};

TEST_F(DataFilesTest, AMergeIsDoneForAllItsInputs) {
  const Fence fence = TakeLease("compact/db.t");
  const auto ids = Ids();
  ASSERT_TRUE(ledger_->ClaimDataFiles(ids, fence).ValueOrDie());
  EXPECT_EQ(ledger_->DataFileCounts("db.t").ValueOrDie().processing, 2);
  ASSERT_EQ(Commit(Merge(fence)), Outcome::kCommitted);
  const auto counts = ledger_->DataFileCounts("db.t").ValueOrDie();
  EXPECT_EQ(counts.done, 3);
  EXPECT_EQ(counts.processing + counts.to_process + counts.failed, 0);
  const auto file = ledger_->DataFiles({.path_contains = "f1"}).ValueOrDie().at(0);
  EXPECT_EQ(file.removed_seq, ledger_->Catalog().ValueOrDie().seq);
  EXPECT_EQ(file.finished_us, clock_.NowMicros());
  EXPECT_THAT(LivePaths(), ElementsAre("merged"));
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(DataFilesTest, AreClaimedAllOrNone) {
  const Fence fence = TakeLease();
  const auto ids = Ids();
  ASSERT_TRUE(ledger_->ClaimDataFiles({ids[0]}, fence).ValueOrDie());
  EXPECT_FALSE(ledger_->ClaimDataFiles({ids[1], ids[0]}, fence).ValueOrDie());
  EXPECT_FALSE(ledger_->ClaimDataFiles({ids[1], 999}, fence).ValueOrDie());
  EXPECT_EQ(StateOf(ids[1]), WorkState::kToProcess);
  const Fence wrong{fence.lease, fence.epoch + 1};
  EXPECT_EQ(KindOf(ledger_->ClaimDataFiles({ids[1]}, wrong).status()), ErrorKind::kConflict);
}

TEST_F(DataFilesTest, AnAppendOfOthersDoesNotDisturbAMerge) {
  const Fence fence = TakeLease();
  ASSERT_TRUE(ledger_->ClaimDataFiles(Ids(), fence).ValueOrDie());
  CommitPlan merge = Merge(fence);
  CommitPlan append = Plan();
  append.tables = {Append("m1", "a2", {File("f3")})};
  ASSERT_EQ(Commit(append), Outcome::kCommitted);
  EXPECT_EQ(Commit(merge), Outcome::kPointerMoved);
  merge.tables[0].expected = "a2";  // Rebased: same id, same files.
  EXPECT_EQ(Commit(merge), Outcome::kCommitted);
  EXPECT_THAT(LivePaths(), ElementsAre("f3", "merged"));
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(DataFilesTest, ARemovalByOthersAbandonsTheMerge) {
  const Fence fence = TakeLease();
  const auto ids = Ids();
  ASSERT_TRUE(ledger_->ClaimDataFiles(ids, fence).ValueOrDie());
  CommitPlan merge = Merge(fence);
  CommitPlan expire = Plan();
  expire.tables = {Append("m1", "e2", {})};
  expire.tables[0].operation = "delete";
  expire.tables[0].removed = {"f1"};
  expire.tables[0].rows_removed = 10;
  ASSERT_EQ(Commit(expire), Outcome::kCommitted);
  EXPECT_EQ(StateOf(ids[0]), WorkState::kProcessing) << "until its worker hears of it";
  merge.tables[0].expected = "e2";
  EXPECT_EQ(Commit(merge), Outcome::kWorkMoved);
  ASSERT_TRUE(ledger_->FailDataFiles(ids, fence, "work moved").ok());
  EXPECT_EQ(StateOf(ids[0]), WorkState::kDone);
  EXPECT_EQ(StateOf(ids[1]), WorkState::kToProcess);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(DataFilesTest, FailuresBackOffThenFailAndCanBeRelaunched) {
  const Fence fence = TakeLease();
  const auto ids = Ids();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(ledger_->ClaimDataFiles(ids, fence).ValueOrDie()) << attempt;
    ASSERT_TRUE(ledger_->FailDataFiles(ids, fence, "no memory").ok());
    EXPECT_FALSE(ledger_->ClaimDataFiles(ids, fence).ValueOrDie()) << "back-off or failed";
    clock_.Advance(600'000'000);
  }
  EXPECT_EQ(StateOf(ids[0]), WorkState::kFailed);
  EXPECT_EQ(ledger_->Retry({.table_key = "db.t"}).ValueOrDie(), 2);
  EXPECT_TRUE(ledger_->ClaimDataFiles(ids, fence).ValueOrDie());
  EXPECT_EQ(KindOf(ledger_->FailDataFiles(ids, {fence.lease, fence.epoch + 1}, "x")),
            ErrorKind::kConflict);
}

TEST_F(DataFilesTest, AreReclaimedFromADeadWorker) {
  const Fence dead = TakeLease("compact/db.t", "a");
  const auto ids = Ids();
  ASSERT_TRUE(ledger_->ClaimDataFiles(ids, dead).ValueOrDie());
  EXPECT_EQ(ledger_->ReclaimDataFiles(dead).ValueOrDie(), 0) << "its own are not dead";
  clock_.Advance(31'000'000);
  const Fence fence = TakeLease("compact/db.t", "b");
  EXPECT_EQ(ledger_->ReclaimDataFiles(fence).ValueOrDie(), 2);
  EXPECT_EQ(StateOf(ids[0]), WorkState::kToProcess);
  CommitPlan zombie = Merge(dead);
  EXPECT_EQ(Commit(zombie), Outcome::kFenced);
  zombie.fences = {};
  EXPECT_EQ(Commit(zombie), Outcome::kWorkMoved);
}

}  // namespace
}  // namespace catchwater
