/// \file
/// Hands values from one thread to another, bounded in count and in bytes. A full queue blocks the
/// producer: that is the back-pressure.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace catchwater {

/// Any thread.
template <typename T>
class BoundedQueue {
 public:
  BoundedQueue(int64_t count_max, int64_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  /// Waits for room. One value always fits, however large.
  /// \return false if the queue was closed or a stop was requested; the value is then dropped
  [[nodiscard]] bool Push(T value, int64_t byte_count, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    const bool has_room = room_.wait(lock, stop, [&] {
      return is_closed_ || items_.empty() ||
             (static_cast<int64_t>(items_.size()) < count_max_ &&
              bytes_ + byte_count <= bytes_max_);
    });
    if (!has_room || is_closed_) return false;
    items_.emplace_back(std::move(value), byte_count);
    bytes_ += byte_count;
    lock.unlock();
    filled_.notify_one();
    return true;
  }

  /// Waits for a value. \return nullopt once the queue is closed and empty, or on a stop
  std::optional<T> Pop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!filled_.wait(lock, stop, [&] { return is_closed_ || !items_.empty(); })) {
      return std::nullopt;
    }
    if (items_.empty()) return std::nullopt;
    auto [value, byte_count] = std::move(items_.front());
    items_.pop_front();
    bytes_ -= byte_count;
    lock.unlock();
    room_.notify_all();
    return std::optional<T>(std::move(value));
  }

  /// No more values are taken; what is inside can still be popped.
  void Close() {
    {
      std::lock_guard lock(mutex_);
      is_closed_ = true;
    }
    filled_.notify_all();
    room_.notify_all();
  }

  int64_t byte_count() const {
    std::lock_guard lock(mutex_);
    return bytes_;
  }
  int64_t item_count() const {
    std::lock_guard lock(mutex_);
    return static_cast<int64_t>(items_.size());
  }

 private:
  const int64_t count_max_;
  const int64_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable_any filled_;
  std::condition_variable_any room_;
  std::deque<std::pair<T, int64_t>> items_;
  int64_t bytes_ = 0;
  bool is_closed_ = false;
};

}  // namespace catchwater
