/// \file
/// `failure_rate`: how probable an alarm is within the horizon, by those that there were.
#pragma once

#include <cstdint>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Alarms come at a rate of their own for each key; history counts less the older it is. The rate
/// has a prior of half an alarm in one horizon, which fades as time passes.
/// Pure. One thread at a time.
class FailureRate final : public SavedDetector<FailureRate> {
 public:
  explicit FailureRate(const FailureRateConfig& config) : config_(&config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;

  /// Of at least one alarm within the horizon, as of the last reading.
  double probability() const;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.alarms_, self.seen_us_, self.alarm_count_, self.last_us_, self.has_readings_,
            self.was_active_, self.is_raised_, self.since_us_);
  }

 private:
  const FailureRateConfig* config_;
  double alarms_ = 0;   // Weighted by age.
  double seen_us_ = 0;  // The same of the time that was watched.
  int64_t alarm_count_ = 0;
  int64_t last_us_ = 0;
  bool has_readings_ = false;
  bool was_active_ = false;
  bool is_raised_ = false;
  int64_t since_us_ = 0;
};

}  // namespace catchwater
