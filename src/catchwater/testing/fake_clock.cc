#include "catchwater/testing/fake_clock.h"

#include <utility>

namespace catchwater {

int64_t FakeClock::MonotonicMicros() const {
  std::lock_guard lock(mutex_);
  return elapsed_us_;
}

bool FakeClock::SleepMicros(int64_t duration_us, std::stop_token stop) const {
  std::unique_lock lock(mutex_);
  if (on_sleep_ == OnSleep::kAdvance) {
    if (!stop.stop_requested()) elapsed_us_ += duration_us;
    return !stop.stop_requested();
  }
  const int64_t wake_at_us = elapsed_us_ + duration_us;
  ++sleeper_count_;
  moved_.wait(lock, stop, [&] { return elapsed_us_ >= wake_at_us; });
  --sleeper_count_;
  return !stop.stop_requested();
}

void FakeClock::Advance(int64_t duration_us) {
  {
    std::lock_guard lock(mutex_);
    elapsed_us_ += duration_us;
  }
  moved_.notify_all();
}

int64_t FakeClock::sleeper_count() const {
  std::lock_guard lock(mutex_);
  return sleeper_count_;
}

}  // namespace catchwater
