// Commits that are later than the copy of the ledger are made again from their notes.
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/commit_note.h"
#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/note_files.h"
#include "catchwater/lake/rebuild.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

constexpr char kLetters[] = "sensors.readings__dead_letters";

class RebuildCommitsTest : public UpkeepTest {
 protected:
  void SetUp() override {
    UpkeepTest::SetUp();
    TableSpec letters = ReadingsSpec();
    letters.table_key = kLetters;
    Ensure(letters);
    committer_ = std::make_unique<Committer>(*lake_);
    fence_ = {.lease = "pipeline/p",
              .epoch = *ledger_->AcquireLease("pipeline/p", "worker-1", kTestDayUs).ValueOrDie()};
  }
  void TearDown() override { committer_.reset(); }

  /// Registers and claims a file. \return its partition
  int64_t TakeFile(const std::string& path) {
    const auto registered =
        ledger_
            ->RegisterInput(
                {.key = {.pipeline = "p", .source = "file", .name = path, .incarnation = ""},
                 .path = path,
                 .byte_count = 100,
                 .head_hash = "h-" + path,
                 .full_hash = {},
                 .created_us = 5})
            .ValueOrDie();
    EXPECT_EQ(registered.result, InputRegistered::Result::kNew);
    EXPECT_EQ(ledger_->ClaimInputs("p", "file", fence_, 10)->size(), 1U);
    paths_[registered.partition_id] = path;
    return registered.partition_id;
  }

  struct Share {
    int64_t partition_id = 0;
    uint64_t from = 0, to = 0;
    bool is_end = false;
    int rows = 0;     ///< Into the table.
    int letters = 0;  ///< Into the table of dead letters.
  };

  /// A flush of a pipeline.
  CommitRequest RequestOf(const Share& share) {
    CommitRequest request;
    request.plan.id = lake_->NewUuid();
    request.plan.actor = "pipeline/p";
    request.plan.fences = {fence_};
    request.plan.positions = {{.range = {.partition_id = share.partition_id,
                                         .from = {.ordinal = share.from, .token = ""},
                                         .to = {.ordinal = share.to, .token = "t"}},
                               .consumer = "lake",
                               .is_finished = share.is_end}};
    request.plan.work = {{.kind = WorkMove::Kind::kInput,
                          .id = share.partition_id,
                          .from = WorkState::kProcessing,
                          .to = share.is_end ? WorkState::kDone : WorkState::kProcessing,
                          .lease = fence_.lease,
                          .epoch = fence_.epoch,
                          .reason = "",
                          .entities = {"s1"},
                          .event_us_min = 1,
                          .event_us_max = 9}};
    const auto frames = static_cast<int64_t>(share.to - share.from);
    auto count = [&](Bucket bucket, const char* reason, int64_t row_count) {
      request.plan.account.push_back({.partition_id = share.partition_id,
                                      .consumer = "lake",
                                      .reason = reason,
                                      .bucket = bucket,
                                      .row_count_added = row_count});
    };
    count(Bucket::kFrames, "", frames);
    count(Bucket::kDecodedFrames, "", frames);
    count(Bucket::kRows, "", frames);
    count(Bucket::kLake, "", share.rows);
    count(Bucket::kDeadRows, "range", share.letters);
    count(Bucket::kFiltered, "select[0]", frames - share.rows - share.letters);
    const std::string path = paths_[share.partition_id];
    request.partitions = {
        {.id = share.partition_id,
         .key = {.pipeline = "p", .source = "file", .name = path, .incarnation = ""},
         .file = PartitionCopy::File{
             .path = path, .byte_count = 100, .head_hash = "h-" + path, .created_us = 5}}};
    Append(kReadings, share.rows, &request);
    Append(kLetters, share.letters, &request);
    return request;
  }
  void Commit(const Share& share) {
    Advance(kTestSecondUs);
    const auto result = committer_->Commit(RequestOf(share));
    ASSERT_TRUE(result.ok()) << result.status();
    ASSERT_EQ(result->outcome, Outcome::kCommitted);
  }

  void Append(const char* table_key, int row_count, CommitRequest* request) {
    std::vector<LakeReading> readings;
    for (int i = 0; i < row_count; ++i) {
      readings.push_back({.id = next_id_++, .ts_us = clock_.now_us, .name = "s1", .value = 1.0});
    }
    if (readings.empty()) return;
    const auto table = lake_->LoadTable(table_key).ValueOrDie();
    request->appends.push_back({.table_key = table_key,
                                .files = WriteFiles(*lake_, table, ReadingsBatch(readings)),
                                .positions_json = ""});
  }

  void TakeCopy() {
    ASSERT_TRUE(TakeLedgerCopy(*files_, *ledger_, Warehouse(), folder_.path(), clock_.now_us).ok());
  }

