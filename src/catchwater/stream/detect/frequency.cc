#include "catchwater/stream/detect/frequency.h"

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

constexpr size_t kBurstReadings = 8;

double Seconds(int64_t us) { return static_cast<double>(us) / 1e6; }

}  // namespace

void Frequency::AdvanceTo(int64_t now_us, std::vector<Finding>* findings) {
  if (is_silent_ || !cadence_.is_known()) return;
  const auto usual_us = static_cast<double>(cadence_.interval_us());
  const auto limit_us = static_cast<int64_t>(usual_us * config_->silence_factor);
  if (now_us - cadence_.last_us() <= limit_us) return;
  is_silent_ = true;
  state_since_us_ = cadence_.last_us();
  findings->push_back({.kind = AlarmKind::kSilence,
                       .phase = FindingPhase::kHolds,
                       .since_us = state_since_us_,
                       .at_us = cadence_.last_us() + limit_us,
                       .why = "no reading for " + ShortTime(Seconds(limit_us)) +
                              ", usual is one every " +
                              ShortTime(Seconds(cadence_.interval_us()))});
}

void Frequency::Add(const Reading& reading, std::vector<Finding>* findings) {
  const int64_t time_us = reading.time_us;
  AdvanceTo(time_us, findings);
  if (cadence_.is_known()) {
    const int64_t gap_us = time_us - cadence_.last_us();
    const std::string why = "no reading for " + ShortTime(Seconds(gap_us)) +
                            ", usual is one every " + ShortTime(Seconds(cadence_.interval_us()));
    if (is_silent_) {
      findings->push_back({.kind = AlarmKind::kSilence,
                           .phase = FindingPhase::kOver,
                           .since_us = state_since_us_,
                           .at_us = time_us,
                           .why = why + "; it is back"});
      is_silent_ = false;
    } else if (static_cast<double>(gap_us) >
               config_->gap_factor * static_cast<double>(cadence_.interval_us())) {
      findings->push_back({.kind = AlarmKind::kGap,
                           .phase = FindingPhase::kOnce,
                           .since_us = cadence_.last_us(),
                           .at_us = time_us,
                           .why = why});
    }
  }
  if (recent_us_.empty() || time_us > recent_us_.back()) {
    recent_us_.push_back(time_us);
    if (recent_us_.size() > kBurstReadings + 1) recent_us_.erase(recent_us_.begin());
  }
  CheckBurst(time_us, findings);
  cadence_.Add(time_us);
  CheckStability(time_us, findings);
}

void Frequency::CheckBurst(int64_t time_us, std::vector<Finding>* findings) {
  if (!cadence_.is_known() || recent_us_.size() <= kBurstReadings) return;
  const int64_t span_us = recent_us_.back() - recent_us_.front();
  if (!is_burst_) normal_us_ = cadence_.interval_us();
  const double usual_us = static_cast<double>(normal_us_) * static_cast<double>(kBurstReadings);
  const bool is_fast = static_cast<double>(span_us) * config_->burst_factor < usual_us;
  if (is_fast == is_burst_) return;
  is_burst_ = is_fast;
  findings->push_back({.kind = AlarmKind::kBurst,
                       .phase = is_fast ? FindingPhase::kHolds : FindingPhase::kOver,
                       .since_us = recent_us_.front(),
                       .at_us = time_us,
                       .why = std::to_string(kBurstReadings) + " readings within " +
                              ShortTime(Seconds(span_us)) + ", usual is one every " +
                              ShortTime(Seconds(normal_us_))});
}

void Frequency::CheckStability(int64_t time_us, std::vector<Finding>* findings) {
  if (recent_us_.size() <= kBurstReadings || !cadence_.is_known()) return;
  const double share = cadence_.unstable_share();
  // What began at a half ends at a third of it: no flutter at the limit.
  const bool is_unstable =
      share >= config_->unstable_share || (is_unstable_ && share * 1.5 >= config_->unstable_share);
  if (is_unstable == is_unstable_) return;
  is_unstable_ = is_unstable;
  findings->push_back({.kind = AlarmKind::kUnstable,
                       .phase = is_unstable ? FindingPhase::kHolds : FindingPhase::kOver,
                       .since_us = time_us,
                       .at_us = time_us,
                       .why = ShortNumber(share * 100) +
                              " % of the intervals are far from the usual " +
                              ShortTime(Seconds(cadence_.interval_us()))});
}

}  // namespace catchwater
