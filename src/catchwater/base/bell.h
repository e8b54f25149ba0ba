/// \file
/// Wakes a thread that waits because there is nothing to do.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "catchwater/base/clock.h"

namespace catchwater {

/// Ring: any thread, cheap while nobody waits. Wait: one thread at a time.
class Bell {
 public:
  void Ring() {
    if (is_rung_.exchange(true)) return;
    const std::lock_guard lock(mutex_);
    wait_.request_stop();
  }

  /// Waits for the time to pass or until it rings; at once if it has rung since the last Wait.
  /// \return false if a stop was requested
  bool Wait(const Clock& clock, int64_t duration_us, std::stop_token stop) {
    std::stop_source wait;
    {
      const std::lock_guard lock(mutex_);
      if (is_rung_.exchange(false)) return !stop.stop_requested();
      wait_ = wait;
    }
    const std::stop_callback forward(stop, [&wait] { wait.request_stop(); });
    clock.SleepMicros(duration_us, wait.get_token());
    is_rung_ = false;  // Who waits looks for work after this.
    return !stop.stop_requested();
  }

 private:
  std::atomic<bool> is_rung_ = false;
  std::mutex mutex_;
  std::stop_source wait_{std::nostopstate};  // Guarded by mutex_: of the wait under way.
};

}  // namespace catchwater
