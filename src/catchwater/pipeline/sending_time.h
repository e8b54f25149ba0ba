/// \file
/// The time in which a sink may get rows: it can be cut short by another thread, which then knows
/// that nothing comes after it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace catchwater {

/// Begin and End: one thread. Cut: any thread.
class SendingTime {
 public:
  /// \return stops when the time is cut short
  std::stop_token Begin() {
    const std::lock_guard lock(mutex_);
    cut_ = std::stop_source();
    return cut_.get_token();
  }
  void End() {
    {
      const std::lock_guard lock(mutex_);
      cut_ = std::stop_source(std::nostopstate);
    }
    ended_.notify_all();
  }

  /// Cuts short what goes on and waits for its end.
  /// \return false if it did not end within the time
  bool Cut(int64_t timeout_us) {
    std::unique_lock lock(mutex_);
    const std::stop_source going_on = cut_;
    if (!going_on.stop_possible()) return true;
    cut_.request_stop();
    return ended_.wait_for(lock, std::chrono::microseconds(timeout_us),
                           [&] { return !(cut_ == going_on); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  std::stop_source cut_{std::nostopstate};  // Guarded by mutex_; without a state: nothing goes on.
};

}  // namespace catchwater
