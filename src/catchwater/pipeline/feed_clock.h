/// \file
/// The clock of a sink: what waits for the target waits no longer than the delivery lasts.
#pragma once

#include <cstdint>
#include <stop_token>
#include <utility>

#include "catchwater/base/clock.h"

namespace catchwater {

/// Begin: the feed's thread, while no sink is open. The others: as the clock behind it.
class FeedClock final : public Clock {
 public:
  explicit FeedClock(const Clock& clock) : clock_(clock) {}

  /// stop: of the delivery that begins; it ends every sleep.
  void Begin(std::stop_token stop) { delivery_stop_ = std::move(stop); }

  int64_t NowMicros() const override { return clock_.NowMicros(); }
  int64_t MonotonicMicros() const override { return clock_.MonotonicMicros(); }
  bool SleepMicros(int64_t duration_us, std::stop_token stop) const override {
    std::stop_source either;
    const auto end = [&either] { either.request_stop(); };
    const std::stop_callback on_stop(stop, end);
    const std::stop_callback on_delivery_stop(delivery_stop_, end);
    return clock_.SleepMicros(duration_us, either.get_token());
  }

 private:
  const Clock& clock_;
  std::stop_token delivery_stop_;
};

}  // namespace catchwater
