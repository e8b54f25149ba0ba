// Kills a process at each step of upkeep, goes on in another one, and looks whether anything was
// lost. The child is this program again: a step is armed by the environment once a process.
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "catchwater/base/fail_point.h"
#include "catchwater/lake/janitor.h"
#include "catchwater/lake/orphans.h"
#include "catchwater/lake/retention.h"
#include "catchwater/lake/upkeep_fixture_test.h"

namespace catchwater {
namespace {

constexpr char kFolder[] = "CATCHWATER_KILL_TEST_FOLDER";
constexpr char kNow[] = "CATCHWATER_KILL_TEST_NOW";

/// Everything that maintenance does, on whatever the folder holds.
arrow::Status DoUpkeep(Lake& lake, const std::string& owner, const std::string& spill_folder) {
  Compactor compactor(lake, owner, spill_folder);
  ARROW_RETURN_NOT_OK(compactor.Run({.table_key = kReadings, .gather_ms = 0}, {}).status());
  ARROW_RETURN_NOT_OK(
      RemoveExpiredFiles(lake, owner, kReadings, 5 * kTestDayUs / 1'000, {}).status());
  Janitor janitor(lake, owner);
  ARROW_RETURN_NOT_OK(janitor.ExpireSnapshots(kReadings).status());
  ARROW_RETURN_NOT_OK(janitor.QueueRemoved(kReadings).status());
  ARROW_RETURN_NOT_OK(janitor.UnlinkDue({}).status());
  ARROW_ASSIGN_OR_RAISE(const auto dead, DeadEpochs::Fence(lake, owner));
  return RemoveOrphans(lake, dead, kReadings, {}, {}).status();
}

TEST(UpkeepKillChild, DISABLED_DoesUpkeep) {
  const std::string folder = std::getenv(kFolder);
  StillClock clock;
  clock.now_us = std::stoll(std::getenv(kNow));
  const auto files = MakeLocalFiles();
  const auto ledger = Ledger::Open({.path = folder + "/ledger.sqlite"}, clock).ValueOrDie();
  const auto lake =
      Lake::Open(*files, *ledger, clock, Random::FromSystem(), ShortHistory(folder + "/lake"))
          .ValueOrDie();
  ASSERT_TRUE(DoUpkeep(*lake, "child-" + std::to_string(getpid()), folder + "/spill").ok());
}

class UpkeepKillTest : public UpkeepTest, public ::testing::WithParamInterface<FailPoint> {
 protected:
  void Close() {
    lake_.reset();
    ledger_.reset();
  }
  void Open() {
    ledger_ = Ledger::Open({.path = folder_.path() + "/ledger.sqlite"}, clock_).ValueOrDie();
    lake_ = OpenLake(ShortHistory());
  }

  /// \return true if the child was killed at the step
  bool RunChild(const std::string& fail_point) {
    const pid_t child = fork();
    if (child == 0) {
      setenv(kFolder, folder_.path().c_str(), 1);
      setenv(kNow, std::to_string(clock_.now_us).c_str(), 1);
      setenv("CATCHWATER_FAIL_POINT", (fail_point + "=kill").c_str(), 1);
      execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
            "--gtest_filter=UpkeepKillChild.DISABLED_DoesUpkeep", nullptr);
      _exit(127);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) return WTERMSIG(status) == SIGKILL;
    EXPECT_EQ(WEXITSTATUS(status), 0);
    return false;
  }

  /// A table with something to do for each kind of upkeep: files to merge, rows to retire,
  /// snapshots to expire, files to unlink, an orphan.
  void Prepare() {
    lake_ = OpenLake(ShortHistory());
    AppendMany(5, /*day=*/1);
    Advance(kTestSecondUs);
    Compact();
    Advance(1'000 * kTestSecondUs);
    Janitor janitor(*lake_, owner_);
    ASSERT_GT(janitor.ExpireSnapshots(kReadings).ValueOrDie(), 0);
    ASSERT_EQ(janitor.QueueRemoved(kReadings).ValueOrDie(), 5);
    Advance(kTestSecondUs);
    AppendMany(3, /*day=*/10);  // To be retired.
    AppendMany(6, /*day=*/0);   // To be merged.
    const int64_t epoch = *ledger_->AcquireLease("pipeline/p", "killed", 1'000).ValueOrDie();
    WriteFiles(*lake_, Table(), ReadingsBatch({{.id = 99}}),
               {.lease = "pipeline/p", .epoch = epoch});
    Advance(700 * kTestSecondUs);
  }
};

TEST_P(UpkeepKillTest, LosesNothingAndLeavesNothingBehind) {
  Prepare();
  std::multiset<int64_t> kept = IdsUpTo(5);
  for (int64_t id = 8; id < 14; ++id) kept.insert(id);
  Close();
  EXPECT_TRUE(RunChild(std::string(FailPointName(GetParam()))))
      << "upkeep must come by each of its steps";
  Open();
  EXPECT_EQ(Violations(), std::vector<std::string>{}) << "right after the kill";
  // Others go on: first as the leases allow, then until everything is done.
  for (int round = 0; round < 6; ++round) {
    Advance(700 * kTestSecondUs);
    const auto done = DoUpkeep(*lake_, "successor", folder_.path() + "/spill");
    ASSERT_TRUE(done.ok()) << done;
    ASSERT_EQ(Violations(), std::vector<std::string>{}) << "round " << round;
  }
  EXPECT_EQ(Ids(), kept);
  EXPECT_EQ(DataFiles({.state = WorkState::kProcessing}).size(), 0U);
  EXPECT_EQ(DataFiles({.state = WorkState::kFailed}).size(), 0U);
  EXPECT_EQ(CountOnDisk(".parquet"), Table()->data_file_count());
  // What was superseded by the very commit and not yet queued is found too, in time.
  const auto dead = DeadEpochs::Fence(*lake_, owner_).ValueOrDie();
  ASSERT_TRUE(
      RemoveOrphans(*lake_, dead, kReadings, {.foreign_age_us = -400 * kTestDayUs}, {}).ok());
  EXPECT_EQ(Violations(), std::vector<std::string>{});
  EXPECT_LE(CountOnDisk(".avro"), 12) << "lists and manifests of what is kept";
}

INSTANTIATE_TEST_SUITE_P(
    Steps, UpkeepKillTest,
    ::testing::Values(FailPoint::kCompactLeased, FailPoint::kCompactFileWritten,
                      FailPoint::kCompactMetadataWritten, FailPoint::kCompactCommitted,
                      FailPoint::kExpireMetadataWritten, FailPoint::kExpireCommitted,
                      FailPoint::kUnlinkBegin, FailPoint::kUnlinkFileRemoved,
                      FailPoint::kUnlinkRecorded, FailPoint::kOrphanListed,
                      FailPoint::kOrphanRemoved),
    [](const auto& test) {
      std::string name(FailPointName(test.param));
      for (char& c : name) c = c == '.' ? '_' : c;
      return name;
    });

}  // namespace
}  // namespace catchwater
