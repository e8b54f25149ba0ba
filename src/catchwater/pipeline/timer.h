/// \file
/// Calls a function again and again on a thread of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <thread>
#include <utility>

#include "catchwater/base/clock.h"

namespace catchwater {

/// The first call comes after one interval. The destructor waits for a running call.
class Timer {
 public:
  Timer(const Clock& clock, int64_t interval_us, std::function<void()> call)
      : thread_([&clock, interval_us, call = std::move(call)](std::stop_token stop) {
          while (clock.SleepMicros(interval_us, stop)) call();
        }) {}

 private:
  std::jthread thread_;
};

}  // namespace catchwater
