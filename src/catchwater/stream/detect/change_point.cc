#include "catchwater/stream/detect/change_point.h"

#include <algorithm>
#include <cmath>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

constexpr size_t kBeyondMax = 256;

}  // namespace

void ChangePoint::Learn(double value) {
  learned_.push_back(value);
  if (learned_.size() < static_cast<size_t>(config_->learn)) return;
  std::vector<double> sorted = learned_;
  level_ = MedianOf(sorted);
  // A level without noise still has the noise of its digits.
  deviation_ = std::max(DeviationOf(learned_, level_), std::abs(level_) * 1e-6 + 1e-12);
  learned_.clear();
  beyond_.clear();
  up_ = down_ = 0;
}

void ChangePoint::Add(const Reading& reading, std::vector<Finding>* findings) {
  if (deviation_ < 0) {
    Learn(reading.value);
    return;
  }
  const double distance = (reading.value - level_) / deviation_;
  // One value alone is no level: it counts for at most a third of the limit.
  const double counted = std::clamp(distance, -config_->limit / 3, config_->limit / 3);
  const auto add = [&](double step, double* sum, int64_t* since_us) {
    if (*sum == 0) *since_us = reading.time_us;
    *sum = std::max(0.0, *sum + step - config_->drift);
  };
  add(counted, &up_, &up_since_us_);
  add(-counted, &down_, &down_since_us_);
  if (up_ == 0 && down_ == 0) {
    beyond_.clear();
    return;
  }
  if (beyond_.size() < kBeyondMax) beyond_.push_back(reading.value);
  if (std::max(up_, down_) < config_->limit) return;
  const double level = MedianOf(beyond_);
  if (std::abs(level - level_) >= std::max(config_->size_min, config_->drift * deviation_)) {
    findings->push_back({.kind = AlarmKind::kChangePoint,
                         .phase = FindingPhase::kOnce,
                         .since_us = up_ > down_ ? up_since_us_ : down_since_us_,
                         .at_us = reading.time_us,
                         .value = level,
                         .why = "the level went from " + ShortNumber(level_) + " to about " +
                                ShortNumber(level) + ", noise " + ShortNumber(deviation_)});
  }
  deviation_ = -1;
  learned_.clear();
  up_ = down_ = 0;
}

}  // namespace catchwater
