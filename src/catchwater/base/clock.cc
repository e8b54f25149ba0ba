#include "catchwater/base/clock.h"

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>

#include "catchwater/base/duration.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// Tests of the whole program set CATCHWATER_CLOCK_AHEAD to a duration, to see what happens after
/// hours: the wall clock goes ahead by it.
int64_t AheadMicros() {
  const char* text = std::getenv("CATCHWATER_CLOCK_AHEAD");
  if (text == nullptr || *text == '\0') return 0;
  const auto ahead = ParseDuration(text);
  CATCHWATER_CHECK(ahead.ok(), "CATCHWATER_CLOCK_AHEAD must be a duration, e.g. 2h");
  return ahead->ms * 1000;
}

}  // namespace

int64_t SystemClock::NowMicros() const {
  static const int64_t ahead_us = AheadMicros();
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
             .count() +
         ahead_us;
}

int64_t SystemClock::MonotonicMicros() const {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool SystemClock::SleepMicros(int64_t duration_us, std::stop_token stop) const {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, std::chrono::microseconds(duration_us), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace catchwater