  std::string Warehouse() const { return folder_.path() + "/lake"; }
  int64_t NoteFileCount() {
    return static_cast<int64_t>(ListNoteFiles(*files_, Warehouse()).ValueOrDie().size());
  }

  /// All of the ledger that a pipeline goes by.
  std::vector<std::string> Told() {
    std::vector<std::string> told;
    for (const AccountRecord& line : ledger_->Account("p").ValueOrDie()) {
      told.push_back("account " + std::to_string(line.partition_id) + " " + line.reason + " " +
                     std::to_string(static_cast<int>(line.bucket)) + " " +
                     std::to_string(line.row_count));
    }
    for (const PartitionRecord& partition : ledger_->Partitions("p").ValueOrDie()) {
      const auto position = partition.positions.find("lake");
      told.push_back("partition " + std::to_string(partition.id) + " " + partition.key.name + " " +
                     partition.state + " " +
                     (position == partition.positions.end()
                          ? "-"
                          : std::to_string(position->second.ordinal) + position->second.token));
    }
    for (const InputFileRecord& input : ledger_->Inputs({}).ValueOrDie()) {
      told.push_back("input " + input.path + " " + std::string(WorkStateName(input.state)) + " " +
                     input.head_hash + " " + std::to_string(input.byte_count) + " " +
                     (input.entities.empty() ? "" : input.entities[0]) + " " +
                     std::to_string(input.event_us_max.value_or(0)));
    }
    return told;
  }

  void LoseLedger() {
    committer_.reset();
    lake_.reset();
    ledger_.reset();
    for (const char* suffix : {"", "-wal", "-shm"}) {
      std::filesystem::remove(folder_.path() + "/ledger.sqlite" + suffix);
    }
  }
  RebuildReport Rebuild() {
    auto report = RebuildLedger(*files_, clock_, folder_.path(), Warehouse());
    EXPECT_TRUE(report.ok()) << report.status();
    ledger_ = Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
    lake_ = OpenLake({});
    committer_ = std::make_unique<Committer>(*lake_);
    return report.ValueOr({});
  }

  /// Two files; the second is half read. Some commits have no row, one no snapshot.
  void DoSomeWork() {
    const int64_t first = TakeFile("a.csv");
    Commit({.partition_id = first, .from = 0, .to = 10, .rows = 7, .letters = 2});
    Commit({.partition_id = first, .from = 10, .to = 15});
    Commit({.partition_id = first, .from = 15, .to = 20, .letters = 5});
    Commit({.partition_id = first, .from = 20, .to = 30, .is_end = true, .rows = 10});
    const int64_t second = TakeFile("b.csv");
    Commit({.partition_id = second, .from = 0, .to = 4, .rows = 4});
  }

  std::unique_ptr<Committer> committer_;
  Fence fence_;
  std::map<int64_t, std::string> paths_;  // Of the files, by partition.
};

TEST_F(RebuildCommitsTest, BringsBackPositionsFilesAndAccountAfterAnOldCopy) {
  TakeCopy();
  DoSomeWork();
  const auto told = Told();
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_EQ(report.not_rebuilt, std::vector<std::string>{});
  EXPECT_EQ(report.commits_restored, 5);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildCommitsTest, BringsThemBackWithoutAnyCopy) {
  DoSomeWork();
  const auto told = Told();
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 5);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildCommitsTest, MakesNoCommitTwice) {
  DoSomeWork();
  TakeCopy();
  const int64_t third = TakeFile("c.csv");
  Commit({.partition_id = third, .from = 0, .to = 3, .is_end = true, .rows = 3});
  const auto told = Told();
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 1);
  EXPECT_EQ(Told(), told);
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 1);
  EXPECT_EQ(Told(), told);
}

