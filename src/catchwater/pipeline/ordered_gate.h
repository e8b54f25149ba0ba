/// \file
/// Lets the lanes of a pipeline pass one at a time, in the order in which blocks came from the
/// source: what a step with state over batches needs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace catchwater {

/// Any thread. Every sequence number from 0 on must enter and leave once.
class OrderedGate {
 public:
  /// Waits for the turn. \return false on a stop: the caller must not go on
  [[nodiscard]] bool Enter(uint64_t sequence, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    return turn_.wait(lock, stop, [&] { return next_ == sequence; });
  }

  void Leave() {
    {
      std::lock_guard lock(mutex_);
      ++next_;
    }
    turn_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any turn_;
  uint64_t next_ = 0;
};

}  // namespace catchwater
