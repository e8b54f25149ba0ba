#include "catchwater/stream/detect/cadence.h"

#include <algorithm>

namespace catchwater {

void Cadence::Add(int64_t time_us) {
  if (has_readings_ && time_us > last_us_) {
    const int64_t interval_us = time_us - last_us_;
    if (intervals_us_.size() < kIntervalsMax) {
      intervals_us_.push_back(interval_us);
    } else {
      intervals_us_[next_ % kIntervalsMax] = interval_us;
    }
    ++next_;
    // The median is asked for at every reading; while all is regular it need not be found again.
    if (!is_known() || interval_us != median_us_) {
      std::vector<int64_t> sorted = intervals_us_;
      const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
      std::nth_element(sorted.begin(), middle, sorted.end());
      median_us_ = *middle;
    }
  }
  last_us_ = has_readings_ ? std::max(last_us_, time_us) : time_us;
  has_readings_ = true;
}

double Cadence::unstable_share() const {
  const auto count = std::ranges::count_if(intervals_us_, [this](int64_t interval_us) {
    return interval_us < median_us_ / 2 || interval_us > median_us_ / 2 * 3;
  });
  return static_cast<double>(count) / static_cast<double>(intervals_us_.size());
}

}  // namespace catchwater
