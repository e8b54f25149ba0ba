// How long commits take and how large the ledger grows. The long runs are for people:
//   ledger_test --gtest_filter='TimingTest.*' --gtest_also_run_disabled_tests
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::IsEmpty;

class TimingTest : public LedgerTest {
 protected:
  TimingTest() {
    fence_ = TakeLease();
    partition_ = MakePartition();
  }

  // One table, two files, one position, six lines of the account.
  CommitPlan TypicalPlan(int64_t i) {
    const std::string number = std::to_string(i);
    const std::string warehouse = "file:///srv/lake/sensors/readings/";
    CommitPlan plan{
        .id = "0b9cb7f2-53d6-4a5e-9f0e-" + number, .actor = "pipeline/sensors", .fences = {fence_}};
    const std::string next =
        warehouse + "metadata/" + number + "-0b9cb7f2-53d6-4a5e-9f0e-0242ac120002.metadata.json";
    plan.tables = {{.table_key = "sensors.readings",
                    .expected = pointer_,
                    .next = next,
                    .operation = "append",
                    .snapshot_id = i + 1,
                    .rows_added = 60}};
    pointer_ = next;
    for (const char* half : {"a", "b"}) {
      live_.push_back(warehouse + "data/ts_day=2026-01-02/" + number + half +
                      "-0b9cb7f2-53d6-4a5e-9f0e-0242ac120002.parquet");
      plan.tables[0].added.push_back({.path = live_.back(),
                                      .partition_key = "ts_day=2026-01-02",
                                      .row_count = 30,
                                      .byte_count = 4000});
    }
    const auto at = static_cast<uint64_t>(i) * 60;
    plan.positions = {Advance(partition_, at, at + 60)};
    plan.account = {{partition_, "lake", "", Bucket::kFrames, 62},
                    {partition_, "lake", "", Bucket::kDecodedFrames, 61},
                    {partition_, "lake", "csv", Bucket::kDeadFrames, 1},
                    {partition_, "lake", "", Bucket::kRows, 61},
                    {partition_, "lake", "", Bucket::kLake, 60},
                    {partition_, "lake", "select[0]", Bucket::kFiltered, 1}};
    return plan;
  }

  // Ten small files become one, as compaction does it.
  CommitPlan MergePlan(int64_t i) {
    CommitPlan plan = TypicalPlan(0);
    plan.id = "merge-" + std::to_string(i);
    plan.positions = {};
    plan.account = {};
    PointerSwap& swap = plan.tables[0];
    live_.resize(live_.size() - 2);
    swap.operation = "replace";
    swap.next = pointer_ = "merge-" + std::to_string(i);
    swap.added = {{.path = "file:///srv/lake/merged-" + std::to_string(i), .tier = -1}};
    swap.added[0].row_count = swap.rows_added = swap.rows_removed =
        static_cast<int64_t>(live_.size()) * 30;
    swap.removed = std::move(live_);
    live_.clear();
    return plan;
  }

