/// \file
/// A mutex that is given out in the order of asking.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace catchwater {

/// Long work in many short transactions (pruning) would keep a plain mutex busy: whoever unlocks it
/// may lock it again before a waiting commit wakes up. Any thread.
class FairMutex {
 public:
  void lock() {
    std::unique_lock lock(mutex_);
    const uint64_t ticket = ticket_next_++;
    turn_changed_.wait(lock, [&] { return ticket == turn_; });
  }

  void unlock() {
    {
      const std::lock_guard lock(mutex_);
      ++turn_;
    }
    turn_changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable turn_changed_;
  uint64_t ticket_next_ = 0;
  uint64_t turn_ = 0;
};

}  // namespace catchwater
