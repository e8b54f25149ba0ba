#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/inputs_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Known = InputRegistered::Result;

constexpr int64_t kLong = kInputHeadBytesMax + 1;

InputFound FoundGrowing(const std::string& path, int64_t byte_count, const std::string& head) {
  InputFound found = Found(path, byte_count, head);
  found.is_growing = true;
  return found;
}

// A story: files as they are found one after another, and what the ledger says. `as` names the
// input: the same letter must be the same partition.
struct Sighting {
  InputFound found;
  Known want;
  char as = 'a';
};
struct Story {
  std::string name;
  std::vector<Sighting> sightings;
};

class IdentityTest : public LedgerTest, public ::testing::WithParamInterface<Story> {};

TEST_P(IdentityTest, IsFound) {
  std::map<char, int64_t> ids;
  int i = 0;
  for (const Sighting& sighting : GetParam().sightings) {
    SCOPED_TRACE("sighting " + std::to_string(i++));
    const auto registered = ledger_->RegisterInput(sighting.found).ValueOrDie();
    ASSERT_EQ(registered.result, sighting.want);
    if (sighting.want == Known::kNeedsFullHash) continue;
    const auto [id, is_first] = ids.emplace(sighting.as, registered.partition_id);
    EXPECT_EQ(id->second, registered.partition_id);
    EXPECT_EQ(is_first, sighting.want == Known::kNew);
  }
  EXPECT_THAT(Violations(), IsEmpty());
}

const std::vector<Story> kStories = {
    {"SameFileAgain", {{Found("/a", 9, "h"), Known::kNew}, {Found("/a", 9, "h"), Known::kKnown}}},
    {"TwoFiles", {{Found("/a", 9, "h"), Known::kNew}, {Found("/b", 9, "i"), Known::kNew, 'b'}}},
    {"SameHeadOtherLength",
     {{Found("/a", kLong, "h"), Known::kNew}, {Found("/b", kLong + 1, "h"), Known::kNew, 'b'}}},
    {"ShortCopy",
     {{Found("/a", 9, "h"), Known::kNew},
      {Found("/b", 9, "h"), Known::kKnown},
      {Found("/b", 9, "h"), Known::kKnown}}},
    {"CopyWhosePathMeansAnotherSensor",
     {{Found("/s1", 9, "h+s1"), Known::kNew}, {Found("/s2", 9, "h+s2"), Known::kNew, 'b'}}},
    {"AsLongAsTheHead",
     {{Found("/a", kLong - 1, "h"), Known::kNew}, {Found("/b", kLong - 1, "h"), Known::kKnown}}},
    {"LongCopyAsksForHashes",
     {{Found("/a", kLong, "h"), Known::kNew},
      {Found("/b", kLong, "h"), Known::kNeedsFullHash},
      {Found("/b", kLong, "h", "x"), Known::kNeedsFullHash}}},
    {"LongCopyIsAnAlias",
     {{Found("/a", kLong, "h", "x"), Known::kNew},
      {Found("/b", kLong, "h"), Known::kNeedsFullHash},
      {Found("/b", kLong, "h", "x"), Known::kKnown},
      {Found("/b", kLong, "h"), Known::kKnown}}},
    {"LongLookAlikeIsNew",
     {{Found("/a", kLong, "h", "x"), Known::kNew},
      {Found("/b", kLong, "h", "y"), Known::kNew, 'b'},
      {Found("/b", kLong, "h"), Known::kKnown, 'b'},
      {Found("/c", kLong, "h", "y"), Known::kKnown, 'b'},
      {Found("/c", kLong, "h", "x"), Known::kKnown}}},
    {"RewrittenFile",
     {{Found("/a", 9, "h"), Known::kNew},
      {Found("/a", 9, "i"), Known::kNew, 'b'},
      {Found("/a", 9, "i"), Known::kKnown, 'b'}}},
    {"RewrittenAndBack",
     {{Found("/a", 9, "h"), Known::kNew},
      {Found("/a", 8, "i"), Known::kNew, 'b'},
      {Found("/a", 9, "h"), Known::kKnown}}},
    {"RewrittenBehindTheHead",
     {{Found("/a", kLong, "h", "x"), Known::kNew},
      {Found("/a", kLong, "h", "y"), Known::kNew, 'b'},
      {Found("/a", kLong, "h"), Known::kKnown, 'b'}}},
    {"AliasIsRewritten",
     {{Found("/a", 9, "h"), Known::kNew},
      {Found("/b", 9, "h"), Known::kKnown},
      {Found("/b", 9, "i"), Known::kNew, 'b'},
      {Found("/b", 9, "h"), Known::kKnown}}},
    {"EmptyFiles", {{Found("/a", 0, "e"), Known::kNew}, {Found("/b", 0, "e"), Known::kKnown}}},
    {"Growing",
     {{FoundGrowing("/a", 9, "h"), Known::kNew},
      {FoundGrowing("/a", 9, "h"), Known::kKnown},
      {FoundGrowing("/a", 99, "h"), Known::kKnown},
      {FoundGrowing("/a", kLong, "h"), Known::kKnown}}},
    {"GrowingIsByName",
     {{FoundGrowing("/a", 9, "h"), Known::kNew}, {FoundGrowing("/b", 9, "h"), Known::kNew, 'b'}}},
    {"GrowingIsReplaced",
     {{FoundGrowing("/a", 9, "h"), Known::kNew}, {FoundGrowing("/a", 12, "i"), Known::kNew, 'b'}}},
    {"GrowingIsEmptiedAndStartsAlike",
     {{FoundGrowing("/a", 90, "h"), Known::kNew},
      {FoundGrowing("/a", 12, "h"), Known::kNew, 'b'},
      {FoundGrowing("/a", 99, "h"), Known::kKnown, 'b'}}},
    {"FollowIsSwitchedOnLater",
     {{Found("/a", 9, "h"), Known::kNew}, {FoundGrowing("/a", 12, "h"), Known::kKnown}}},
};

