#include "catchwater/stream/group_counts.h"

#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kShortMax = 0xFFFF;
constexpr int64_t kWordMax = 0xFFFF'FFFF;

TEST(GroupCounts, CarryByEveryWay) {
  GroupCounts counts;
  counts.Resize(4);
  counts.Set(1, kWordMax);
  counts.Increment(1);
  counts.Increment(1);
  counts.Add(2, kWordMax);
  counts.Add(2, 3 * kWordMax);
  counts.Set(3, kWordMax);
  EXPECT_EQ(counts.Get(0), 0);
  EXPECT_EQ(counts.Get(1), kWordMax + 2);
  EXPECT_EQ(counts.Get(2), 4 * kWordMax);
  EXPECT_EQ(counts.Get(3), kWordMax);
  EXPECT_EQ(counts.Get(4), 0);
}

TEST(GroupCounts, RowByRowTheyAreExact) {
  GroupCounts counts;
  counts.Resize(2);
  for (int64_t row = 1; row <= 3 * (kShortMax + 1) + 1; ++row) {
    counts.Increment(1);
    ASSERT_EQ(counts.Get(1), row);
  }
  EXPECT_EQ(counts.Get(0), 0);
  counts.Add(1, -counts.Get(1) + kShortMax);
  EXPECT_EQ(counts.Get(1), kShortMax);
}

TEST(GroupCounts, AGroupThatIsTakenAgainBeginsAtNothing) {
  GroupCounts counts;
  counts.Resize(2);
  counts.Set(0, kWordMax * 5);
  counts.Set(1, kWordMax * 7);
  counts.Reset(std::vector<uint32_t>{0, 9});
  EXPECT_EQ(counts.Get(0), 0);
  EXPECT_EQ(counts.Get(1), kWordMax * 7);
  counts.Increment(0);
  counts.Set(1, 2);
  EXPECT_EQ(counts.Get(0), 1);
  EXPECT_EQ(counts.Get(1), 2);
}

TEST(GroupCounts, WhatIsCountedTakesTwoBytesAGroup) {
  GroupCounts counts;
  counts.Resize(1000);
  for (uint32_t group = 0; group < 1000; ++group) counts.Increment(group);
  EXPECT_EQ(counts.byte_count(), 2000);
}

}  // namespace
}  // namespace catchwater
