#include "catchwater/lake/merge_plan.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/lake/partition_writer.h"

namespace catchwater {
namespace {

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kNowUs = 1'000'000 * kSecondUs;
constexpr int64_t kKiB = 1 << 10;
constexpr int64_t kMiB = 1 << 20;

struct Pending {
  int64_t count = 0;
  int64_t byte_count = 0;
  int64_t age_s = 0;
  bool is_merged = false;
  std::string partition = "day=1";
};

std::vector<DataFileRecord> Make(const std::vector<Pending>& kinds) {
  std::vector<DataFileRecord> files;
  for (const Pending& kind : kinds) {
    for (int64_t i = 0; i < kind.count; ++i) {
      DataFileRecord file;
      file.id = static_cast<int64_t>(files.size()) + 1;
      file.file = {.path = "f" + std::to_string(file.id),
                   .partition_key = kind.partition,
                   .tier = SizeTier(kind.byte_count, CompactionPolicy{}.target_file_bytes),
                   .row_count = 1,
                   .byte_count = kind.byte_count};
      file.added_by = kind.is_merged ? "replace" : "append";
      file.added_us = kNowUs - kind.age_s * kSecondUs;
      files.push_back(file);
    }
  }
  return files;
}

struct Case {
  std::string name;
  std::vector<Pending> pending;
  std::vector<size_t> want_sizes;  // Of the groups.
  bool is_last = false;
};

class PlanMergesTest : public ::testing::TestWithParam<Case> {};

TEST_P(PlanMergesTest, Chooses) {
  const auto groups = PlanMerges(Make(GetParam().pending), {.is_last = GetParam().is_last}, kNowUs);
  std::vector<size_t> sizes;
  std::set<int64_t> ids;
  for (const MergeGroup& group : groups) {
    sizes.push_back(group.files.size());
    for (const DataFileRecord& file : group.files) {
      EXPECT_EQ(file.file.partition_key, group.partition_key);
      EXPECT_TRUE(ids.insert(file.id).second) << "a file is in one group only";
    }
  }
  std::ranges::sort(sizes);
  EXPECT_EQ(sizes, GetParam().want_sizes);
}

const std::vector<Case> kCases = {
    {"Nothing", {}, {}},
    {"FewerThanMinFiles", {{4, 100 * kKiB, 90}}, {}},
    {"MinFiles", {{5, 100 * kKiB, 90}}, {5}},
    {"MinFilesButStillComing", {{5, 100 * kKiB, 10}}, {}},
    {"ManyAtOnceDoNotWait", {{48, 100 * kKiB, 0}}, {48}},
    {"MoreThanOneMergeTakes", {{130, 100 * kKiB, 0}}, {64, 64}},
    {"OldestIsTooOld", {{1, 100 * kKiB, 601}, {1, 100 * kKiB, 1}}, {2}},
    {"OneOldFileAlone", {{1, 100 * kKiB, 9'999}}, {}},
    {"OldOverTiersWhereNothingComes", {{1, 3 * kMiB, 601}, {2, 2 * kMiB, 601}}, {3}},
    {"AMuchLargerFileIsLeftAlone", {{1, 50 * kMiB, 601}, {2, kMiB, 601}}, {2}},
    {"TwoTiersAreTwoMerges", {{5, 100 * kKiB, 90}, {5, 10 * kMiB, 90}}, {5, 5}},
    {"TwoPartitionsAreTwoMerges",
     {{5, 100 * kKiB, 90, false, "day=1"}, {5, 100 * kKiB, 90, false, "day=2"}},
     {5, 5}},
    {"FourOfEachPartition",
     {{4, 100 * kKiB, 90, false, "day=1"}, {4, 100 * kKiB, 90, false, "day=2"}},
     {}},
    {"MergedOnesWaitForMore", {{47, 600 * kKiB, 500, true}}, {}},
    {"EnoughMergedOnes", {{48, 600 * kKiB, 0, true}}, {48}},
    {"MergedOnesOfTargetSize", {{5, 30 * kMiB, 0, true}}, {5}},
    {"MergedOnesStayWhileTheirPartitionGrows",
     {{20, 600 * kKiB, 3'000, true}, {1, 10 * kKiB, 1}},
     {}},
    {"MergedOnesOfARestingPartition", {{20, 600 * kKiB, 3'000, true}}, {20}},
    {"AMergeEndsAtTheTarget", {{12, 25 * kMiB, 90}}, {6, 6}},
    {"AtTheEndThreeAreMerged", {{3, 10 * kKiB, 0}}, {3}, true},
    {"AtTheEndTwoMayStay", {{2, 10 * kKiB, 0}}, {}, true},
    {"AtTheEndSmallOnesOfAnyShape",
     {{1, 4 * kMiB, 0, true}, {1, kMiB, 0}, {1, 10 * kKiB, 0}},
     {3},
     true},
    {"AtTheEndALargeOneStays", {{1, 90 * kMiB, 0, true}, {3, kMiB, 0}}, {3}, true},
};

INSTANTIATE_TEST_SUITE_P(Table, PlanMergesTest, ::testing::ValuesIn(kCases),
                         [](const auto& test) { return test.param.name; });

TEST(PlanMergesOrderTest, OldestGroupsComeFirst) {
  const auto groups = PlanMerges(Make({{5, 100 * kKiB, 70, false, "day=2"},
                                       {5, 100 * kKiB, 90, false, "day=3"},
                                       {5, 100 * kKiB, 80, false, "day=1"}}),
                                 {}, kNowUs);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].partition_key, "day=3");
  EXPECT_EQ(groups[1].partition_key, "day=1");
  EXPECT_EQ(groups[2].partition_key, "day=2");
}

TEST(PlanMergesOrderTest, HonoursAThresholdAboveTheFanOut) {
  const CompactionPolicy policy{.min_files = 60};
  EXPECT_TRUE(PlanMerges(Make({{59, 100 * kKiB, 90}}), policy, kNowUs).empty());
  EXPECT_EQ(PlanMerges(Make({{60, 100 * kKiB, 90}}), policy, kNowUs).size(), 1U);
}

struct Day {
  std::string name;
  int64_t file_bytes = 0;
  int64_t step_s = 1;
  int64_t steps = 86'400;
  int64_t steps_a_partition = 86'400;
};

/// A table that gets a file a step; merges lose no bytes, which is the worst case.
struct Simulation {
  explicit Simulation(Day of) : day(std::move(of)) {}

  const Day day;
  int64_t appended = 0;
  int64_t rewritten = 0;
  size_t live_max = 0;      // Small files at any time.
  size_t pending_last = 0;  // Small files an hour after the end.

  void Run() {
    constexpr int64_t kIntervalUs = 5 * kSecondUs;  // Of the maintenance loop.
    int64_t now_us = kNowUs;
    int64_t maintained_us = now_us;
    auto advance = [&](int64_t to_us) {
      for (; maintained_us + kIntervalUs <= to_us; maintained_us += kIntervalUs) {
        Maintain(maintained_us + kIntervalUs);
      }
    };
    for (int64_t step = 0; step < day.steps; ++step) {
      now_us += day.step_s * kSecondUs;
      advance(now_us);
      Add("p" + std::to_string(step / day.steps_a_partition), day.file_bytes, "append", now_us);
      appended += day.file_bytes;
    }
    advance(now_us + 3'600 * kSecondUs);
    pending_last = pending_.size();
  }

 private:
  void Add(const std::string& partition, int64_t bytes, const char* added_by, int64_t now_us) {
    const CompactionPolicy policy;
    const int tier = SizeTier(bytes, policy.target_file_bytes);
    if (tier < 0) return;  // Done.
    DataFileRecord file;
    file.id = ++last_id_;
    file.file.partition_key = partition;
    file.file.tier = tier;
    file.file.byte_count = bytes;
    file.added_by = added_by;
    file.added_us = now_us;
    pending_.push_back(std::move(file));
    live_max = std::max(live_max, pending_.size());
  }

  void Maintain(int64_t now_us) {
    const CompactionPolicy policy;
    for (const MergeGroup& group : PlanMerges(pending_, policy, now_us)) {
      int64_t bytes = 0;
      std::set<int64_t> ids;
      for (const DataFileRecord& file : group.files) {
        bytes += file.file.byte_count;
        ids.insert(file.id);
      }
      std::erase_if(pending_, [&](const DataFileRecord& file) { return ids.contains(file.id); });
      rewritten += bytes;
      const int64_t pieces =
          std::max<int64_t>(1, (bytes + policy.target_file_bytes / 2) / policy.target_file_bytes);
      for (int64_t i = 0; i < pieces; ++i) {
        Add(group.partition_key, bytes / pieces, "replace", now_us);
      }
    }
  }

  std::vector<DataFileRecord> pending_;
  int64_t last_id_ = 0;
};

class DayOfCommitsTest : public ::testing::TestWithParam<Day> {};

TEST_P(DayOfCommitsTest, RewritesAByteAtMostThreeTimesAndKeepsFewFiles) {
  const Day& day = GetParam();
  Simulation simulation(day);
  simulation.Run();
  const double amplification =
      static_cast<double>(simulation.rewritten) / static_cast<double>(simulation.appended);
  RecordProperty("rewritten_per_byte", std::to_string(amplification));
  RecordProperty("small_files_max", std::to_string(simulation.live_max));
  EXPECT_LE(amplification, 3.0);
  EXPECT_LE(simulation.live_max, 200U);
  const int64_t partitions = (day.steps + day.steps_a_partition - 1) / day.steps_a_partition;
  EXPECT_LE(static_cast<int64_t>(simulation.pending_last), 2 * partitions);
}

INSTANTIATE_TEST_SUITE_P(Sizes, DayOfCommitsTest,
                         ::testing::Values(Day{"OneKiB", kKiB}, Day{"TenKiB", 10 * kKiB},
                                           Day{"HundredKiB", 100 * kKiB}, Day{"OneMiB", kMiB},
                                           Day{"TenMiB", 10 * kMiB},
                                           Day{"ByHour", 10 * kKiB, 1, 86'400, 3'600},
                                           Day{"EveryTenSeconds", 10 * kKiB, 10, 8'640, 8'640},
                                           Day{"EveryMinute", 100 * kKiB, 60, 1'440, 1'440}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
