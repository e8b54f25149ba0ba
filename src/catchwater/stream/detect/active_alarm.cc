#include "catchwater/stream/detect/active_alarm.h"

#include <algorithm>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {

void ActiveAlarm::Add(const Reading& reading, std::vector<Finding>* findings) {
  const int64_t time_us = reading.time_us;
  Finding finding{.kind = AlarmKind::kActive, .at_us = time_us, .value = reading.value};
  if (reading.is_active) {
    newest_active_us_ = std::max(newest_active_us_, time_us);
    if (time_us <= cleared_us_) return;  // It is known to be over.
    // One that comes late may have begun earlier than what is known.
    const int64_t since_us = is_active_ ? std::min(since_us_, time_us) : time_us;
    const bool is_news = !is_active_ || since_us < since_us_;
    is_active_ = true;
    since_us_ = since_us;
    if (!is_news) return;
    finding.since_us = since_us;
    finding.why = "the sender reports an alarm, value " + ShortNumber(reading.value);
    if (!std::isnan(reading.threshold)) {
      finding.why += ", threshold " + ShortNumber(reading.threshold);
    }
  } else {
    cleared_us_ = std::max(cleared_us_, time_us);
    if (!is_active_ || time_us < newest_active_us_) return;
    is_active_ = false;
    finding.phase = FindingPhase::kOver;
    finding.since_us = since_us_;
    finding.why = "the sender reports that it is over, value " + ShortNumber(reading.value);
  }
  findings->push_back(std::move(finding));
}

}  // namespace catchwater
