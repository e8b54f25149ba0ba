// Random plans against a model in memory: the same outcome, the same state, for each seed.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/ledger/sqlite/ledger_fixture_test.h"

namespace catchwater {
namespace {

using ::testing::IsEmpty;

// What a ledger must do, in the plainest words.
struct Model {
  struct File {
    int64_t row_count = 0;
    bool is_live = true;
    WorkState state = WorkState::kToProcess;
    int64_t id = 0;
    int64_t epoch = 0;  // While processing.
  };
  int64_t epoch = 0;
  std::map<std::string, std::string> pointers;
  std::map<std::string, std::map<std::string, File>> files;  // By table, by path.
  std::map<std::pair<int64_t, std::string>, uint64_t> positions;
  std::map<std::pair<int64_t, Bucket>, int64_t> account;
  std::set<std::string> marks;

  Outcome Apply(const CommitPlan& plan) {
    Model next = *this;
    const Outcome outcome = next.Try(plan);
    if (outcome == Outcome::kCommitted) *this = next;
    return outcome;
  }

 private:
  Outcome Try(const CommitPlan& plan) {
    for (const Fence& fence : plan.fences) {
      if (fence.epoch != epoch) return Outcome::kFenced;
    }
    for (const PointerSwap& swap : plan.tables) {
      if (pointers[swap.table_key] != swap.expected) return Outcome::kPointerMoved;
      pointers[swap.table_key] = swap.next;
      for (const DataFile& file : swap.added) {
        files[swap.table_key][file.path] = {.row_count = file.row_count};
      }
      for (const std::string& path : swap.removed) {
        const auto file = files[swap.table_key].find(path);
        if (file == files[swap.table_key].end() || !file->second.is_live) {
          return Outcome::kWorkMoved;
        }
        file->second.is_live = false;
        if (file->second.state != WorkState::kProcessing) file->second.state = WorkState::kDone;
      }
    }
    for (const PositionAdvance& advance : plan.positions) {
      uint64_t& at = positions[{advance.range.partition_id, advance.consumer}];
      if (at != advance.range.from.ordinal) return Outcome::kPositionMoved;
      at = advance.range.to.ordinal;
    }
    for (const WorkMove& move : plan.work) {
      if (!TryMove(move)) return Outcome::kWorkMoved;
    }
    for (const RowAccount& line : plan.account) {
      account[{line.partition_id, line.bucket}] += line.row_count_added;
    }
    for (const std::string& id : plan.replayed) {
      if (!marks.insert(id).second) return Outcome::kWorkMoved;
    }
    return Outcome::kCommitted;
  }

  bool TryMove(const WorkMove& move) {
    for (auto& [table, by_path] : files) {
      for (auto& [path, file] : by_path) {
        if (file.id != move.id) continue;
        if (file.state != WorkState::kProcessing || file.epoch != move.epoch) return false;
        file.state = move.to;
        return true;
      }
    }
    return false;
  }
};

class ModelTest : public LedgerTest {
 protected:
  void Begin(uint32_t seed) {
    random_ = Random(seed);
    model_ = {};
    prefix_ = "s" + std::to_string(seed);
    model_.epoch = ledger_->AcquireLease(prefix_, "owner", 1'000'000).ValueOrDie().value_or(-1);
    partitions_ = {MakePartition(prefix_ + "a"), MakePartition(prefix_ + "b")};
    marks_ = file_count_ = 0;
  }
  bool Chance(uint64_t percent) { return random_.Below(100) < percent; }
  std::string Table() { return prefix_ + ".t" + std::to_string(random_.Below(2)); }

  PointerSwap RandomSwap(const std::string& table_key) {
    PointerSwap swap{.table_key = table_key,
                     .expected = Chance(95) ? model_.pointers[table_key] : "elsewhere",
                     .next = prefix_ + "m" + std::to_string(plan_count_) + table_key,
                     .operation = "overwrite"};
    for (uint64_t i = random_.Below(3); i > 0; --i) {
      swap.added.push_back(
          File(prefix_ + "f" + std::to_string(++file_count_), static_cast<int64_t>(i * 10)));
      swap.rows_added += static_cast<int64_t>(i * 10);
    }
    for (const auto& [path, file] : model_.files[table_key]) {
      // Mostly live ones; now and then one that is gone.
      if (!Chance(file.is_live ? 15 : 1)) continue;
      swap.removed.push_back(path);
      swap.rows_removed += file.row_count;
    }
    return swap;
  }