INSTANTIATE_TEST_SUITE_P(Table, IdentityTest, ::testing::ValuesIn(kStories),
                         [](const auto& test) { return test.param.name; });

TEST_F(InputsTest, IdentityIsPerPipelineAndSource) {
  InputFound other = Found("/a", 9, "h");
  other.key.pipeline = "q";
  EXPECT_NE(Register(Found("/a", 9, "h")), Register(other));
  EXPECT_EQ(ledger_->InputCounts("q").ValueOrDie().to_process, 1);
  EXPECT_EQ(ledger_->InputCounts("").ValueOrDie().to_process, 2);
  EXPECT_EQ(ledger_->InputCounts("q").ValueOrDie().open_bytes, 9);
  EXPECT_EQ(ledger_->InputCounts("").ValueOrDie().open_bytes, 18);
}

TEST_F(InputsTest, SaysWhichFilesMustBeHashedFirst) {
  const int64_t a = Register(Found("/a", kLong, "h"));
  const auto asked = ledger_->RegisterInput(Found("/b", kLong, "h", "x")).ValueOrDie();
  ASSERT_EQ(asked.result, Known::kNeedsFullHash);
  EXPECT_THAT(asked.hash_first, ElementsAre(std::pair(a, std::string("/a"))));
  ASSERT_TRUE(ledger_->SetInputFullHash(a, "x").ok());
  EXPECT_EQ(ledger_->RegisterInput(Found("/b", kLong, "h", "x")).ValueOrDie().result,
            Known::kKnown);
  EXPECT_EQ(KindOf(ledger_->SetInputFullHash(999, "x")), ErrorKind::kNotFound);
}

