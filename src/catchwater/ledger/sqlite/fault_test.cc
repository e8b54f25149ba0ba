// Fails the first write of a commit, then the second, ... until it passes: the ledger must hold all
// of a commit or nothing, know which, and go on when the disk does.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/io/files.h"
#include "catchwater/ledger/sqlite/faulty_vfs_test.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::IsEmpty;
using Fault = FaultyVfs::Fault;

struct Weather {
  std::string name;
  Fault fault;
  bool is_lasting;
};

class FaultTest : public ::testing::TestWithParam<Weather> {
 protected:
  FaultTest() : path_(folder_ / "ledger.sqlite") {
    ledger_ = Ledger::Open({.path = path_}, clock_).ValueOrDie();
    partition_ = ledger_->OpenPartition({"p", "s", "x", "1"}).ValueOrDie();
    fence_ = {"l", ledger_->AcquireLease("l", "me", 1000).ValueOrDie().value_or(0)};
  }

  // Big enough for several pages of the log.
  CommitPlan Plan(int number) {
    CommitPlan plan{.id = "c" + std::to_string(number), .actor = "a", .fences = {fence_}};
    PointerSwap swap{.table_key = "db.t",
                     .expected = ledger_->TablePointer("db.t").ValueOrDie().value_or(""),
                     .next = "m" + std::to_string(number),
                     .operation = "append",
                     .rows_added = 12};
    for (int i = 0; i < 12; ++i) {
      swap.added.push_back(
          {.path = std::string(200, 'f') + std::to_string(number * 100 + i), .row_count = 1});
    }
    plan.tables = {swap};
    const uint64_t at = ledger_->GetPosition(partition_, "lake").ValueOrDie().ordinal;
    plan.positions = {{.range = {partition_, {at, ""}, {at + 12, ""}}, .consumer = "lake"}};
    return plan;
  }

  // A process that starts now on what is on the disk: the files as they are, without closing them.
  std::vector<std::string> DumpAfterCrash() {
    const std::string copy = folder_ / "crash.sqlite";
    for (const char* suffix : {"", "-wal"}) {
      std::filesystem::remove(copy + suffix);
      std::filesystem::copy_file(path_ + suffix, copy + suffix);
    }
    auto dump = DumpLedger(copy);
    EXPECT_THAT(ForeignSql(copy, "PRAGMA integrity_check"), ::testing::ElementsAre("ok"));
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(copy + suffix);
    return dump;
  }

  // One commit with its number-th operation failing. \return false if it never came so far
  bool CommitWithFault(int number) {
    const CommitPlan plan = Plan(number);
    const auto before = DumpLedger(path_);
    vfs_.Arm(GetParam().fault, number, GetParam().is_lasting);
    const auto committed = ledger_->Commit(plan);
    const bool was_hit = vfs_.was_hit();
    vfs_.Disarm();
    if (!committed.ok()) {
      EXPECT_EQ(KindOf(committed.status()), ErrorKind::kUnavailable) << committed.status();
      EXPECT_EQ(IsDiskFull(committed.status()), GetParam().fault == Fault::kDiskFull);
      EXPECT_EQ(DumpLedger(path_), before);
      EXPECT_EQ(DumpAfterCrash(), before);
      return was_hit;
    }
    if (committed->first == Outcome::kUnknown) {
      EXPECT_NE(GetParam().fault, Fault::kDiskFull) << "a full disk has a clear answer";
      ++unknown_count_;
      const auto settled = ledger_->Settle(plan).ValueOrDie();
      const bool is_there = ledger_->TablePointer("db.t").ValueOrDie() == plan.tables[0].next;
      EXPECT_EQ(settled.first == Outcome::kCommitted, is_there);
      EXPECT_EQ(DumpAfterCrash(), DumpLedger(path_)) << "settled for good";
      fence_.epoch += 1;
      return was_hit;
    }
    EXPECT_EQ(committed->first, Outcome::kCommitted);
    return was_hit;
  }

  TemporaryFolder folder_;
  FaultyVfs vfs_;
  std::string path_;
  FakeClock clock_;
  std::unique_ptr<Ledger> ledger_;
  int64_t partition_ = 0;
  Fence fence_;
  int unknown_count_ = 0;
};

TEST_P(FaultTest, LeavesAllOrNothingAndGoesOn) {
  int number = 1;
  while (CommitWithFault(number)) {
    ASSERT_LT(number, 200) << "never passed";
    ++number;
  }
  EXPECT_GT(number, 1) << "no operation was hit";
  EXPECT_EQ(unknown_count_ > 0, GetParam().fault != Fault::kDiskFull);
  EXPECT_EQ(ledger_->Commit(Plan(1000)).ValueOrDie().first, Outcome::kCommitted);
  EXPECT_THAT(ledger_->CheckInvariants().ValueOrDie(), IsEmpty());
  ledger_ = Ledger::Open({.path = path_}, clock_).ValueOrDie();
  EXPECT_THAT(ledger_->CheckInvariants().ValueOrDie(), IsEmpty());
}

TEST_P(FaultTest, OtherWritesTellOrWork) {
  for (int number = 1; number < 20; ++number) {
    const std::string name = "l" + std::to_string(number);
    vfs_.Arm(GetParam().fault, number, GetParam().is_lasting);
    const auto epoch = ledger_->AcquireLease(name, "me", 1000);
    vfs_.Disarm();
    if (epoch.ok()) continue;
    const ErrorKind want =
        GetParam().fault == Fault::kDiskFull ? ErrorKind::kUnavailable : ErrorKind::kCommitUnknown;
    EXPECT_EQ(KindOf(epoch.status()), want) << epoch.status();
    EXPECT_TRUE(ledger_->AcquireLease(name, "me", 1000).ok());
  }
}

const std::vector<Weather> kWeathers = {
    {"DiskFullOnce", Fault::kDiskFull, false},     {"DiskStaysFull", Fault::kDiskFull, true},
    {"WriteErrorOnce", Fault::kWriteError, false}, {"WritesStayBroken", Fault::kWriteError, true},
    {"SyncErrorOnce", Fault::kSyncError, false},
};

INSTANTIATE_TEST_SUITE_P(Table, FaultTest, ::testing::ValuesIn(kWeathers),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
