// Kills a real process at each step of a commit and looks at what it left behind.
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::IsEmpty;

constexpr const char* kPathVariable = "CATCHWATER_TEST_LEDGER";
constexpr const char* kFailPointVariable = "CATCHWATER_FAIL_POINT";
constexpr const char* kChildTest = "KillTest.DISABLED_ChildCommits";

class KillTest : public LedgerTest {
 protected:
  static CommitPlan ChildPlan(int64_t partition) {
    CommitPlan plan{.id = "child", .actor = "pipeline/p", .fences = {{"pipeline/p", 1}}};
    plan.tables = {Append("m1", "m2", {File("f2", 5), File("f3", 6)})};
    plan.positions = {Advance(partition, 10, 20)};
    plan.account = {{partition, "lake", "", Bucket::kRows, 11},
                    {partition, "lake", "", Bucket::kLake, 11}};
    return plan;
  }
  void Prepare() {
    TakeLease();
    partition_ = MakePartition();
    CommitPlan plan = Plan();
    plan.tables = {Append("", "m1", {File("f1")})};
    plan.positions = {Advance(partition_, 0, 10)};
    ASSERT_EQ(Commit(plan), Outcome::kCommitted);
  }
  // This program again, as the child that commits. \return its wait status
  int RunChild(const std::string& fail_point) {
    ledger_.reset();
    const pid_t child = fork();
    if (child == 0) {
      setenv(kPathVariable, path_.c_str(), 1);
      setenv(kFailPointVariable, fail_point.c_str(), 1);
      const std::string filter = std::string("--gtest_filter=") + kChildTest;
      execl("/proc/self/exe", "ledger_test", filter.c_str(), "--gtest_also_run_disabled_tests",
            "--gtest_brief=1", static_cast<char*>(nullptr));
      _exit(99);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }
  bool IsCommitted() { return ledger_->TablePointer("db.t").ValueOrDie() == "m2"; }

  int64_t partition_ = 0;
};

// Not a test by itself: the life of the child. It leaves with what became of its commit.
TEST_F(KillTest, DISABLED_ChildCommits) {
  const char* path = std::getenv(kPathVariable);
  if (path == nullptr) GTEST_SKIP() << "only as a child of the other tests";
  const auto ledger = Ledger::Open({.path = path}, clock_).ValueOrDie();
  const CommitPlan plan = ChildPlan(ledger->Partitions("p").ValueOrDie().at(0).id);
  const auto committed = ledger->Commit(plan);
  if (!committed.ok()) _exit(10);
  if (committed->first != Outcome::kUnknown) _exit(20 + static_cast<int>(committed->first));
  const auto settled = ledger->Settle(plan);
  _exit(settled.ok() ? 30 + static_cast<int>(settled->first) : 40);
}

struct Step {
  FailPoint point;
  bool is_durable;  // The commit has happened when this step is reached.
};
const std::vector<Step> kSteps = {{FailPoint::kCommitBegun, false},
                                  {FailPoint::kCommitPointersSwapped, false},
                                  {FailPoint::kCommitPositionsMoved, false},
                                  {FailPoint::kCommitBeforeEnd, false},
                                  {FailPoint::kCommitDone, true}};

TEST_F(KillTest, EveryStepOfACommitIsInTheTable) {
  size_t count = 0;
  for (const FailPoint point : AllFailPoints()) {
    if (FailPointName(point).starts_with("commit.")) ++count;
  }
  EXPECT_EQ(count, kSteps.size());
}

TEST_F(KillTest, LeavesAllOrNothing) {
  Prepare();
  for (const Step& step : kSteps) {
    SCOPED_TRACE(FailPointName(step.point));
    const auto before = Dump();
    const int status = RunChild(std::string(FailPointName(step.point)) + "=kill");
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    Reopen();
    EXPECT_EQ(IsCommitted(), step.is_durable);
    if (!step.is_durable) {
      EXPECT_EQ(Dump(), before);
    }
    EXPECT_THAT(Violations(), IsEmpty());
  }
  EXPECT_EQ(ledger_->GetPosition(partition_, "lake").ValueOrDie().ordinal, 20u);
  EXPECT_EQ(ledger_->Settle(ChildPlan(partition_)).ValueOrDie().first, Outcome::kCommitted);
}

TEST_F(KillTest, AnErrorInAStepRollsBackAndALostAnswerIsSettled) {
  Prepare();
  for (const Step& step : kSteps) {
    SCOPED_TRACE(FailPointName(step.point));
    const auto before = Dump();
    const int status = RunChild(std::string(FailPointName(step.point)) + "=error");
    ASSERT_TRUE(WIFEXITED(status)) << status;
    EXPECT_EQ(WEXITSTATUS(status),
              step.is_durable ? 30 + static_cast<int>(Outcome::kCommitted) : 10);
    Reopen();
    EXPECT_EQ(IsCommitted(), step.is_durable);
    if (!step.is_durable) {
      EXPECT_EQ(Dump(), before);
    }
  }
}

}  // namespace
}  // namespace catchwater
