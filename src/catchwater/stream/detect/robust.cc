#include "catchwater/stream/detect/robust.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kPointsMax = 40;

}  // namespace

double MedianOf(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

double DeviationOf(std::span<const double> values, double median) {
  std::vector<double> distances;
  distances.reserve(values.size());
  for (const double value : values) distances.push_back(std::abs(value - median));
  return 1.4826 * MedianOf(distances);
}

RobustLine FitLine(std::span<const int64_t> times_us, std::span<const double> values) {
  CATCHWATER_CHECK(times_us.size() == values.size() && values.size() >= 3, "a line needs points");
  const int64_t end_us = times_us.back();
  const size_t count = std::min(values.size(), kPointsMax);
  std::vector<double> x(count);
  std::vector<double> y(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t begin = i * values.size() / count;
    const size_t end = (i + 1) * values.size() / count;
    std::vector<double> some(values.begin() + static_cast<std::ptrdiff_t>(begin),
                             values.begin() + static_cast<std::ptrdiff_t>(end));
    y[i] = MedianOf(some);
    x[i] = static_cast<double>(times_us[(begin + end - 1) / 2] - end_us) / 1e6;
  }
  std::vector<double> slopes;
  slopes.reserve(count * (count - 1) / 2);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = i + 1; j < count; ++j) {
      if (x[j] > x[i]) slopes.push_back((y[j] - y[i]) / (x[j] - x[i]));
    }
  }
  RobustLine line;
  if (slopes.empty()) slopes.push_back(0);
  std::ranges::sort(slopes);
  const auto at = [&slopes](double rank) {
    const auto last = static_cast<double>(slopes.size() - 1);
    return slopes[static_cast<size_t>(std::clamp(std::round(rank), 0.0, last))];
  };
  // The variance of Kendall's statistic for points without ties.
  const auto n = static_cast<double>(count);
  const auto pairs = static_cast<double>(slopes.size());
  const double half = 1.96 * std::sqrt(n * (n - 1) * (2 * n + 5) / 18) / 2;
  line.slope = at((pairs - 1) / 2);
  line.slope_lo = at((pairs - 1) / 2 - half);
  line.slope_hi = at((pairs - 1) / 2 + half);
  for (size_t i = 0; i < count; ++i) y[i] -= line.slope * x[i];
  line.level = MedianOf(y);
  return line;
}

std::string ShortNumber(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), std::abs(value) < 1e6 ? "%.4g" : "%.6g", value);
  return text;
}

std::string ShortTime(double seconds) {
  char text[32];
  if (seconds < 90) {
    std::snprintf(text, sizeof(text), "%.3g s", seconds);
  } else if (seconds < 120 * 60) {
    std::snprintf(text, sizeof(text), "%.0f min", seconds / 60);
  } else if (seconds < 48 * 3'600) {
    std::snprintf(text, sizeof(text), "%.1f h", seconds / 3'600);
  } else {
    std::snprintf(text, sizeof(text), "%.1f d", seconds / 86'400);
  }
  return text;
}

}  // namespace catchwater
