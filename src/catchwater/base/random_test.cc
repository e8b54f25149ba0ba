#include "catchwater/base/random.h"

#include <cmath>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(Random, TheSameSeedGivesTheSameNumbers) {
  Random a(7);
  Random b(7);
  Random c(8);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

TEST(Random, BelowStaysBelowAndReachesEverything) {
  Random random(1);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(random.Below(5));
  EXPECT_EQ(seen, (std::set<uint64_t>{0, 1, 2, 3, 4}));
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(2);
  double sum = 0;
  double normal_sum = 0;
  double normal_squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.Uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
    const double normal = random.Normal();
    normal_sum += normal;
    normal_squares += normal * normal;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.01);
  EXPECT_NEAR(normal_sum / kDraws, 0, 0.02);
  EXPECT_NEAR(normal_squares / kDraws, 1, 0.02);
}

TEST(Random, AUuidHasTheShapeOfVersion4) {
  Random random(3);
  const std::string uuid = random.Uuid();
  ASSERT_EQ(uuid.size(), 36U);
  for (const size_t at : {8U, 13U, 18U, 23U}) EXPECT_EQ(uuid[at], '-');
  EXPECT_EQ(uuid[14], '4');
  EXPECT_NE(std::string("89ab").find(uuid[19]), std::string::npos);
  EXPECT_NE(uuid, random.Uuid());
}

}  // namespace
}  // namespace catchwater
