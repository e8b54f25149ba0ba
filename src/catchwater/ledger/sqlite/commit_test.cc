#include <functional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"
#include "catchwater/testing/fake_clock.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CommitTest : public LedgerTest {
 protected:
  // A table with one file, a partition at 100, an input in processing, a lease.
  CommitTest() {
    fence_ = TakeLease();
    partition_ = ledger_
                     ->RegisterInput({.key = {"p", "s", "/in/a.csv", ""},
                                      .path = "/in/a.csv",
                                      .byte_count = 500,
                                      .head_hash = "h"})
                     .ValueOrDie()
                     .partition_id;
    EXPECT_EQ(ledger_->ClaimInputs("p", "s", fence_, 10).ValueOrDie().size(), 1u);
    CommitPlan plan = Plan();
    plan.fences = {fence_};
    plan.tables = {Append("", "m1", {File("f1", 100)})};
    plan.positions = {Advance(partition_, 0, 100)};
    plan.account = {{partition_, "lake", "", Bucket::kRows, 100},
                    {partition_, "lake", "", Bucket::kLake, 100}};
    EXPECT_EQ(Commit(plan), Outcome::kCommitted);
  }

  // Moves everything that a plan can move.
  CommitPlan FullPlan() {
    CommitPlan plan = Plan();
    plan.fences = {fence_};
    plan.tables = {Append("m1", "m2", {File("f2", 50), File("f3", 25, -1)})};
    plan.positions = {Advance(partition_, 100, 200)};
    plan.work = {{.kind = WorkMove::Kind::kInput,
                  .id = partition_,
                  .from = WorkState::kProcessing,
                  .to = WorkState::kDone,
                  .lease = fence_.lease,
                  .epoch = fence_.epoch,
                  .reason = "",
                  .entities = {"b", "a"},
                  .event_us_min = 5,
                  .event_us_max = 9}};
    plan.state = {{"p", "app", "0", "windows", {"c1", "c2"}, 77}};
    plan.account = {{partition_, "lake", "", Bucket::kRows, 80},
                    {partition_, "lake", "", Bucket::kLake, 75},
                    {partition_, "lake", "range", Bucket::kDeadRows, 5}};
    plan.replayed = {"9:1:0"};
    plan.discarded = {"9:2:0"};
    plan.events = {{"note", "object", "{\"a\":1}"}};
    return plan;
  }

  static std::string MarksText(const std::vector<DeadLetterMark>& marks) {
    std::string text;
    for (const DeadLetterMark& mark : marks) {
      text += (text.empty() ? "" : ", ") + mark.dead_letter_id + " " + mark.state;
    }
    return text;
  }

  Fence fence_;
  int64_t partition_ = 0;
};