TEST_F(InputsTest, AFileThatIsGoneCountsAsMovedOnlyIfItWasRead) {
  const int64_t unread = Register(Found("/a", kLong, "h"));
  ASSERT_TRUE(ledger_->SetInputFullHash(unread, "").ok());
  EXPECT_EQ(ledger_->RegisterInput(Found("/b", kLong, "h", "x")).ValueOrDie().result, Known::kNew);
  const int64_t read = Register(Found("/c", kLong, "i"));
  CommitPlan plan = Plan();
  plan.positions = {Advance(read, 0, 5)};
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  ASSERT_TRUE(ledger_->SetInputFullHash(read, "").ok());
  EXPECT_EQ(Register(Found("/d", kLong, "i", "z")), read);
}

TEST_F(InputsTest, KnownFilesAreRecognisedWhileAnotherWrites) {
  Register(Found("/a", 9, "h"));
  Register(Found("/b", 9, "h"));
  sqlite3* writer = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &writer), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(writer, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto impatient = OpenSecond(/*busy_timeout_ms=*/10);
  EXPECT_EQ(impatient->RegisterInput(Found("/a", 9, "h")).ValueOrDie().result, Known::kKnown);
  EXPECT_EQ(impatient->RegisterInput(Found("/b", 9, "h")).ValueOrDie().result, Known::kKnown);
  const auto refused = impatient->RegisterInput(Found("/c", 9, "i"));
  EXPECT_EQ(KindOf(refused.status()), ErrorKind::kUnavailable) << refused.status();
  sqlite3_close(writer);
}

TEST_F(InputsTest, ClaimsTheOldestFirst) {
  InputFound late = Found("/late", 1, "x");
  late.created_us = 3000;
  InputFound early = Found("/early", 2, "y");
  early.created_us = 1;
  const int64_t late_id = Register(late);
  const int64_t early_id = Register(early);
  const Fence fence = TakeLease();
  const auto first = Claim(fence, 1);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].partition_id, early_id);
  EXPECT_EQ(first[0].state, WorkState::kProcessing);
  EXPECT_EQ(first[0].attempts, 1);
  EXPECT_EQ(first[0].started_us, clock_.NowMicros());
  EXPECT_EQ(Claim(fence)[0].partition_id, late_id);
  EXPECT_THAT(Claim(fence), IsEmpty());
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(InputsTest, ClaimsNothingWithoutTheLease) {
  Register(Found("/a", 9, "h"));
  Fence fence = TakeLease();
  fence.epoch += 1;
  EXPECT_EQ(KindOf(ledger_->ClaimInputs("p", "s", fence, 1).status()), ErrorKind::kConflict);
  EXPECT_EQ(Only().state, WorkState::kToProcess);
}

TEST_F(InputsTest, FailuresBackOffAndEndAfterThree) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence fence = TakeLease();
  for (const int64_t wait_us : {10'000'000, 60'000'000}) {
    ASSERT_EQ(Claim(fence).size(), 1u);
    ASSERT_TRUE(ledger_->FailInput(id, fence, "disk", true).ok());
    EXPECT_EQ(Only().state, WorkState::kToProcess);
    EXPECT_EQ(Only().reason, "disk");
    EXPECT_EQ(Only().not_before_us, clock_.NowMicros() + wait_us);
    clock_.Advance(wait_us - 1);
    EXPECT_THAT(Claim(fence), IsEmpty());
    EXPECT_THAT(ledger_->Inputs({.due_only = true}).ValueOrDie(), IsEmpty());
    clock_.Advance(1);
  }
  ASSERT_EQ(Claim(fence).size(), 1u);
  ASSERT_TRUE(ledger_->FailInput(id, fence, "disk", true).ok());
  EXPECT_EQ(Only().state, WorkState::kFailed);
  EXPECT_EQ(Only().attempts, 3);
  EXPECT_EQ(Only().finished_us, clock_.NowMicros());
  clock_.Advance(3'600'000'000);
  EXPECT_THAT(Claim(fence), IsEmpty());
}

TEST_F(InputsTest, WhatCannotBeRetriedFailsAtOnce) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence fence = TakeLease();
  ASSERT_EQ(Claim(fence).size(), 1u);
  ASSERT_TRUE(ledger_->FailInput(id, fence, "not a file", false).ok());
  EXPECT_EQ(Only().state, WorkState::kFailed);
  EXPECT_EQ(KindOf(ledger_->FailInput(id, fence, "again", false)), ErrorKind::kConflict);
}

