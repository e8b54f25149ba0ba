#include "catchwater/stream/quantile_digest.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"

namespace catchwater {
namespace {

double RankOf(std::vector<double> values, double value) {
  std::sort(values.begin(), values.end());
  const auto at = std::lower_bound(values.begin(), values.end(), value) - values.begin();
  return static_cast<double>(at) / static_cast<double>(values.size());
}

TEST(QuantileDigest, OfOneValueIsThatValue) {
  QuantileDigest digest;
  digest.Add(7);
  EXPECT_EQ(digest.Quantile(0), 7);
  EXPECT_EQ(digest.Quantile(0.5), 7);
  EXPECT_EQ(digest.Quantile(1), 7);
}

TEST(QuantileDigest, IsExactForFewValues) {
  QuantileDigest digest;
  for (const double value : {9.0, 1.0, 5.0, 3.0, 7.0}) digest.Add(value);
  EXPECT_EQ(digest.Quantile(0), 1);
  EXPECT_EQ(digest.Quantile(0.5), 5);
  EXPECT_EQ(digest.Quantile(0.25), 3);
  EXPECT_EQ(digest.Quantile(1), 9);
}

TEST(QuantileDigest, RanksAreRightToOnePercentOverLanes) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::vector<double> values;
    QuantileDigest lanes[3];
    for (int i = 0; i < 30'000; ++i) {
      const double value = random.Normal() * random.Normal();
      values.push_back(value);
      lanes[random.Below(3)].Add(value);
    }
    lanes[0].Merge(lanes[1]);
    lanes[0].Merge(lanes[2]);
    EXPECT_EQ(lanes[0].count(), 30'000);
    for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99}) {
      EXPECT_NEAR(RankOf(values, lanes[0].Quantile(share)), share, 0.01);
    }
    EXPECT_EQ(lanes[0].Quantile(0), *std::min_element(values.begin(), values.end()));
    EXPECT_EQ(lanes[0].Quantile(1), *std::max_element(values.begin(), values.end()));
  }
}

}  // namespace
}  // namespace catchwater