TEST_F(CommitTest, MovesEverythingOfThePlan) {
  clock_.Advance(5);
  const auto [outcome, receipt] = ledger_->Commit(FullPlan()).ValueOrDie();
  EXPECT_EQ(outcome, Outcome::kCommitted);
  EXPECT_EQ(receipt.committed_us, clock_.NowMicros());
  EXPECT_EQ(receipt.seq, ledger_->Catalog().ValueOrDie().seq);
  EXPECT_EQ(ledger_->TablePointer("db.t").ValueOrDie(), "m2");
  EXPECT_EQ(ledger_->GetPosition(partition_, "lake").ValueOrDie().ordinal, 200u);
  EXPECT_EQ(ledger_->GetPosition(partition_, "lake").ValueOrDie().token, "token");
  const auto inputs = ledger_->Inputs({}).ValueOrDie();
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].state, WorkState::kDone);
  EXPECT_EQ(inputs[0].lease, "");
  EXPECT_THAT(inputs[0].entities, ElementsAre("a", "b"));
  EXPECT_EQ(inputs[0].event_us_max, 9);
  EXPECT_EQ(inputs[0].finished_us, clock_.NowMicros());
  const auto checkpoints = ledger_->Checkpoints("p", "app").ValueOrDie();
  ASSERT_EQ(checkpoints.size(), 1u);
  EXPECT_THAT(checkpoints[0].files, ElementsAre("c1", "c2"));
  EXPECT_EQ(checkpoints[0].watermark_us, 77);
  EXPECT_EQ(MarksText(ledger_->MarksAmong({"9:1:0", "9:2:0", "9:3:0"}).ValueOrDie()),
            "9:1:0 replayed, 9:2:0 discarded");
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CommitTest, MarksHaveTheirTimeAndAreCountedByPipeline) {
  const std::string id = std::to_string(partition_);
  CommitPlan plan = Plan();
  plan.account = {{partition_, "lake", "", Bucket::kFrames, 3},
                  {partition_, "lake", "csv.type", Bucket::kDeadFrames, 3}};
  plan.replayed = {id + ":1:0"};
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const int64_t seq = ledger_->Catalog().ValueOrDie().seq;
  const int64_t at_us = clock_.NowMicros();
  clock_.Advance(5);
  CommitPlan later = Plan();
  later.discarded = {id + ":2:0", id + ":3:0"};
  ASSERT_EQ(Commit(later), Outcome::kCommitted);

  EXPECT_EQ(MarksText(ledger_->Marks(seq).ValueOrDie()), id + ":1:0 replayed");
  EXPECT_EQ(ledger_->Marks(seq).ValueOrDie()[0].at_us, at_us);
  EXPECT_EQ(ledger_->Marks(seq + 1).ValueOrDie().size(), 3u);
  const DeadLetterCounts counts = ledger_->CountMarks("p").ValueOrDie();
  EXPECT_EQ(counts.replayed, 1);
  EXPECT_EQ(counts.discarded, 2);
  EXPECT_EQ(ledger_->CountMarks("other").ValueOrDie().discarded, 0);
  EXPECT_THAT(Violations(), IsEmpty());

  CommitPlan surplus = Plan();
  surplus.discarded = {id + ":4:0"};
  ASSERT_EQ(Commit(surplus), Outcome::kCommitted);
  EXPECT_THAT(Violations(), ElementsAre("More dead letters are replayed or discarded than were "
                                        "counted, pipeline, marked and counted: p, 4, 3"));
}

TEST_F(CommitTest, RecordsDataFilesByTier) {
  ASSERT_EQ(Commit(FullPlan()), Outcome::kCommitted);
  const auto files = ledger_->DataFiles({.table_key = "db.t"}).ValueOrDie();
  ASSERT_EQ(files.size(), 3u);
  EXPECT_EQ(files[1].file.path, "f2");
  EXPECT_EQ(files[1].state, WorkState::kToProcess);
  EXPECT_EQ(files[1].added_by, "append");
  EXPECT_EQ(files[1].file.event_us_max, 2);
  EXPECT_FALSE(files[1].finished_us);
  EXPECT_EQ(files[2].state, WorkState::kDone) << "of target size: nothing to merge";
  EXPECT_EQ(files[2].finished_us, clock_.NowMicros());
}

TEST_F(CommitTest, AddsUpTheAccount) {
  ASSERT_EQ(Commit(FullPlan()), Outcome::kCommitted);
  int64_t rows = 0;
  for (const AccountRecord& line : ledger_->Account("p").ValueOrDie()) {
    if (line.bucket == Bucket::kRows) rows += line.row_count;
  }
  EXPECT_EQ(rows, 180);
  EXPECT_THAT(ledger_->Account("other").ValueOrDie(), IsEmpty());
}

