#include "catchwater/stream/detect/failure_rate.h"

#include <cmath>
#include <numbers>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {

double FailureRate::probability() const {
  const auto horizon_us = static_cast<double>(config_->horizon.us());
  const double rate = (alarms_ + 0.5) / (seen_us_ + horizon_us);
  return 1 - std::exp(-rate * horizon_us);
}

void FailureRate::Add(const Reading& reading, std::vector<Finding>* findings) {
  if (has_readings_) {
    const auto passed_us = static_cast<double>(reading.time_us - last_us_);
    const auto life_us = static_cast<double>(config_->half_life.us()) / std::numbers::ln2;
    const double kept = std::exp(-passed_us / life_us);
    alarms_ *= kept;
    seen_us_ = seen_us_ * kept + life_us * (1 - kept);
  }
  last_us_ = reading.time_us;
  has_readings_ = true;
  if (reading.is_active && !was_active_) {
    alarms_ += 1;
    ++alarm_count_;
  }
  was_active_ = reading.is_active;
  const double chance = probability();
  // What was raised is cleared well below, not at the same limit.
  const double limit = config_->probability * (is_raised_ ? 0.8 : 1);
  const bool is_probable = chance >= limit && alarm_count_ >= config_->alarms_min;
  if (!is_probable && !is_raised_) return;
  if (!is_raised_) since_us_ = reading.time_us;
  is_raised_ = is_probable;
  findings->push_back({.kind = AlarmKind::kFailureRate,
                       .phase = is_probable ? FindingPhase::kHolds : FindingPhase::kOver,
                       .since_us = since_us_,
                       .at_us = reading.time_us,
                       .value = chance,
                       .why = "an alarm within " + ShortTime(config_->horizon.seconds()) +
                              " has a probability of " + ShortNumber(std::round(chance * 100)) +
                              " %: " + std::to_string(alarm_count_) + " alarms so far, " +
                              ShortNumber(alarms_ / (seen_us_ + 1) * 86'400e6) + " a day of late"});
}

}  // namespace catchwater
