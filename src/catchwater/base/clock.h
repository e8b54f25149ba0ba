/// \file
/// Time as a dependency. Event time and processing time never share a variable; all times are UTC.
#pragma once

#include <cstdint>
#include <stop_token>

namespace catchwater {

/// Any thread. The only place that may sleep.
class Clock {
 public:
  virtual ~Clock() = default;
  /// Wall clock, microseconds since the Unix epoch.
  virtual int64_t NowMicros() const = 0;
  /// Never goes back; for intervals. Microseconds since an arbitrary start.
  virtual int64_t MonotonicMicros() const = 0;
  /// Waits for the time to pass. \return false if a stop was requested meanwhile
  virtual bool SleepMicros(int64_t duration_us, std::stop_token stop) const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t NowMicros() const override;
  int64_t MonotonicMicros() const override;
  bool SleepMicros(int64_t duration_us, std::stop_token stop) const override;
};

}  // namespace catchwater
