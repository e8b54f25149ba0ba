#include "catchwater/ledger/state_machine.h"

#include <set>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

using Kind = WorkMove::Kind;
using enum WorkState;

constexpr WorkState kAll[] = {kToProcess, kProcessing, kDone, kFailed};

TEST(StateMachine, AllowsWhatTheTableSaysAndNothingElse) {
  using Pairs = std::set<std::pair<WorkState, WorkState>>;
  const Pairs input = {{kToProcess, kProcessing}, {kProcessing, kProcessing}, {kProcessing, kDone},
                       {kProcessing, kToProcess}, {kProcessing, kFailed},     {kFailed, kToProcess},
                       {kDone, kToProcess}};
  const Pairs data = {{kToProcess, kProcessing}, {kProcessing, kDone},  {kProcessing, kToProcess},
                      {kProcessing, kFailed},    {kFailed, kToProcess}, {kToProcess, kDone},
                      {kFailed, kDone}};
  for (const WorkState from : kAll) {
    for (const WorkState to : kAll) {
      SCOPED_TRACE(std::string(WorkStateName(from)) + " -> " + std::string(WorkStateName(to)));
      EXPECT_EQ(MayMove(Kind::kInput, from, to), input.contains({from, to}));
      EXPECT_EQ(MayMove(Kind::kData, from, to), data.contains({from, to}));
    }
  }
}

TEST(StateMachine, SaysWhyOfEveryTransition) {
  for (const Kind kind : {Kind::kInput, Kind::kData}) {
    for (const WorkTransition& transition : WorkTransitions(kind)) {
      EXPECT_FALSE(transition.why.empty());
    }
  }
}

TEST(StateMachine, NothingLeavesProcessingByClaiming) {
  for (const WorkState from : {kDone, kFailed}) {
    EXPECT_FALSE(MayMove(Kind::kInput, from, kProcessing));
    EXPECT_FALSE(MayMove(Kind::kData, from, kProcessing));
  }
}

TEST(StateMachineDeathTest, EndsTheProgramOnAMoveThatIsNotInTheTable) {
  EXPECT_DEATH(CheckMove(Kind::kData, kDone, kToProcess), "between these states");
}

TEST(BackOff, GrowsBySixAndIsBounded) {
  EXPECT_EQ(BackOffMicros(1), 10'000'000);
  EXPECT_EQ(BackOffMicros(2), 60'000'000);
  EXPECT_EQ(BackOffMicros(3), 360'000'000);
  EXPECT_EQ(BackOffMicros(4), 600'000'000);
  EXPECT_EQ(BackOffMicros(1'000'000), 600'000'000);
  EXPECT_DEATH(BackOffMicros(0), "counted from 1");
}

TEST(Names, ReadBackWhatTheyWrite) {
  for (const WorkState state : kAll) {
    EXPECT_EQ(WorkStateFromName(WorkStateName(state)).ValueOrDie(), state);
  }
  for (int i = 0; i <= static_cast<int>(Bucket::kFuture); ++i) {
    const auto bucket = static_cast<Bucket>(i);
    EXPECT_EQ(BucketFromName(BucketName(bucket)).ValueOrDie(), bucket);
  }
  EXPECT_FALSE(WorkStateFromName("").ok());
  EXPECT_FALSE(WorkStateFromName("Done").ok());
  EXPECT_FALSE(BucketFromName("lakes").ok());
  EXPECT_EQ(OutcomeName(Outcome::kWorkMoved), "work_moved");
}

}  // namespace
}  // namespace catchwater
