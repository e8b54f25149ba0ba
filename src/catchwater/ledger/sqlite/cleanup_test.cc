#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CleanupTest : public LedgerTest {
 protected:
  // An input that was read whole, with its rows in a file of the table.
  int64_t Load(const std::string& path, int64_t row_count) {
    const int64_t id = ledger_
                           ->RegisterInput({.key = {"p", "s", path, ""},
                                            .path = path,
                                            .byte_count = row_count,
                                            .head_hash = path})
                           .ValueOrDie()
                           .partition_id;
    const Fence fence = TakeLease();
    EXPECT_EQ(ledger_->ClaimInputs("p", "s", fence, 100).ValueOrDie().size(), 1u);
    CommitPlan plan = Plan();
    plan.tables = {Append(pointer_, "m-" + path, {File("data-" + path, row_count)})};
    pointer_ = "m-" + path;
    plan.positions = {Advance(id, 0, static_cast<uint64_t>(row_count))};
    plan.work = {
        {.kind = WorkMove::Kind::kInput, .id = id, .lease = fence.lease, .epoch = fence.epoch}};
    plan.account = {{id, "lake", "", Bucket::kFrames, row_count},
                    {id, "lake", "", Bucket::kDecodedFrames, row_count},
                    {id, "lake", "", Bucket::kRows, row_count},
                    {id, "lake", "", Bucket::kLake, row_count}};
    EXPECT_EQ(Commit(plan), Outcome::kCommitted);
    return id;
  }
  int64_t Count(const std::string& what) { return std::stoll(Sql("SELECT count(*) " + what)[0]); }

  std::string pointer_;
};

TEST_F(CleanupTest, PruneForgetsOldRowsAndKeepsWhatCounts) {
  const int64_t old_a = Load("a", 10);
  Load("b", 20);
  clock_.Advance(1'000'000);
  const int64_t limit_us = clock_.NowMicros();
  clock_.Advance(1'000'000);
  const int64_t recent = Load("c", 30);
  ASSERT_TRUE(ledger_->Prune(limit_us).ok());

  EXPECT_EQ(Count("FROM commit_log"), 1);
  EXPECT_EQ(Count("FROM commit_table"), 1);
  EXPECT_EQ(Count("FROM input_file"), 1);
  EXPECT_EQ(Count("FROM position"), 1);
  EXPECT_THAT(Sql("SELECT DISTINCT seq > 6 FROM change_feed"), ElementsAre("1"));
  EXPECT_EQ(ledger_->GetPosition(recent, "lake").ValueOrDie().ordinal, 30u);
  EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().done, 3) << "pruned ones are still done";
  EXPECT_EQ(ledger_->DataFiles({.live_only = true}).ValueOrDie().size(), 3u);
  int64_t rows_in_lake = 0;
  for (const AccountRecord& line : ledger_->Account("p").ValueOrDie()) {
    if (line.bucket == Bucket::kLake) rows_in_lake += line.row_count;
  }
  EXPECT_EQ(rows_in_lake, 60);
  EXPECT_THAT(Violations(), IsEmpty());

  // The same files again, and a copy under another name, are still known.
  for (const std::string path : {"a", "copy"}) {
    const auto again = ledger_->RegisterInput(
        {.key = {"p", "s", path, ""}, .path = path, .byte_count = 10, .head_hash = "a"});
    EXPECT_EQ(again.ValueOrDie().result, InputRegistered::Result::kKnown);
    EXPECT_EQ(again.ValueOrDie().partition_id, old_a);
  }
  // And an id never comes back.
  EXPECT_GT(MakePartition(), recent);
}

TEST_F(CleanupTest, PruneTwiceIsPruneOnce) {
  Load("a", 10);
  Load("b", 10);
  clock_.Advance(1);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  const auto once = Dump();
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_EQ(Dump(), once);
}

TEST_F(CleanupTest, PruneKeepsThePresentPointersCommit) {
  Load("a", 10);
  clock_.Advance(1);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_EQ(ledger_->TableCommits("db.t", 0).ValueOrDie().size(), 1u);
  Sql("UPDATE iceberg_tables SET metadata_location = metadata_location");
  EXPECT_EQ(Count("FROM commit_log WHERE actor = 'foreign'"), 0);
  Load("b", 10);
}

