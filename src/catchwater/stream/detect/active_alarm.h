/// \file
/// `active_alarm`: what the sender itself calls an alarm, and since when until when.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Takes readings in the order of arrival: an activation that is older than the last known clearing
/// raises nothing. Pure. One thread at a time.
class ActiveAlarm final : public SavedDetector<ActiveAlarm> {
 public:
  explicit ActiveAlarm(const ActiveAlarmConfig&) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;
  bool is_in_order_of_arrival() const override { return true; }

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.is_active_, self.since_us_, self.newest_active_us_, self.cleared_us_);
  }

 private:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

  bool is_active_ = false;
  int64_t since_us_ = kNever;          // First known activation of the alarm that is on.
  int64_t newest_active_us_ = kNever;  // A clearing before it clears nothing.
  int64_t cleared_us_ = kNever;        // Newest known clearing.
};

}  // namespace catchwater