  // Wall time depends on the disk and on what else runs; processor time does not.
  static int64_t ProcessorMicros() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1'000'000 + now.tv_nsec / 1000;
  }
  int64_t Timed(const CommitPlan& plan) {
    const SystemClock stopwatch;
    const int64_t begin_us = stopwatch.MonotonicMicros();
    const int64_t processor_begin_us = ProcessorMicros();
    EXPECT_EQ(Commit(plan), Outcome::kCommitted);
    processor_times_.push_back(ProcessorMicros() - processor_begin_us);
    return stopwatch.MonotonicMicros() - begin_us;
  }
  void Print(const char* what, const std::vector<int64_t>& times) {
    const size_t tail = std::min<size_t>(times.size(), 5000);
    const std::vector<int64_t> last(times.end() - static_cast<std::ptrdiff_t>(tail), times.end());
    const std::vector<int64_t> last_processor(
        processor_times_.end() - static_cast<std::ptrdiff_t>(tail), processor_times_.end());
    std::printf(
        "%s, %zu commits: p50 %ld us, p99 %ld us; last %zu: p50 %ld us, p99 %ld us; processor "
        "p50 %ld us, p99 %ld us, last p99 %ld us; file %.1f MiB\n",
        what, times.size(), Percentile(times, 0.5), Percentile(times, 0.99), tail,
        Percentile(last, 0.5), Percentile(last, 0.99), Percentile(processor_times_, 0.5),
        Percentile(processor_times_, 0.99), Percentile(last_processor, 0.99), MegaBytes());
    EXPECT_LE(Percentile(last, 0.99), 10'000);
    EXPECT_LE(Percentile(last_processor, 0.99), 2'000);
  }

  static int64_t Percentile(std::vector<int64_t> values, double share) {
    std::ranges::sort(values);
    return values[static_cast<size_t>(static_cast<double>(values.size() - 1) * share)];
  }
  double MegaBytes() { return static_cast<double>(std::filesystem::file_size(path_)) / (1 << 20); }

  // As the janitor does it, who has unlinked them by then.
  void TakeOverRemoved() {
    std::vector<UnlinkRecord> unlinks;
    std::vector<std::string> paths;
    for (const auto& file :
         ledger_->RemovedDataFiles("sensors.readings", {}, 100'000).ValueOrDie()) {
      unlinks.push_back({.path = file.file.path,
                         .table_key = file.table_key,
                         .not_before_us = 0,
                         .data_file_id = file.id});
      paths.push_back(file.file.path);
    }
    EXPECT_TRUE(ledger_->QueueUnlink(unlinks).ok());
    EXPECT_TRUE(ledger_->RemoveUnlinks(paths).ok());
  }

  // \return the commits' times in microseconds
  std::vector<int64_t> Run(int64_t commits, int64_t prune_every, int64_t keep_us) {
    std::vector<int64_t> times;
    for (int64_t i = 0; i < commits; ++i) {
      clock_.Advance(1'000'000);
      times.push_back(Timed(TypicalPlan(i)));
      if (i % 10 == 9) {
        EXPECT_EQ(Commit(MergePlan(i)), Outcome::kCommitted);
      }
      if (i % 20 == 19) {
        EXPECT_TRUE(ledger_->CheckpointWal().ok());
      }
      if (i % prune_every == prune_every - 1) {
        TakeOverRemoved();
        EXPECT_TRUE(ledger_->Prune(clock_.NowMicros() - keep_us).ok());
      }
    }
    return times;
  }

  Fence fence_;
  int64_t partition_ = 0;
  std::string pointer_;
  std::vector<std::string> live_;
  std::vector<int64_t> processor_times_;
};

TEST_F(TimingTest, PruningBoundsTheFile) {
  Run(600, /*prune_every=*/60, /*keep_us=*/60'000'000);
  ASSERT_TRUE(ledger_->CheckpointWal().ok());
  EXPECT_LT(MegaBytes(), 0.8) << "600 commits unpruned are 1 MiB";
  EXPECT_LE(std::stoll(Sql("SELECT count(*) FROM commit_log")[0]), 200);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(TimingTest, DISABLED_FiveThousandCommits) {
  std::vector<int64_t> times;
  for (int64_t i = 0; i < 5000; ++i) times.push_back(Timed(TypicalPlan(i)));
  Print("Nothing else", times);
  EXPECT_LE(Percentile(times, 0.5), 3'000);
}

TEST_F(TimingTest, DISABLED_ADayOfOneCommitASecond) {
  Print("Pruned to 1 h", Run(86'400, /*prune_every=*/600, /*keep_us=*/3'600'000'000));
  EXPECT_LE(MegaBytes(), 50);
  EXPECT_THAT(Violations(), IsEmpty());
}

TEST_F(TimingTest, DISABLED_ADayWithoutPruning) {
  Print("Not pruned", Run(86'400, /*prune_every=*/1'000'000, 0));
}

}  // namespace
}  // namespace catchwater
