#include "catchwater/stream/detect/robust.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

namespace catchwater {

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