TEST_F(CommitTest, TellsTheFeed) {
  const int64_t before = ledger_->Catalog().ValueOrDie().seq;
  ASSERT_EQ(Commit(FullPlan()), Outcome::kCommitted);
  const auto events = ledger_->Feed(before, 100).ValueOrDie();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].kind, "input_file");
  EXPECT_EQ(events[0].object, "/in/a.csv");
  EXPECT_THAT(events[0].body_json, HasSubstr(R"("from":"processing","to":"done")"));
  EXPECT_EQ(events[1].kind, "commit");
  EXPECT_THAT(events[1].body_json, HasSubstr(R"("rows_added":75)"));
  EXPECT_EQ(events[2].kind, "note");
  EXPECT_EQ(events[2].body_json, "{\"a\":1}");
  EXPECT_EQ(events[2].seq, before + 1);
  EXPECT_EQ(ledger_->Feed(before, 1).ValueOrDie().size(), 3u) << "a commit is not cut";
  EXPECT_THAT(ledger_->Feed(before + 1, 100).ValueOrDie(), IsEmpty());
}

// Each row breaks one thing of the full plan: the whole plan must leave no trace.
struct Miss {
  std::string name;
  std::function<void(CommitPlan&)> spoil;
  Outcome want;
};

class CommitMissTest : public CommitTest, public ::testing::WithParamInterface<Miss> {};

TEST_P(CommitMissTest, RollsBackEverything) {
  CommitPlan plan = FullPlan();
  GetParam().spoil(plan);
  const auto before = Dump();
  const auto [outcome, receipt] = ledger_->Commit(plan).ValueOrDie();
  EXPECT_EQ(OutcomeName(outcome), OutcomeName(GetParam().want));
  EXPECT_EQ(receipt.seq, 0);
  EXPECT_EQ(Dump(), before);
  // The rollback left the ledger usable, and nothing of the plan in the way of the good one.
  CommitPlan good = FullPlan();
  good.id = plan.id;
  EXPECT_EQ(Commit(good), Outcome::kCommitted);
}

const std::vector<Miss> kMisses = {
    {"OldEpoch", [](CommitPlan& p) { p.fences[0].epoch -= 1; }, Outcome::kFenced},
    {"EpochOfTheFuture", [](CommitPlan& p) { p.fences[0].epoch += 1; }, Outcome::kFenced},
    {"NoSuchLease",
     [](CommitPlan& p) {
       p.fences.push_back({"other", 1});
     },
     Outcome::kFenced},
    {"PointerIsElsewhere", [](CommitPlan& p) { p.tables[0].expected = "m0"; },
     Outcome::kPointerMoved},
    {"TableExists", [](CommitPlan& p) { p.tables[0].expected = ""; }, Outcome::kPointerMoved},
    {"TableIsMissing", [](CommitPlan& p) { p.tables[0].table_key = "db.none"; },
     Outcome::kPointerMoved},
    {"SecondTableMoved",
     [](CommitPlan& p) {
       p.tables.push_back(p.tables[0]);
       p.tables[1].table_key = "db.u";
       p.tables[1].next = "u2";
       p.tables[1].added = {};
     },
     Outcome::kPointerMoved},
    {"RemovesAFileThatIsNotThere", [](CommitPlan& p) { p.tables[0].removed = {"f9"}; },
     Outcome::kWorkMoved},
    {"RemovesAFileTwice",
     [](CommitPlan& p) {
       p.tables[0].removed = {"f1", "f1"};
     },
     Outcome::kWorkMoved},
    {"PositionIsBehind", [](CommitPlan& p) { p.positions[0].range.from.ordinal = 99; },
     Outcome::kPositionMoved},
    {"PositionIsAhead", [](CommitPlan& p) { p.positions[0].range.from.ordinal = 101; },
     Outcome::kPositionMoved},
    {"PositionFromZeroAgain", [](CommitPlan& p) { p.positions[0].range.from.ordinal = 0; },
     Outcome::kPositionMoved},
    {"ConsumerHasNoPosition", [](CommitPlan& p) { p.positions[0].consumer = "app"; },
     Outcome::kPositionMoved},
    {"NoSuchPartition",
     [](CommitPlan& p) {
       p.positions[0].range.partition_id = 999;
       p.positions[0].range.from.ordinal = 0;
     },
     Outcome::kPositionMoved},
    {"WorkOfAnotherEpoch", [](CommitPlan& p) { p.work[0].epoch += 1; }, Outcome::kWorkMoved},
    {"WorkOfAnotherLease", [](CommitPlan& p) { p.work[0].lease = "x"; }, Outcome::kWorkMoved},
    {"WorkInAnotherState",
     [](CommitPlan& p) {
       p.work[0].from = WorkState::kFailed;
       p.work[0].to = WorkState::kToProcess;
     },
     Outcome::kWorkMoved},
    {"NoSuchWork", [](CommitPlan& p) { p.work[0].id = 999; }, Outcome::kWorkMoved},
    {"NoSuchDataFile",
     [](CommitPlan& p) {
       p.work[0].kind = WorkMove::Kind::kData;
       p.work[0].id = 999;
     },
     Outcome::kWorkMoved},
    {"DeadLetterTwice", [](CommitPlan& p) { p.replayed.push_back("9:1:0"); }, Outcome::kWorkMoved},
    {"DeadLetterReplayedAndDiscarded", [](CommitPlan& p) { p.discarded = p.replayed; },
     Outcome::kWorkMoved},
};

