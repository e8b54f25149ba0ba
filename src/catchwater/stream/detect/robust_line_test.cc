#include "catchwater/stream/detect/robust_line.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

/// As its source says it, by sorting.
RobustLine SlowLine(const LinePoints& points) {
  std::vector<double> slopes;
  for (size_t i = 0; i < points.count; ++i) {
    for (size_t j = i + 1; j < points.count; ++j) {
      if (points.x[j] <= points.x[i]) continue;
      slopes.push_back((points.y[j] - points.y[i]) / (points.x[j] - points.x[i]));
    }
  }
  if (slopes.empty()) slopes.push_back(0);
  std::ranges::sort(slopes);
  const auto n = static_cast<double>(points.count);
  const double middle = (static_cast<double>(slopes.size()) - 1) / 2;
  const double half = 1.96 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  const auto at = [&slopes](double rank) {
    const double last = static_cast<double>(slopes.size()) - 1;
    return slopes[static_cast<size_t>(std::clamp(std::round(rank), 0.0, last))];
  };
  RobustLine line{
      .slope = at(middle), .slope_lo = at(middle - half), .slope_hi = at(middle + half)};
  std::vector<double> levels;
  for (size_t i = 0; i < points.count; ++i) {
    levels.push_back(points.y[i] - line.slope * points.x[i]);
  }
  std::ranges::sort(levels);
  const size_t last = levels.size() / 2;
  line.level = levels.size() % 2 == 1 ? levels[last] : (levels[last - 1] + levels[last]) / 2;
  return line;
}

/// Walks of all lengths: steep and flat, noisy and exact, with equal values and equal times.
std::vector<LinePoints> Walks() {
  std::vector<LinePoints> walks;
  std::mt19937 random(7);
  const auto uniform = [&random](double lo, double hi) {
    return std::uniform_real_distribution<double>(lo, hi)(random);
  };
  for (int walk = 0; walk < 4'000; ++walk) {
    const size_t count = 3 + random() % 238;
    const double slope = uniform(-0.2, 0.2);
    const double noise = walk % 4 == 0 ? 0 : uniform(0, 5);
    const double grain = walk % 3 == 0 ? 1 : 0.01;
    const double base = walk % 5 == 0 ? 1e7 : 20;
    std::vector<int64_t> times_us;
    std::vector<double> values;
    int64_t time_us = 1'700'000'000'000'000;
    for (size_t i = 0; i < count; ++i) {
      time_us += walk % 7 == 0 ? static_cast<int64_t>(random() % 3) * 500'000 : 1'000'000;
      times_us.push_back(time_us);
      const double value = base + slope * static_cast<double>(i) + uniform(-noise, noise);
      values.push_back(std::round(value / grain) * grain);
    }
    walks.push_back(LinePointsOf(times_us, values));
  }
  return walks;
}

TEST(RobustLine, IsTheMiddleOfAllSlopes) {
  for (const LinePoints& points : Walks()) {
    const RobustLine line = FitLine(points);
    const RobustLine slow = SlowLine(points);
    ASSERT_EQ(line.slope, slow.slope);
    ASSERT_EQ(line.slope_lo, slow.slope_lo);
    ASSERT_EQ(line.slope_hi, slow.slope_hi);
    ASSERT_EQ(line.level, slow.level);
  }
}

TEST(RobustLine, ThatDoesNotRiseIsMostlyKnownWithoutIt) {
  int known_count = 0;
  int not_rising_count = 0;
  for (const LinePoints& points : Walks()) {
    const bool is_rising = SlowLine(points).slope_lo > 0;
    if (!MayRise(points)) {
      ASSERT_FALSE(is_rising);
      ++known_count;
    }
    not_rising_count += is_rising ? 0 : 1;
  }
  EXPECT_GT(known_count, not_rising_count * 3 / 4);  // All but those with equal times.
}

TEST(RobustLine, ThatDoesNotReachTheThresholdIsMostlyKnownWithoutIt) {
  int known_count = 0;
  int not_reaching_count = 0;
  for (const LinePoints& points : Walks()) {
    const RobustLine line = SlowLine(points);
    for (const double seconds : {10.0, 600.0}) {
      // Also just where the line ends.
      for (const double over : {0.0, 1e-6, -1e-6, 5.0, -5.0, 40.0}) {
        const double threshold = line.level + line.slope * seconds + over;
        const double way = threshold - line.level;
        const bool is_reached = line.slope > 0 && way > 0 && way / line.slope <= seconds;
        if (!MayReach(points, threshold, seconds)) {
          ASSERT_FALSE(is_reached) << way / line.slope << " s of " << seconds << " s";
          ++known_count;
        }
        not_reaching_count += is_reached ? 0 : 1;
      }
    }
  }
  EXPECT_GT(known_count, not_reaching_count / 3);
}

TEST(RobustLine, PointsAreMediansOfNeighbours) {
  std::vector<int64_t> times_us;
  std::vector<double> values;
  for (int64_t i = 0; i < 120; ++i) {
    times_us.push_back(i * 1'000'000);
    values.push_back(i % 3 == 0 ? 1e9 : static_cast<double>(i));  // Of each three one is bad.
  }
  const LinePoints points = LinePointsOf(times_us, values);
  ASSERT_EQ(points.count, LinePoints::kCountMax);
  for (size_t i = 0; i < points.count; ++i) {
    EXPECT_EQ(points.y[i], static_cast<double>(3 * i + 2));
    EXPECT_EQ(points.x[i], static_cast<double>(3 * i + 1) - 119);
  }
}

}  // namespace
}  // namespace catchwater
