/// \file
/// Statistics that single bad values do not move.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace catchwater {

/// Reorders the values. \pre not empty
double MedianOf(std::span<double> values);
/// Median of the distances to the median, scaled to the standard deviation of a normal
/// distribution.
double DeviationOf(std::span<const double> values, double median);

struct RobustLine {
  double slope = 0;                   ///< Of value a second.
  double slope_lo = 0, slope_hi = 0;  ///< About 95 % of lines are within.
  double level = 0;                   ///< At the last time.
};
/// Theil and Sen: the median of the slopes between all pairs of points.
/// Bounds: at most 40 points are used; more are joined to medians of neighbours.
/// \pre at least 3 points, times ascending
/// Source: P. K. Sen, Estimates of the regression coefficient based on Kendall's tau, 1968.
RobustLine FitLine(std::span<const int64_t> times_us, std::span<const double> values);

/// "12.3": as few digits as tell it.
std::string ShortNumber(double value);
/// "45 s", "12 min", "3.5 h", "2 d".
std::string ShortTime(double seconds);

}  // namespace catchwater