TEST_F(CleanupTest, PruneKeepsWhatIsNotFinished) {
  const int64_t id =
      ledger_
          ->RegisterInput(
              {.key = {"p", "s", "x", ""}, .path = "x", .byte_count = 1, .head_hash = "x"})
          .ValueOrDie()
          .partition_id;
  const Fence fence = TakeLease();
  ASSERT_EQ(ledger_->ClaimInputs("p", "s", fence, 1).ValueOrDie().size(), 1u);
  ASSERT_TRUE(ledger_->FailInput(id, fence, "bad", false).ok());
  clock_.Advance(1'000);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_EQ(ledger_->Inputs({.state = WorkState::kFailed}).ValueOrDie().size(), 1u);
}

TEST_F(CleanupTest, PruneWaitsForSinksAndForTheJanitor) {
  Load("a", 10);
  CommitPlan replace = Plan();
  replace.tables = {Append(pointer_, "m2", {File("merged", 10)})};
  replace.tables[0].removed = {"data-a"};
  replace.tables[0].rows_removed = 10;
  ASSERT_EQ(Commit(replace), Outcome::kCommitted);
  pointer_ = "m2";
  Load("b", 5);  // The replacing commit is not the present pointer's any more.
  Sql("INSERT INTO delivery VALUES ('sink', 'db.t', 0, 0, 0, 'live', NULL)");
  clock_.Advance(1);
  const auto removed = [&] { return ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie(); };
  const auto prune = [&] { ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok()); };
  prune();
  EXPECT_EQ(Count("FROM data_file"), 3) << "not delivered";
  EXPECT_EQ(Count("FROM commit_log"), 3);
  EXPECT_THAT(removed(), IsEmpty()) << "a sink still needs it";
  Sql("DELETE FROM delivery");
  ASSERT_EQ(removed().size(), 1u);
  const UnlinkRecord unlink{
      .path = "/on/disk", .table_key = "db.t", .not_before_us = 0, .data_file_id = removed()[0].id};
  ASSERT_TRUE(ledger_->QueueUnlink({unlink}).ok());
  EXPECT_THAT(removed(), IsEmpty()) << "queued once";
  prune();
  EXPECT_EQ(Count("FROM data_file"), 2);
  EXPECT_EQ(Count("FROM commit_log"), 1);
  EXPECT_THAT(ledger_->QueuedUnlinks({"/on/disk", "/other"}).ValueOrDie(), ElementsAre("/on/disk"));
  EXPECT_THAT(ledger_->UnknownDataFiles({"merged", "data-a"}).ValueOrDie(), ElementsAre("data-a"));
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CleanupTest, PruneKeepsRemovedFilesThatNobodyTookOver) {
  Load("a", 10);
  CommitPlan replace = Plan();
  replace.tables = {Append(pointer_, "m2", {})};
  replace.tables[0].removed = {"data-a"};
  replace.tables[0].rows_removed = 10;
  ASSERT_EQ(Commit(replace), Outcome::kCommitted);
  pointer_ = "m2";
  Load("b", 5);
  clock_.Advance(1);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  EXPECT_EQ(ledger_->RemovedDataFiles("db.t", {}, 10).ValueOrDie().size(), 1u);
}

TEST_F(CleanupTest, RowCountsIncludeWhatWasPruned) {
  Load("a", 10);
  Load("b", 20);
  Sql("UPDATE iceberg_tables SET metadata_location = 'x3' WHERE table_name = 't'");
  clock_.Advance(1);
  ASSERT_TRUE(ledger_->Prune(clock_.NowMicros()).ok());
  const auto counts = ledger_->RowCounts("db.t").ValueOrDie();
  EXPECT_EQ(counts.rows_added, 30);
  EXPECT_EQ(counts.foreign_commits, 1);
  EXPECT_EQ(counts.unread_commits, 1);
  const auto unread = ledger_->UnreadForeignCommits(10).ValueOrDie();
  ASSERT_EQ(unread.size(), 1u);
  EXPECT_EQ(unread[0].metadata_location, "x3");
}

