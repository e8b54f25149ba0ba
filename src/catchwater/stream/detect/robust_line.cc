#include "catchwater/stream/detect/robust_line.h"

#include <algorithm>
#include <cmath>

#include "catchwater/base/error.h"
#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

constexpr size_t kPairsMax = LinePoints::kCountMax * (LinePoints::kCountMax - 1) / 2;

/// Where the middle and the bounds of the slopes are in their order, as fractions of a rank.
struct Ranks {
  double middle;
  double half;
};

Ranks RanksOf(size_t point_count, size_t pair_count) {
  // The variance of Kendall's statistic for points without ties.
  const auto n = static_cast<double>(point_count);
  return {.middle = (static_cast<double>(pair_count) - 1) / 2,
          .half = 1.96 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2};
}

bool HasPointsOfOneTime(const LinePoints& points) {
  const auto end = points.x.begin() + static_cast<std::ptrdiff_t>(points.count);
  return std::adjacent_find(points.x.begin(), end) != end;
}

/// The pairs whose later point is under the line of that slope through the earlier one, or on it.
/// Of those that are nearer to the line than `doubt` any may be left out.
int64_t CountSlopesUpTo(const LinePoints& points, double slope, double doubt) {
  std::array<double, LinePoints::kCountMax> y;
  for (size_t i = 0; i < points.count; ++i) y[i] = points.y[i] - slope * points.x[i];
  int64_t count = 0;
  for (size_t i = 0; i < points.count; ++i) {
    const double own = y[i] - doubt;
    for (size_t j = i + 1; j < points.count; ++j) count += y[j] <= own ? 1 : 0;
  }
  return count;
}

}  // namespace

LinePoints LinePointsOf(std::span<const int64_t> times_us, std::span<const double> values) {
  CATCHWATER_CHECK(times_us.size() == values.size() && values.size() >= 3, "a line needs points");
  const int64_t end_us = times_us.back();
  LinePoints points;
  points.count = std::min(values.size(), LinePoints::kCountMax);
  std::vector<double> some;
  some.reserve(values.size() / points.count + 1);
  for (size_t i = 0; i < points.count; ++i) {
    const size_t begin = i * values.size() / points.count;
    const size_t end = (i + 1) * values.size() / points.count;
    some.assign(values.begin() + static_cast<std::ptrdiff_t>(begin),
                values.begin() + static_cast<std::ptrdiff_t>(end));
    points.y[i] = MedianOf(some);
    points.x[i] = static_cast<double>(times_us[(begin + end - 1) / 2] - end_us) / 1e6;
  }
  return points;
}

RobustLine FitLine(const LinePoints& points) {
  std::array<double, kPairsMax> slopes;
  size_t count = 0;
  for (size_t i = 0; i < points.count; ++i) {
    for (size_t j = i + 1; j < points.count; ++j) {
      const double seconds = points.x[j] - points.x[i];
      if (seconds > 0) slopes[count++] = (points.y[j] - points.y[i]) / seconds;
    }
  }
  if (count == 0) slopes[count++] = 0;
  const Ranks ranks = RanksOf(points.count, count);
  const auto place = [&slopes, count](double rank) {
    const double within = std::clamp(std::round(rank), 0.0, static_cast<double>(count - 1));
    return slopes.begin() + static_cast<std::ptrdiff_t>(within);
  };
  const auto end = slopes.begin() + static_cast<std::ptrdiff_t>(count);
  const auto middle = place(ranks.middle);
  const auto lo = place(ranks.middle - ranks.half);
  const auto hi = place(ranks.middle + ranks.half);
  std::nth_element(slopes.begin(), middle, end);
  if (lo != middle) std::nth_element(slopes.begin(), lo, middle);
  if (hi != middle) std::nth_element(middle + 1, hi, end);
  RobustLine line{.slope = *middle, .slope_lo = *lo, .slope_hi = *hi};
  std::array<double, LinePoints::kCountMax> levels;
  for (size_t i = 0; i < points.count; ++i) levels[i] = points.y[i] - line.slope * points.x[i];
  line.level = MedianOf(std::span(levels).first(points.count));
  return line;
}

bool MayRise(const LinePoints& points) {
  if (HasPointsOfOneTime(points)) return true;
  const size_t pair_count = points.count * (points.count - 1) / 2;
  const Ranks ranks = RanksOf(points.count, pair_count);
  return static_cast<double>(CountSlopesUpTo(points, 0, 0)) <=
         std::max(0.0, std::round(ranks.middle - ranks.half));
}

bool MayReach(const LinePoints& points, double threshold, double seconds) {
  if (HasPointsOfOneTime(points)) return true;
  // The line has its level where half of the points are over it. With a slope that takes less than
  // half of them to the threshold it is under it at the end; the least that takes them is the
  // middle of what each needs.
  std::array<double, LinePoints::kCountMax> needed;
  double size_max = std::abs(threshold);
  for (size_t i = 0; i < points.count; ++i) {
    size_max = std::max(size_max, std::abs(points.y[i]));
    needed[i] = (threshold - points.y[i]) / (seconds - points.x[i]);
  }
  const auto lower = needed.begin() + static_cast<std::ptrdiff_t>((points.count - 1) / 2);
  std::nth_element(needed.begin(), lower,
                   needed.begin() + static_cast<std::ptrdiff_t>(points.count));
  constexpr double kRounding = 1e-12;
  const size_t pair_count = points.count * (points.count - 1) / 2;
  return static_cast<double>(CountSlopesUpTo(points, *lower, kRounding * size_max)) <=
         std::round(RanksOf(points.count, pair_count).middle);
}

}  // namespace catchwater
