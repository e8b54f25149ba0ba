/// \file
/// Statistics that single bad values do not move.
#pragma once

#include <span>
#include <string>

namespace catchwater {

/// Reorders the values. \pre not empty
double MedianOf(std::span<double> values);
/// Median of the distances to the median, scaled to the standard deviation of a normal
/// distribution.
double DeviationOf(std::span<const double> values, double median);

/// "12.3": as few digits as tell it.
std::string ShortNumber(double value);
/// "45 s", "12 min", "3.5 h", "2 d".
std::string ShortTime(double seconds);

}  // namespace catchwater
