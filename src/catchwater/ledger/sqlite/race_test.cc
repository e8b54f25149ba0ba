#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::IsEmpty;

constexpr int kThreads = 8;
constexpr int kCommitsPerThread = 200;

class RaceTest : public LedgerTest {};

// All threads add to one position and one table through two ledgers on one file.
class Racer {
 public:
  Racer(Ledger& ledger, int64_t partition, int number)
      : ledger_(ledger), partition_(partition), number_(number) {}

  void Run() {
    for (int i = 0; i < kCommitsPerThread; ++i) CommitOnce(i);
  }
  int64_t miss_count() const { return miss_count_; }
  const std::vector<int64_t>& seqs() const { return seqs_; }

 private:
  void CommitOnce(int i) {
    const std::string name = std::to_string(number_) + "-" + std::to_string(i);
    while (true) {
      const uint64_t at = ledger_.GetPosition(partition_, "lake").ValueOrDie().ordinal;
      const auto pointer = ledger_.TablePointer("db.t").ValueOrDie();
      CommitPlan plan{.id = name, .actor = "racer", .fences = {}};
      plan.tables = {{.table_key = "db.t",
                      .expected = pointer.value_or(""),
                      .next = "m" + name,
                      .operation = "append",
                      .rows_added = 1,
                      .added = {{.path = "f" + name, .row_count = 1}}}};
      plan.positions = {
          {.range = {.partition_id = partition_, .from = {at, ""}, .to = {at + 1, ""}},
           .consumer = "lake"}};
      plan.account = {{partition_, "lake", "", Bucket::kRows, 1},
                      {partition_, "lake", "", Bucket::kLake, 1}};
      const auto committed = ledger_.Commit(plan);
      ASSERT_TRUE(committed.ok()) << committed.status();
      if (committed->first == Outcome::kCommitted) {
        seqs_.push_back(committed->second.seq);
        return;
      }
      ASSERT_TRUE(committed->first == Outcome::kPointerMoved ||
                  committed->first == Outcome::kPositionMoved);
      ++miss_count_;
    }
  }

  Ledger& ledger_;
  const int64_t partition_;
  const int number_;
  int64_t miss_count_ = 0;
  std::vector<int64_t> seqs_;
};

TEST_F(RaceTest, TwoLedgersLoseNoUpdateAndLeaveNoGap) {
  const auto second = OpenSecond();
  const int64_t partition = MakePartition();
  std::vector<Racer> racers;
  for (int i = 0; i < kThreads; ++i) {
    racers.emplace_back(i % 2 == 0 ? *ledger_ : *second, partition, i);
  }
  {
    std::vector<std::jthread> threads;
    for (Racer& racer : racers) threads.emplace_back([&racer] { racer.Run(); });
  }
  std::map<int64_t, int> count_by_seq;
  for (const Racer& racer : racers) {
    for (const int64_t seq : racer.seqs()) ++count_by_seq[seq];
  }
  constexpr int64_t kCommits = kThreads * kCommitsPerThread;
  ASSERT_EQ(count_by_seq.size(), static_cast<size_t>(kCommits)) << "each seq once";
  EXPECT_EQ(count_by_seq.begin()->first, 1);
  EXPECT_EQ(count_by_seq.rbegin()->first, kCommits) << "no gap";
  EXPECT_EQ(ledger_->GetPosition(partition, "lake").ValueOrDie().ordinal,
            static_cast<uint64_t>(kCommits));
  EXPECT_EQ(Sql("SELECT sum(row_count) FROM data_file")[0], std::to_string(kCommits));
  EXPECT_THAT(Violations(), IsEmpty());
}

// Readers and clean-up beside a writer: nothing fails, every reader sees whole commits only.
TEST_F(RaceTest, ReadersSeeWholeCommitsBesideWritersAndPruning) {
  const auto second = OpenSecond();
  const int64_t partition = MakePartition();
  Racer racer(*ledger_, partition, 0);
  std::atomic<bool> is_over = false;
  int64_t read_count = 0;
  {
    std::jthread reader([&] {
      while (!is_over) {
        const auto account = second->Account("p").ValueOrDie();
        if (account.empty()) continue;
        ASSERT_EQ(account.size(), 2u);
        EXPECT_EQ(account[0].row_count, account[1].row_count);
        ++read_count;
      }
    });
    std::jthread cleaner([&] {
      while (!is_over) {
        EXPECT_TRUE(second->Prune(clock_.NowMicros() + 1).ok());
        EXPECT_TRUE(second->CheckpointWal().ok());
      }
    });
    racer.Run();
    is_over = true;
  }
  EXPECT_GT(read_count, 0);
  EXPECT_EQ(racer.miss_count(), 0);
  EXPECT_THAT(Violations(), IsEmpty());
}

// One lease, many who want it: an epoch is given to one owner only.
TEST_F(RaceTest, ALeaseIsGivenToOne) {
  const auto second = OpenSecond();
  for (int round = 0; round < 20; ++round) {
    std::atomic<int> holder_count = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] {
          Ledger& ledger = i % 2 == 0 ? *ledger_ : *second;
          const auto epoch = ledger.AcquireLease("l", std::to_string(i), 1000).ValueOrDie();
          if (epoch) ++holder_count;
        });
      }
    }
    EXPECT_EQ(holder_count, 1);
    clock_.Advance(1'000'000);
  }
}

}  // namespace
}  // namespace catchwater