TEST_F(RebuildCommitsTest, WorkGoesOnWhereItWas) {
  DoSomeWork();
  LoseLedger();
  Rebuild();
  const auto epoch = ledger_->AcquireLease("pipeline/p", "worker-2", kTestDayUs).ValueOrDie();
  ASSERT_TRUE(epoch.has_value());
  EXPECT_GT(*epoch, fence_.epoch + 1'000) << "what was under way is fenced";
  fence_.epoch = *epoch;
  const auto claimed = ledger_->ClaimInputs("p", "file", fence_, 10).ValueOrDie();
  ASSERT_EQ(claimed.size(), 1U) << "the half read file";
  EXPECT_EQ(claimed[0].path, "b.csv");
  Commit({.partition_id = claimed[0].partition_id, .from = 4, .to = 8, .is_end = true, .rows = 4});
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  EXPECT_EQ(Table()->record_count(), 7 + 10 + 4 + 4);
}

TEST_F(RebuildCommitsTest, PassesOverACommitThatOneOfItsTablesLacks) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10, .rows = 8, .letters = 2});
  const auto told = Told();
  Commit({.partition_id = first, .from = 10, .to = 20, .rows = 7, .letters = 3});
  // As if the program had ended before it wrote the second table's metadata.
  const std::string location = lake_->LoadTable(kLetters).ValueOrDie()->location;
  LoseLedger();
  std::filesystem::remove(PathOfUri(location).ValueOrDie());
  EXPECT_EQ(Rebuild().commits_restored, 1);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Table()->record_count(), 8);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildCommitsTest, BringsBackCommitsWithoutARow) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10});
  Commit({.partition_id = first, .from = 10, .to = 20, .is_end = true});
  EXPECT_EQ(NoteFileCount(), 2);
  const auto told = Told();
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 2);
  EXPECT_EQ(Told(), told);
  TakeCopy();
  EXPECT_EQ(NoteFileCount(), 0) << "the copy has them";
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 0);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildCommitsTest, AClockThatWasSetBackDoesNotMatter) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10, .rows = 3});
  Advance(-kTestDayUs);
  Commit({.partition_id = first, .from = 10, .to = 15});
  Advance(-kTestDayUs);
  Commit({.partition_id = first, .from = 15, .to = 20, .letters = 2});
  const auto told = Told();
  LoseLedger();
  const RebuildReport report = Rebuild();
  EXPECT_EQ(report.commits_restored, 3);
  EXPECT_EQ(report.not_rebuilt.size(), 1U) << "no copy";
  EXPECT_EQ(Told(), told);
}

/// The note is written, but its program ends before the ledger has the commit; another reads the
/// same frames, more of them, and commits.
TEST_F(RebuildCommitsTest, PassesOverANoteWhoseFramesWereReadAgain) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10, .rows = 3});
  CommitRequest lost = RequestOf({.partition_id = first, .from = 10, .to = 14});
  const std::string note =
      MakeCommitNote({.at_us = clock_.now_us, .plan = lost.plan, .partitions = lost.partitions});
  ASSERT_TRUE(WriteNoteFile(*files_, Warehouse(), clock_.now_us, lost.plan.id, note).ok());
  Commit({.partition_id = first, .from = 10, .to = 18, .rows = 2});
  const auto told = Told();
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 2);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

/// As before, but it had a data file and a snapshot, and the frames came to another table only.
TEST_F(RebuildCommitsTest, PassesOverASnapshotWhoseFramesWereReadAgain) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10, .rows = 3});
  CommitRequest lost = RequestOf({.partition_id = first, .from = 10, .to = 14, .rows = 4});
  AppendChange change(*lake_, kReadings, lost.appends[0].files, "");
  CommitStamp stamp{.commit_id = lost.plan.id, .actor = "p", .lease = "", .now_us = clock_.now_us};
  stamp.notes = {
      {kCommitIdNote, lost.plan.id},
      {kCommitNote,
       MakeCommitNote({.at_us = clock_.now_us, .plan = lost.plan, .partitions = lost.partitions})}};
  ASSERT_TRUE(change.Prepare(Table(), stamp).ok());
  Commit({.partition_id = first, .from = 10, .to = 18, .letters = 2});
  const auto told = Told();
  LoseLedger();
  EXPECT_EQ(Rebuild().commits_restored, 2);
  EXPECT_EQ(Told(), told);
  EXPECT_EQ(Table()->record_count(), 3);
  EXPECT_EQ(Violations(), std::vector<std::string>{});
}

TEST_F(RebuildCommitsTest, SaysWhenManifestListsAreGone) {
  const int64_t first = TakeFile("a.csv");
  Commit({.partition_id = first, .from = 0, .to = 10, .rows = 10});
  const auto state = lake_->LoadTable(kReadings).ValueOrDie();
  const std::string list = state->metadata->current_snapshot()->manifest_list;
  Commit({.partition_id = first, .from = 10, .to = 20, .rows = 10});
  LoseLedger();
  std::filesystem::remove(PathOfUri(list).ValueOrDie());
  const RebuildReport report = Rebuild();
  ASSERT_EQ(report.not_rebuilt.size(), 3U) << "no copy, the list, and what it told";
  EXPECT_NE(report.not_rebuilt[1].find("are gone"), std::string::npos);
  EXPECT_NE(report.not_rebuilt[2].find("just before 1 others"), std::string::npos);
  EXPECT_EQ(Table()->record_count(), 20);
}

TEST(CommitNoteTest, RefusesWhatIsDamaged) {
  for (const char* json : {"", "{", "{}", "[]", "{\"id\":1}", "{}x"}) {
    EXPECT_FALSE(ReadCommitNote(json).ok()) << json;
  }
}

}  // namespace
}  // namespace catchwater