TEST_F(InputsTest, RetryRelaunchesFromTheBeginningOfTheAttempts) {
  const int64_t id = Register(Found("/in/a", 9, "h"));
  const Fence fence = TakeLease();
  ASSERT_EQ(Claim(fence).size(), 1u);
  ASSERT_TRUE(ledger_->FailInput(id, fence, "bad", false).ok());
  EXPECT_EQ(ledger_->Retry({.pipeline = "q"}).ValueOrDie(), 0);
  EXPECT_EQ(ledger_->Retry({.path_contains = "/out"}).ValueOrDie(), 0);
  EXPECT_EQ(ledger_->Retry({.state = WorkState::kDone}).ValueOrDie(), 0);
  EXPECT_EQ(ledger_->Retry({.table_key = "db.t"}).ValueOrDie(), 0);
  EXPECT_EQ(ledger_->Retry({.path_contains = "/in/"}).ValueOrDie(), 1);
  EXPECT_EQ(Only().attempts, 0);
  EXPECT_EQ(Only().reason, "bad") << "people still see why it was relaunched";
  EXPECT_EQ(Claim(fence).at(0).attempts, 1);
}

TEST_F(InputsTest, TheWholeOfWhatWasCutOffContinuesIt) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence fence = TakeLease();
  ASSERT_EQ(Claim(fence).size(), 1u);
  CommitPlan plan = Plan();
  plan.positions = {Advance(id, 0, 5)};
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  ASSERT_TRUE(ledger_->SetInputFullHash(id, "first nine").ok());
  ASSERT_TRUE(ledger_->FailInput(id, fence, "cut off", false).ok());
  InputFound whole = Found("/a", 20, "h2");
  const InputRegistered asked = ledger_->RegisterInput(whole).ValueOrDie();
  ASSERT_EQ(asked.result, InputRegistered::Result::kMayContinue);
  EXPECT_EQ(asked.shorter.byte_count, 9);
  EXPECT_EQ(asked.shorter.full_hash, "first nine");
  whole.continues = asked.shorter.partition_id;
  EXPECT_EQ(ledger_->RegisterInput(whole).ValueOrDie().partition_id, id);
  const auto claimed = Claim(fence);
  ASSERT_EQ(claimed.size(), 1u);
  EXPECT_EQ(claimed[0].partition_id, id);
  EXPECT_EQ(claimed[0].byte_count, 20);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(InputsTest, AnotherContentDoesNotContinueWhatWasCutOff) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence fence = TakeLease();
  ASSERT_EQ(Claim(fence).size(), 1u);
  ASSERT_TRUE(ledger_->SetInputFullHash(id, "first nine").ok());
  ASSERT_TRUE(ledger_->FailInput(id, fence, "cut off", false).ok());
  InputFound other = Found("/a", 20, "h2");
  EXPECT_EQ(ledger_->RegisterInput(other).ValueOrDie().result, InputRegistered::Result::kNew)
      << "nothing was read";
  other = Found("/a", 30, "h3");
  other.continues = 0;
  EXPECT_EQ(ledger_->RegisterInput(other).ValueOrDie().result, InputRegistered::Result::kNew);
}

