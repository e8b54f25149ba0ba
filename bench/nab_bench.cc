/// \file
/// The anomaly score of every reading of series `timestamp,value`, one line a reading, and how fast
/// it is made. bench/nab drives it and scores what it prints.
///   nab_bench anomaly|gaussian FILE... > scores      one block a file: `# FILE`, then a score a
///   line nab_bench speed FILE...                          points a second on one core
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <numbers>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/base/timestamp.h"
#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/anomaly.h"

namespace catchwater {
namespace {

struct Series {
  std::vector<int64_t> times_us;
  std::vector<double> values;
};

Series ReadSeries(const char* path) {
  Series series;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const size_t comma = line.find(',');
    if (comma == line.npos) continue;
    series.times_us.push_back(ParseIso(std::string_view(line).substr(0, comma)).us);
    series.values.push_back(std::strtod(line.c_str() + comma + 1, nullptr));
  }
  return series;
}

/// The common yardstick: how unlikely a value is by the mean and the deviation of a window that
/// moves in steps. Source: numenta/NAB, detectors/gaussian (window 6,400, step 100).
class WindowedGaussian {
 public:
  double Add(double value) {
    double score = 0;
    if (!window_.empty()) {
      const double z = std::abs(value - mean_) / deviation_;
      score = 1 - 0.5 * std::erfc(z / std::numbers::sqrt2);
    }
    if (window_.size() < 6'400) {
      window_.push_back(value);
      Learn();
      return score;
    }
    waiting_.push_back(value);
    if (waiting_.size() == 100) {
      window_.erase(window_.begin(), window_.begin() + 100);
      window_.insert(window_.end(), waiting_.begin(), waiting_.end());
      waiting_.clear();
      Learn();
    }
    return score;
  }

 private:
  void Learn() {
    double sum = 0;
    for (const double value : window_) sum += value;
    mean_ = sum / static_cast<double>(window_.size());
    double squares = 0;
    for (const double value : window_) squares += (value - mean_) * (value - mean_);
    deviation_ = std::sqrt(squares / static_cast<double>(window_.size()));
    if (deviation_ == 0) deviation_ = 1e-6;
  }

  std::deque<double> window_;
  std::vector<double> waiting_;
  double mean_ = 0, deviation_ = 1;
};

void Score(std::string_view detector, const char* path) {
  const Series series = ReadSeries(path);
  const AnomalyConfig config;  // One setting for all: the defaults.
  AnomalyScore anomaly(config);
  WindowedGaussian gaussian;
  std::printf("# %s\n", path);
  for (size_t i = 0; i < series.values.size(); ++i) {
    const double score = detector == "gaussian" ? gaussian.Add(series.values[i])
                                                : anomaly.Add(series.times_us[i], series.values[i]);
    std::printf("%.17g\n", score);
  }
}

void MeasureSpeed(int count, char** paths) {
  std::vector<Series> all;
  int64_t point_count = 0;
  for (int i = 0; i < count; ++i) {
    all.push_back(ReadSeries(paths[i]));
    point_count += static_cast<int64_t>(all.back().values.size());
  }
  constexpr int kRounds = 5;
  double best_seconds = 1e300;
  double sum = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (const Series& series : all) {
      const AnomalyConfig config;
      AnomalyScore anomaly(config);
      for (size_t i = 0; i < series.values.size(); ++i) {
        sum += anomaly.Add(series.times_us[i], series.values[i]);
      }
    }
    const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begin;
    best_seconds = std::min(best_seconds, passed.count());
  }
  std::printf("%lld points, best of %d: %.0f points/s (checksum %.6g)\n",
              static_cast<long long>(point_count), kRounds,
              static_cast<double>(point_count) / best_seconds, sum);
}

}  // namespace
}  // namespace catchwater

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "speed") {
    catchwater::MeasureSpeed(argc - 2, argv + 2);
    return 0;
  }
  if (what != "anomaly" && what != "gaussian") {
    std::fprintf(stderr, "usage: nab_bench anomaly|gaussian|speed FILE...\n");
    return 64;
  }
  for (int i = 2; i < argc; ++i) catchwater::Score(what, argv[i]);
  return 0;
}
