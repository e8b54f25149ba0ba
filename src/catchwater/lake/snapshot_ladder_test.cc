#include "catchwater/lake/snapshot_ladder.h"

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kMinute = 60'000;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kNow = 100'000 * kHour;

TableMetadata WithSnapshots(const std::vector<int64_t>& ages_ms) {
  TableMetadata metadata;
  for (size_t i = 0; i < ages_ms.size(); ++i) {
    Snapshot snapshot;
    snapshot.snapshot_id = static_cast<int64_t>(i) + 1;
    snapshot.sequence_number = snapshot.snapshot_id;
    snapshot.timestamp_ms = kNow - ages_ms[i];
    metadata.snapshots.push_back(std::make_shared<const Snapshot>(snapshot));
    metadata.snapshot_log.push_back(
        {.timestamp_ms = snapshot.timestamp_ms, .snapshot_id = snapshot.snapshot_id});
    metadata.current_snapshot_id = snapshot.snapshot_id;
  }
  return metadata;
}

std::vector<int64_t> Kept(const TableMetadata& metadata, SnapshotLadder ladder = {},
                          int64_t removed_max = 1'000'000) {
  std::vector<int64_t> ids;
  for (const auto& snapshot : SplitByLadder(metadata, ladder, kNow, removed_max).kept) {
    ids.push_back(snapshot->snapshot_id);
  }
  return ids;
}

TEST(SnapshotLadder, KeepsTheLastMinutesWhole) {
  const auto metadata = WithSnapshots({5 * kMinute, 4 * kMinute, 4 * kMinute - 1, 10, 0});
  EXPECT_EQ(Kept(metadata), (std::vector<int64_t>{1, 2, 3, 4, 5}));
}

TEST(SnapshotLadder, KeepsTheLastOfEachMinuteThenOfEachHour) {
  const auto metadata =
      WithSnapshots({26 * kHour + 10 * kMinute, 26 * kHour + 5 * kMinute, 25 * kHour + 5 * kMinute,
                     30 * kMinute + 3, 30 * kMinute + 1, 29 * kMinute + 1, 0});
  EXPECT_EQ(Kept(metadata), (std::vector<int64_t>{2, 3, 5, 6, 7}));
}

TEST(SnapshotLadder, ForgetsWhatIsOlderThanAWeek) {
  const auto metadata = WithSnapshots({170 * kHour, 169 * kHour, 167 * kHour, 0});
  EXPECT_EQ(Kept(metadata), (std::vector<int64_t>{3, 4}));
}

TEST(SnapshotLadder, KeepsTheCurrentOneAndWhatRefsName) {
  auto metadata = WithSnapshots({500 * kHour, 400 * kHour, 300 * kHour});
  metadata.refs["tag"] = {.snapshot_id = 1, .is_branch = false};
  EXPECT_EQ(Kept(metadata), (std::vector<int64_t>{1, 3}));
}

TEST(SnapshotLadder, KeepsAtMostTheYoungest) {
  const auto metadata = WithSnapshots({50, 40, 30, 20, 10, 0});
  SnapshotLadder ladder;
  ladder.count_max = 3;
  EXPECT_EQ(Kept(metadata, ladder), (std::vector<int64_t>{4, 5, 6}));
}

TEST(SnapshotLadder, RemovesABoundedNumberAtOnceTheOldestFirst) {
  const auto metadata = WithSnapshots({500 * kHour, 400 * kHour, 300 * kHour, 0});
  EXPECT_EQ(Kept(metadata, {}, /*removed_max=*/2), (std::vector<int64_t>{3, 4}));
}

TEST(SnapshotLadder, ADayOfOneCommitASecondStaysUnderItsBound) {
  std::vector<int64_t> ages;
  for (int64_t age = 24 * kHour; age >= 0; age -= 1000) ages.push_back(age);
  EXPECT_LE(Kept(WithSnapshots(ages)).size(), 300U);
}

TEST(LinearHistory, IsNotOneWithBranchesOrRollBacks) {
  auto metadata = WithSnapshots({3, 2, 1});
  EXPECT_TRUE(IsLinearHistory(metadata));
  auto branched = metadata;
  branched.refs["audit"] = {.snapshot_id = 2, .is_branch = true};
  EXPECT_FALSE(IsLinearHistory(branched));
  auto tagged = metadata;
  tagged.refs["v1"] = {.snapshot_id = 2, .is_branch = false};
  EXPECT_TRUE(IsLinearHistory(tagged));
  auto rolled_back = metadata;
  rolled_back.snapshot_log.push_back({.timestamp_ms = kNow, .snapshot_id = 2});
  EXPECT_FALSE(IsLinearHistory(rolled_back));
  auto staged = metadata;
  staged.snapshot_log.pop_back();
  EXPECT_FALSE(IsLinearHistory(staged));
}

}  // namespace
}  // namespace catchwater
