/// \file
/// Delays as a histogram with relative buckets: small, mergeable, percentiles to 5 percent.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace catchwater {

/// One thread at a time. Values are microseconds; below 1 counts as 1, above 10 days as 10 days.
class DelayHistogram {
 public:
  void Add(int64_t delay_us, int64_t count = 1) {
    counts_[Index(delay_us)] += count;
    count_ += count;
  }

  void Merge(const DelayHistogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
  }

  /// The least delay that a share of the values does not exceed; 0 if there are none.
  int64_t PercentileMicros(double share) const {
    if (count_ == 0) return 0;
    const auto rank = static_cast<int64_t>(std::ceil(share * static_cast<double>(count_)));
    int64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= rank) return static_cast<int64_t>(std::pow(kGrowth, static_cast<double>(i)));
    }
    return static_cast<int64_t>(std::pow(kGrowth, static_cast<double>(counts_.size() - 1)));
  }

  int64_t count() const { return count_; }

 private:
  static constexpr double kGrowth = 1.05;
  static constexpr size_t kBuckets = 570;  // 1.05^569 us is above ten days.

  static size_t Index(int64_t delay_us) {
    if (delay_us <= 1) return 0;
    const double index = std::ceil(std::log(static_cast<double>(delay_us)) / std::log(kGrowth));
    return std::min(kBuckets - 1, static_cast<size_t>(index));
  }

  std::array<int64_t, kBuckets> counts_{};
  int64_t count_ = 0;
};

}  // namespace catchwater