  CommitPlan RandomPlan() {
    CommitPlan plan = Plan();
    plan.id = prefix_ + plan.id;
    if (Chance(80)) plan.fences = {{prefix_, model_.epoch - (Chance(3) ? 1 : 0)}};
    std::set<std::string> tables;
    for (uint64_t i = random_.Below(3); i > 0; --i) tables.insert(Table());
    for (const std::string& table : tables) plan.tables.push_back(RandomSwap(table));
    for (const std::string consumer : {"lake", "app"}) {
      if (!Chance(60)) continue;
      const int64_t partition = partitions_[random_.Below(2)];
      const uint64_t at = model_.positions[{partition, consumer}] + (Chance(4) ? 1 : 0);
      plan.positions.push_back(Advance(partition, at, at + random_.Below(5), consumer));
    }
    for (const auto& [table, files] : model_.files) {
      for (const auto& [path, file] : files) {
        if (file.state != WorkState::kProcessing || !Chance(20)) continue;
        plan.work.push_back({.kind = WorkMove::Kind::kData,
                             .id = file.id,
                             .to = Chance(50) ? WorkState::kDone : WorkState::kToProcess,
                             .lease = prefix_,
                             .epoch = file.epoch + (Chance(5) ? 1 : 0)});
      }
    }
    const auto count = static_cast<int64_t>(random_.Below(9));
    const int64_t partition = partitions_[random_.Below(2)];
    plan.account = {{partition, "lake", "", Bucket::kRows, count},
                    {partition, "lake", "", Bucket::kLake, count}};
    if (Chance(30)) {
      // An old mark now and then.
      plan.replayed = {prefix_ + "-" + std::to_string(Chance(85) ? ++marks_ : marks_)};
    }
    return plan;
  }

  // What happens beside commits: compaction takes files, leases change hands.
  void RandomAction() {
    LearnIds();
    for (auto& [table, files] : model_.files) {
      for (auto& [path, file] : files) {
        if (file.state != WorkState::kToProcess || !Chance(30)) continue;
        const bool is_claimed =
            ledger_->ClaimDataFiles({file.id}, {prefix_, model_.epoch}).ValueOrDie();
        ASSERT_EQ(is_claimed, file.is_live);
        if (!is_claimed) continue;
        file.state = WorkState::kProcessing;
        file.epoch = model_.epoch;
      }
    }
    if (Chance(10)) {
      CommitPlan lost = Plan();
      lost.id = prefix_ + lost.id;
      lost.fences = {{prefix_, model_.epoch}};
      ASSERT_EQ(ledger_->Settle(lost).ValueOrDie().first, Outcome::kFenced);
      model_.epoch += 1;
    }
  }

  void LearnIds() {
    for (const DataFileRecord& file :
         ledger_->DataFiles({.path_contains = prefix_ + "f"}).ValueOrDie()) {
      model_.files.at(file.table_key).at(file.file.path).id = file.id;
    }
  }

  void Compare() {
    for (const auto& [table, pointer] : model_.pointers) {
      EXPECT_EQ(ledger_->TablePointer(table).ValueOrDie().value_or(""), pointer);
    }
    for (const auto& [key, ordinal] : model_.positions) {
      EXPECT_EQ(ledger_->GetPosition(key.first, key.second).ValueOrDie().ordinal, ordinal);
    }
    for (const auto& [table, files] : model_.files) {
      const auto found = ledger_->DataFiles({.table_key = table}).ValueOrDie();
      ASSERT_EQ(found.size(), files.size());
      for (const DataFileRecord& file : found) {
        const Model::File& want = files.at(file.file.path);
        EXPECT_EQ(!file.removed_seq.has_value(), want.is_live) << file.file.path;
        EXPECT_EQ(WorkStateName(file.state), WorkStateName(want.state)) << file.file.path;
        EXPECT_EQ(file.file.row_count, want.row_count);
      }
    }
    std::map<std::pair<int64_t, Bucket>, int64_t> account;
    for (const AccountRecord& line : ledger_->Account("p").ValueOrDie()) {
      if (std::ranges::count(partitions_, line.partition_id) == 0) continue;
      account[{line.partition_id, line.bucket}] += line.row_count;
    }
    std::erase_if(model_.account, [](const auto& entry) { return entry.second == 0; });
    EXPECT_EQ(account, model_.account);
  }

  Random random_{0};
  Model model_;
  std::string prefix_;
  std::vector<int64_t> partitions_;
  int marks_ = 0;
  int file_count_ = 0;
};

TEST_F(ModelTest, BehavesLikeTheModelForEverySeed) {
  std::map<Outcome, int> seen;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Begin(seed);
    for (int i = 0; i < 20; ++i) {
      const CommitPlan plan = RandomPlan();
      const Outcome want = model_.Apply(plan);
      const Outcome got = Commit(plan);
      ASSERT_EQ(OutcomeName(got), OutcomeName(want)) << plan.id;
      ++seen[got];
      ASSERT_NO_FATAL_FAILURE(RandomAction());
    }
    ASSERT_NO_FATAL_FAILURE(Compare());
    ASSERT_FALSE(HasFailure());
  }
  EXPECT_THAT(Violations(), IsEmpty());
  // The walk went everywhere.
  for (const Outcome outcome :
       {Outcome::kPointerMoved, Outcome::kPositionMoved, Outcome::kFenced, Outcome::kWorkMoved}) {
    EXPECT_GT(seen[outcome], 20) << OutcomeName(outcome);
  }
  EXPECT_GT(seen[Outcome::kCommitted], 1000);
}

}  // namespace
}  // namespace catchwater