INSTANTIATE_TEST_SUITE_P(Table, CommitMissTest, ::testing::ValuesIn(kMisses),
                         [](const auto& test) { return test.param.name; });

TEST_F(CommitTest, TellsTheFirstMissInTheOrderOfTheSteps) {
  CommitPlan plan = FullPlan();
  plan.work[0].epoch += 1;
  plan.positions[0].range.from.ordinal = 1;
  EXPECT_EQ(Commit(plan), Outcome::kPositionMoved);
  plan.tables[0].expected = "m0";
  EXPECT_EQ(Commit(plan), Outcome::kPointerMoved);
  plan.fences[0].epoch += 1;
  EXPECT_EQ(Commit(plan), Outcome::kFenced);
}

// What only a mistake can bring about is an error, and leaves no trace either.
TEST_F(CommitTest, RefusesWhatItHoldsAlready) {
  CommitPlan used_id = FullPlan();
  used_id.id = "commit-1";
  CommitPlan used_metadata = FullPlan();
  used_metadata.tables[0].next = "m1";
  CommitPlan used_path = FullPlan();
  used_path.tables[0].added[0].path = "f1";
  const auto before = Dump();
  for (const CommitPlan& plan : {used_id, used_metadata, used_path}) {
    const auto status = ledger_->Commit(plan).status();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(KindOf(status), ErrorKind::kAlreadyExists) << status;
    EXPECT_EQ(Dump(), before);
  }
}

TEST_F(CommitTest, CommitsWithoutTablesAndWithoutAnything) {
  CommitPlan plan = Plan();
  plan.positions = {Advance(partition_, 100, 101)};
  EXPECT_EQ(Commit(plan), Outcome::kCommitted);
  EXPECT_EQ(ledger_->TablePointer("db.t").ValueOrDie(), "m1");
  EXPECT_EQ(Commit(Plan()), Outcome::kCommitted);
}

TEST_F(CommitTest, AZombieIsFencedByItsSuccessor) {
  clock_.Advance(31'000'000);
  const Fence successor = TakeLease("pipeline/p", "other");
  EXPECT_EQ(successor.epoch, fence_.epoch + 1);
  EXPECT_EQ(Commit(FullPlan()), Outcome::kFenced);
  CommitPlan plan = FullPlan();
  plan.fences = {successor};
  plan.work = {};
  EXPECT_EQ(Commit(plan), Outcome::kCommitted);
}

TEST_F(CommitTest, AReleasedLeaseFencesToo) {
  ASSERT_TRUE(ledger_->ReleaseLease(fence_.lease, fence_.epoch).ok());
  EXPECT_EQ(Commit(FullPlan()), Outcome::kFenced);
}

