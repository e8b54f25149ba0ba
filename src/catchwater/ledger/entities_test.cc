#include "catchwater/ledger/entities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> Names(int from, int to) {
  std::vector<std::string> names;
  for (int i = from; i < to; ++i) names.push_back("s" + std::to_string(1000 + i));
  return names;
}

TEST(MergeEntities, SortsAndKeepsEachOnce) {
  EXPECT_THAT(MergeEntities({}, {}), IsEmpty());
  EXPECT_THAT(MergeEntities({"b"}, {"a", "b", "", "ü"}), ElementsAre("", "a", "b", "ü"));
}

TEST(MergeEntities, CountsWhatIsBeyondTheLimit) {
  EXPECT_EQ(MergeEntities(Names(0, 60), Names(40, 100)).size(), 100u);
  const auto merged = MergeEntities(Names(0, 60), Names(40, 103));
  ASSERT_EQ(merged.size(), 101u);
  EXPECT_EQ(merged.back(), "+3");
}

TEST(MergeEntities, AddsCountsUp) {
  const auto first = MergeEntities(Names(0, 105), {});
  EXPECT_EQ(MergeEntities(first, {}).back(), "+5");
  EXPECT_EQ(MergeEntities(first, first).back(), "+10") << "an upper bound";
  EXPECT_EQ(MergeEntities({}, first), first);
}

TEST(MergeEntities, ASensorMayLookLikeACount) {
  EXPECT_THAT(MergeEntities({"+5"}, {"a"}), ElementsAre("+5", "a"));
  auto full = Names(0, 100);
  full.push_back("+x");
  EXPECT_EQ(MergeEntities(full, {}).back(), "+1");
}

}  // namespace
}  // namespace catchwater