TEST_F(CleanupTest, UnlinksBecomeDueInTheirOrder) {
  const int64_t now_us = clock_.NowMicros();
  ASSERT_TRUE(ledger_
                  ->QueueUnlink({{"late", "db.t", now_us + 10},
                                 {"second", "db.t", now_us},
                                 {"first", "db.t", now_us - 1}})
                  .ok());
  ASSERT_TRUE(ledger_->QueueUnlink({{"second", "db.t", now_us - 5}}).ok()) << "longest grace wins";
  std::vector<std::string> due;
  for (const auto& file : ledger_->DueUnlinks(10).ValueOrDie()) due.push_back(file.path);
  EXPECT_THAT(due, ElementsAre("first", "second"));
  EXPECT_EQ(ledger_->DueUnlinks(1).ValueOrDie().size(), 1u);
  ASSERT_TRUE(ledger_->RemoveUnlinks({"first", "second", "never queued"}).ok());
  clock_.Advance(10);
  EXPECT_EQ(ledger_->DueUnlinks(10).ValueOrDie().at(0).path, "late");
}

TEST_F(CleanupTest, ACopyIsALedgerOfItsOwn) {
  Load("a", 10);
  const std::string path = folder_ / "copy.sqlite";
  ASSERT_TRUE(ledger_->CopyTo(path).ok());
  struct stat facts {};
  ASSERT_EQ(stat(path.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777u, 0600u);
  EXPECT_EQ(DumpLedger(path), Dump());
  const auto copy = Ledger::Open({.path = path}, clock_).ValueOrDie();
  EXPECT_THAT(copy->CheckInvariants().ValueOrDie(), IsEmpty());
  EXPECT_EQ(KindOf(ledger_->CopyTo(path)), ErrorKind::kAlreadyExists);
  EXPECT_FALSE(ledger_->CopyTo(folder_ / "none/copy").ok());
}

TEST_F(CleanupTest, ACheckpointMovesTheLogIntoTheFile) {
  Load("a", 10);
  ASSERT_TRUE(ledger_->CheckpointWal().ok());
  // What is in the file alone, without its log:
  const std::string path = folder_ / "file_alone.sqlite";
  std::filesystem::copy_file(path_, path);
  EXPECT_EQ(DumpLedger(path), Dump());
}

// --- CheckInvariants: each row breaks one law behind the ledger's back ---

struct Breach {
  std::string name;
  std::string sql;
  std::string want;
};
class InvariantsTest : public CleanupTest, public ::testing::WithParamInterface<Breach> {};

TEST_P(InvariantsTest, AreChecked) {
  Load("a", 10);
  ASSERT_THAT(Violations(), IsEmpty());
  ASSERT_THAT(Sql(GetParam().sql), IsEmpty());
  EXPECT_THAT(Violations(), Contains(HasSubstr(GetParam().want)));
}

const std::vector<Breach> kBreaches = {
    {"Position", "UPDATE position SET seq = 99", "Position is of a commit"},
    {"Clock", "UPDATE ledger_clock SET seq = 1", "beyond the clock"},
    {"LostPartition", "DELETE FROM source_partition", "Position is of no partition"},
    {"AccountOfNothing", "UPDATE row_account SET partition_id = 77", "Account is of no partition"},
    {"LostFrame", "UPDATE row_account SET row_count = 9 WHERE bucket = 'decoded_frames'",
     "lake, 1, 0"},
    {"LostRow", "UPDATE row_account SET row_count = 9 WHERE bucket = 'lake'", "lake, 0, 1"},
    {"DoubledRow", "UPDATE row_account SET row_count = 11 WHERE bucket = 'lake'", "lake, 0, -1"},
    {"InputWithoutLease", "UPDATE input_file SET state = 'processing', lease = 'x', epoch = 1",
     "Input file is processing under no lease"},
    {"EpochOfTheFuture",
     "UPDATE input_file SET state = 'processing', lease = 'pipeline/p', epoch = 99",
     "Input file is processing under no lease"},
    {"DataFileWithoutLease", "UPDATE data_file SET state = 'processing'",
     "Data file is processing under no lease"},
    {"LeaseLeftOver", "UPDATE data_file SET lease = 'x'", "has a lease but is not processing"},
    {"RemovedTooEarly", "UPDATE data_file SET removed_seq = 1", "removed before it was added"},
    {"LostDataFile", "DELETE FROM data_file", "db.t, 0, 10"},
    {"PointerOfNoCommit", "DELETE FROM commit_table", "points to metadata of no commit"},
};

INSTANTIATE_TEST_SUITE_P(Table, InvariantsTest, ::testing::ValuesIn(kBreaches),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