TEST_F(CommitTest, SettleFindsACommitThatHappened) {
  const CommitPlan plan = FullPlan();
  const auto [outcome, receipt] = ledger_->Commit(plan).ValueOrDie();
  ASSERT_EQ(outcome, Outcome::kCommitted);
  const auto [settled, found] = ledger_->Settle(plan).ValueOrDie();
  EXPECT_EQ(settled, Outcome::kCommitted);
  EXPECT_EQ(found.seq, receipt.seq);
  EXPECT_EQ(found.committed_us, receipt.committed_us);
  // Its owner goes on with the new epoch.
  EXPECT_EQ(TakeLease().epoch, fence_.epoch + 1);
}

TEST_F(CommitTest, SettleFencesACommitThatDidNotHappen) {
  const CommitPlan plan = FullPlan();
  EXPECT_EQ(ledger_->Settle(plan).ValueOrDie().first, Outcome::kFenced);
  EXPECT_EQ(Commit(plan), Outcome::kFenced) << "the lost commit may not come through later";
  EXPECT_EQ(ledger_->Settle(plan).ValueOrDie().first, Outcome::kFenced);
}

TEST_F(CommitTest, AGivenBackInputDoesNotCountTheAttempt) {
  CommitPlan plan = FullPlan();
  plan.work[0].to = WorkState::kToProcess;
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const auto inputs = ledger_->ClaimInputs("p", "s", fence_, 10).ValueOrDie();
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_EQ(inputs[0].attempts, 1);
}

TEST_F(CommitTest, ProgressOfAnInputIsMergedIntoItsRow) {
  CommitPlan plan = FullPlan();
  plan.work[0].to = WorkState::kProcessing;
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  CommitPlan more = Plan();
  more.work = {plan.work[0]};
  more.work[0].entities = {"c", "a"};
  more.work[0].event_us_min = 7;
  more.work[0].event_us_max = 11;
  ASSERT_EQ(Commit(more), Outcome::kCommitted);
  const auto input = ledger_->Inputs({}).ValueOrDie()[0];
  EXPECT_EQ(input.state, WorkState::kProcessing);
  EXPECT_THAT(input.entities, ElementsAre("a", "b", "c"));
  EXPECT_EQ(input.event_us_min, 5);
  EXPECT_EQ(input.event_us_max, 11);
}

TEST_F(CommitTest, APartitionIsFinishedWhenEveryConsumerIs) {
  const int64_t partition = MakePartition();
  CommitPlan plan = Plan();
  plan.positions = {Advance(partition, 0, 0), Advance(partition, 0, 5, "app")};
  plan.positions[0].is_finished = true;
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  const auto state = [&] {
    return Sql("SELECT state FROM source_partition WHERE id = " + std::to_string(partition))[0];
  };
  EXPECT_EQ(state(), "open");
  CommitPlan end = Plan();
  end.positions = {Advance(partition, 5, 5, "app")};
  end.positions[0].is_finished = true;
  ASSERT_EQ(Commit(end), Outcome::kCommitted);
  EXPECT_EQ(state(), "finished");
}

using CommitDeathTest = CommitTest;

TEST_F(CommitDeathTest, APlanMayNotGoBackOrShrinkTheAccount) {
  CommitPlan back = Plan();
  back.positions = {Advance(partition_, 100, 99)};
  EXPECT_DEATH(static_cast<void>(ledger_->Commit(back)), "forward only");
  CommitPlan shrink = Plan();
  shrink.account = {{partition_, "lake", "", Bucket::kRows, -1}};
  EXPECT_DEATH(static_cast<void>(ledger_->Commit(shrink)), "only grows");
  CommitPlan move = FullPlan();
  move.work[0].from = WorkState::kDone;
  move.work[0].to = WorkState::kFailed;
  EXPECT_DEATH(static_cast<void>(ledger_->Commit(move)), "between these states");
}

}  // namespace
}  // namespace catchwater
