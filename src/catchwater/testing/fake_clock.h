/// \file
/// A clock that only moves when it is told to.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "catchwater/base/clock.h"

namespace catchwater {

/// Any thread. NowMicros starts at start_us, MonotonicMicros at 0.
class FakeClock final : public Clock {
 public:
  enum class OnSleep {
    kAdvance,  ///< Sleeping moves the time and returns at once: one thread.
    kWait,     ///< Sleeping waits until another thread has moved the time far enough.
  };
  static constexpr int64_t kDefaultStartUs = 1'767'225'600'000'000;  ///< 2026-01-01T00:00:00Z

  explicit FakeClock(int64_t start_us = kDefaultStartUs, OnSleep on_sleep = OnSleep::kAdvance)
      : start_us_(start_us), on_sleep_(on_sleep) {}

  int64_t NowMicros() const override { return start_us_ + MonotonicMicros(); }
  int64_t MonotonicMicros() const override;
  bool SleepMicros(int64_t duration_us, std::stop_token stop) const override;

  void Advance(int64_t duration_us);
  /// How many threads sleep now (OnSleep::kWait).
  int64_t sleeper_count() const;

 private:
  const int64_t start_us_;
  const OnSleep on_sleep_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any moved_;
  mutable int64_t elapsed_us_ = 0;
  mutable int64_t sleeper_count_ = 0;
};

}  // namespace catchwater