TEST_F(InputsTest, AContentThatGrewAfterItWasDoneIsNewAndKeepsItsReason) {
  const int64_t id = Register(Found("/a", 9, "h"));
  Fence fence = TakeLease();
  ASSERT_EQ(Claim(fence).size(), 1u);
  CommitPlan plan = Done(id, fence);
  plan.positions = {Advance(id, 0, 9)};
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  InputFound grown = Found("/a", 20, "h2");
  EXPECT_EQ(ledger_->RegisterInput(grown).ValueOrDie().result, InputRegistered::Result::kNew)
      << "without its hash nothing can be compared";

  ASSERT_TRUE(ledger_->SetInputFullHash(id, "first nine").ok());
  grown = Found("/a", 30, "h3");
  const InputRegistered asked = ledger_->RegisterInput(grown).ValueOrDie();
  ASSERT_EQ(asked.result, InputRegistered::Result::kMayContinue);
  EXPECT_TRUE(asked.shorter.is_done);
  EXPECT_EQ(asked.shorter.full_hash, "first nine");
  grown.continues = 0;
  grown.reason = std::string(kGrownInputReason) + ": 9, 30";
  const InputRegistered registered = ledger_->RegisterInput(grown).ValueOrDie();
  EXPECT_EQ(registered.result, InputRegistered::Result::kNew);
  ASSERT_EQ(Claim(fence).size(), 2u);
  ASSERT_EQ(Commit(Done(registered.partition_id, fence)), Outcome::kCommitted);
  const auto done = ledger_->Inputs({.state = WorkState::kDone}).ValueOrDie();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0].reason, "");
  EXPECT_EQ(done[1].reason, grown.reason);
}

TEST_F(InputsTest, WhatFailedIsReplacedOnceItsNameHasAnotherContent) {
  const Fence fence = TakeLease();
  for (const char* path : {"/a", "/b"}) {
    const int64_t id = Register(Found(path, 9, path));
    ASSERT_EQ(Claim(fence).size(), 1u);
    ASSERT_TRUE(ledger_->FailInput(id, fence, "bad", false).ok());
  }
  EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().failed, 2);
  Register(Found("/a", 10, "mended"));
  const WorkCounts counts = ledger_->InputCounts("p").ValueOrDie();
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.replaced, 1);
  EXPECT_EQ(counts.to_process, 1);
}

TEST_F(InputsTest, AZombieCannotFailOrFinishWhatWasTakenOver) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence zombie = TakeLease();
  Claim(zombie);
  const Fence fence = Kill("2");
  EXPECT_EQ(Claim(fence).size(), 1u);
  EXPECT_EQ(KindOf(ledger_->FailInput(id, zombie, "late", true)), ErrorKind::kConflict);
  EXPECT_EQ(Commit(Done(id, zombie)), Outcome::kWorkMoved);
  EXPECT_EQ(Commit(Done(id, fence)), Outcome::kCommitted);
}

TEST_F(InputsTest, MoreBytesReopenAGrowingFile) {
  const int64_t id = Register(FoundGrowing("/a", 9, "h"));
  const Fence fence = TakeLease();
  Claim(fence);
  CommitPlan plan = Done(id, fence);
  plan.positions = {Advance(id, 0, 9)};
  plan.positions[0].is_finished = true;
  ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  EXPECT_EQ(ledger_->Partitions("p").ValueOrDie().at(0).state, "open");
  EXPECT_EQ(Register(FoundGrowing("/a", 9, "h")), id);
  EXPECT_EQ(Only().state, WorkState::kDone);
  EXPECT_EQ(Register(FoundGrowing("/a", 12, "h")), id);
  EXPECT_EQ(Only().state, WorkState::kToProcess);
  EXPECT_EQ(Only().byte_count, 12);
  EXPECT_EQ(Claim(fence).at(0).attempts, 1);
  EXPECT_EQ(ledger_->GetPosition(id, "lake").ValueOrDie().ordinal, 9u);
}

TEST_F(InputsTest, TheFeedTellsTheWholeLife) {
  const int64_t id = Register(Found("/a", 9, "h"));
  const Fence fence = TakeLease();
  Claim(fence);
  ASSERT_TRUE(ledger_->FailInput(id, fence, "why", true).ok());
  std::vector<std::string> bodies;
  for (const Event& event : ledger_->Feed(0, 100).ValueOrDie()) bodies.push_back(event.body_json);
  EXPECT_THAT(bodies,
              ElementsAre(HasSubstr(R"("to":"to_process")"), HasSubstr(R"("to":"processing")"),
                          HasSubstr(R"("reason":"why")")));
}

}  // namespace
}  // namespace catchwater
