// Files whose attempts ended with their process: by a crash of its own, or killed.
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/crash_note.h"
#include "catchwater/ledger/sqlite/inputs_fixture_test.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CrashesTest : public InputsTest {
 protected:
  // As Kill, and the worker left a note. in_hand: the partition; -1: none.
  Fence Crash(const std::string& next_owner, int64_t in_hand = -1) {
    const std::string owner = ledger_->Leases().ValueOrDie().at(0).owner;
    std::ofstream(CrashNotePath(folder_.path(), owner)) << "11 " << in_hand << "\n";
    return Kill(next_owner);
  }
};

TEST_F(CrashesTest, ThreeCrashesAtOnePositionFailTheFile) {
  Register(Found("/a", 9, "h"));
  EXPECT_EQ(Claim(TakeLease()).at(0).attempts, 1);
  EXPECT_EQ(Claim(Crash("2")).at(0).attempts, 2);
  EXPECT_EQ(Claim(Crash("3")).at(0).attempts, 3);
  EXPECT_THAT(Claim(Crash("4")), IsEmpty());
  EXPECT_EQ(Only().state, WorkState::kFailed);
  EXPECT_THAT(Only().reason, HasSubstr("crashed"));
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CrashesTest, TwentyKillsDoNotFailAFile) {
  for (int i = 0; i < 3; ++i) Register(Found("/" + std::to_string(i), 9, std::to_string(i)));
  Fence fence = TakeLease();
  for (int i = 0; i < 20; ++i) {
    const auto claimed = Claim(fence);
    ASSERT_FALSE(claimed.empty()) << i;
    EXPECT_EQ(claimed[0].attempts, 1) << "a kill is no attempt that failed";
    fence = Kill(std::to_string(i));
  }
  EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().failed, 0);
  EXPECT_THAT(Violations(), IsEmpty());
}

// Want of memory ends a process as a kill does: what brings it about must not go on for ever.
TEST_F(CrashesTest, KillsOverAndOverAtOnePositionFailTheOneFile) {
  const int64_t culprit = Register(Found("/0", 9, "0"));
  Register(Found("/1", 9, "1"));
  Fence fence = TakeLease();
  int starts = 0;
  for (; starts < 100; ++starts) {
    const auto claimed = Claim(fence);
    ASSERT_FALSE(claimed.empty());
    if (claimed[0].partition_id != culprit) break;
    EXPECT_EQ(claimed.size(), starts < kSuspicionAlone ? 2u : 1u) << starts;
    fence = Kill(std::to_string(starts));
  }
  EXPECT_EQ(starts, kSuspicionMax);
  const auto inputs = ledger_->Inputs({.state = WorkState::kFailed}).ValueOrDie();
  ASSERT_EQ(inputs.size(), 1u);
  EXPECT_THAT(inputs[0].reason, HasSubstr("killed"));
}

TEST_F(CrashesTest, KillsAfterProgressStartTheCountAgain) {
  const int64_t id = Register(Found("/a", 9, "h"));
  Fence fence = TakeLease();
  for (uint64_t i = 0; i < 60; ++i) {
    ASSERT_EQ(Claim(fence).size(), 1u) << i;
    if (i % 20 == 19) {
      CommitPlan plan = Plan();
      plan.positions = {Advance(id, i / 20, i / 20 + 1)};
      ASSERT_EQ(Commit(plan), Outcome::kCommitted);
    }
    fence = Kill(std::to_string(i));
  }
  EXPECT_EQ(Only().state, WorkState::kToProcess);
}

TEST_F(CrashesTest, OnlyTheFileInHandIsToBlameForACrash) {
  const int64_t innocent = Register(Found("/0", 9, "0"));
  const int64_t culprit = Register(Found("/1", 9, "1"));
  EXPECT_EQ(Claim(TakeLease()).size(), 2u);
  EXPECT_EQ(Claim(Crash("2", culprit)).size(), 2u);
  EXPECT_EQ(Claim(Crash("3", culprit)).size(), 1u) << "the last start is made alone";
  const Fence fence = Crash("4", culprit);
  const auto next = Claim(fence);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].partition_id, innocent);
  EXPECT_EQ(next[0].attempts, 1);
  EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().failed, 1);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CrashesTest, ACrashWithAnotherPipelinesFileInHandBlamesNone) {
  const int64_t id = Register(Found("/a", 9, "h"));
  Fence fence = TakeLease();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Claim(fence).at(0).attempts, 1);
    fence = Crash(std::to_string(i), id + 1'000);
  }
}

TEST_F(CrashesTest, ALeaseThatALivingProcessLostIsNoCrash) {
  Register(Found("/a", 9, "h"));
  const std::string parent = "h/" + std::to_string(getppid()) + "/";
  TakeLease("pipeline/p", parent + "0");
  for (int i = 1; i <= 30; ++i) {
    EXPECT_EQ(Claim(Kill(parent + std::to_string(i))).at(0).attempts, 1) << i;
  }
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(CrashesTest, ACrashAfterProgressStartsTheCountAgain) {
  const int64_t id = Register(Found("/a", 9, "h"));
  Claim(TakeLease());
  for (uint64_t i = 0; i < 5; ++i) {
    CommitPlan plan = Plan();
    plan.positions = {Advance(id, i, i + 1)};
    ASSERT_EQ(Commit(plan), Outcome::kCommitted);
    EXPECT_EQ(Claim(Crash(std::to_string(i))).at(0).attempts, 1);
  }
}

TEST_F(CrashesTest, TheLastStartOfASuspectIsMadeAlone) {
  for (int i = 0; i < 3; ++i) Register(Found("/" + std::to_string(i), 9, std::to_string(i)));
  EXPECT_EQ(Claim(TakeLease()).size(), 3u);
  EXPECT_EQ(Claim(Crash("2")).size(), 3u);
  Fence fence = Crash("3");
  const auto alone = Claim(fence);
  ASSERT_EQ(alone.size(), 1u);
  EXPECT_EQ(alone[0].path, "/0");
  EXPECT_THAT(Claim(fence), IsEmpty()) << "nothing beside a suspect";
  fence = Crash("4");  // It was the culprit; the others were innocent.
  const auto next = Claim(fence);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_EQ(next[0].path, "/1");
  EXPECT_EQ(ledger_->InputCounts("p").ValueOrDie().failed, 1);
  ASSERT_EQ(Commit(Done(next[0].partition_id, fence)), Outcome::kCommitted);
  EXPECT_EQ(Claim(fence).at(0).path, "/2");
}

}  // namespace
}  // namespace catchwater
