/// \file
/// The line through points that single bad values do not move, and two questions about it that
/// are answered with a tenth of the work.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace catchwater {

/// What a line is fitted to. Bounds: 40 points; more are joined to medians of neighbours.
struct LinePoints {
  static constexpr size_t kCountMax = 40;

  size_t count = 0;
  std::array<double, kCountMax> x;  ///< Seconds up to the last time: at most 0.
  std::array<double, kCountMax> y;
};
/// \pre at least 3 values, times ascending
LinePoints LinePointsOf(std::span<const int64_t> times_us, std::span<const double> values);

struct RobustLine {
  double slope = 0;                   ///< Of value a second.
  double slope_lo = 0, slope_hi = 0;  ///< About 95 % of lines are within.
  double level = 0;                   ///< At the last time.
};
/// Theil and Sen: the median of the slopes between all pairs of points.
/// Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
RobustLine FitLine(const LinePoints& points);

/// False only if `slope_lo` of the line is not over 0: counted, not sorted.
bool MayRise(const LinePoints& points);
/// False only if the line is still under the threshold so many seconds after the last time.
bool MayReach(const LinePoints& points, double threshold, double seconds);

}  // namespace catchwater
