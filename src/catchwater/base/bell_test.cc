#include "catchwater/base/bell.h"

#include <thread>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kLongUs = 60'000'000;

TEST(Bell, EndsAWait) {
  const SystemClock clock;
  Bell bell;
  const std::jthread ringer([&] {
    clock.SleepMicros(20'000, {});
    bell.Ring();
  });
  const int64_t begin_us = clock.MonotonicMicros();
  EXPECT_TRUE(bell.Wait(clock, kLongUs, {}));
  EXPECT_LT(clock.MonotonicMicros() - begin_us, kLongUs / 2);
}

TEST(Bell, IsHeardOnceIfItRangBefore) {
  const SystemClock clock;
  Bell bell;
  bell.Ring();
  bell.Ring();
  EXPECT_TRUE(bell.Wait(clock, kLongUs, {}));
  const int64_t begin_us = clock.MonotonicMicros();
  EXPECT_TRUE(bell.Wait(clock, 20'000, {}));
  EXPECT_GE(clock.MonotonicMicros() - begin_us, 20'000);
}

TEST(Bell, AStopEndsAWait) {
  const SystemClock clock;
  Bell bell;
  std::stop_source stop;
  const std::jthread stopper([&] {
    clock.SleepMicros(20'000, {});
    stop.request_stop();
  });
  EXPECT_FALSE(bell.Wait(clock, kLongUs, stop.get_token()));
  EXPECT_FALSE(bell.Wait(clock, kLongUs, stop.get_token()));
}

TEST(Bell, NoRingIsMissed) {
  const SystemClock clock;
  Bell bell;
  constexpr int kCount = 20'000;
  std::atomic<int> made = 0;
  const std::jthread maker([&] {
    for (int i = 0; i < kCount; ++i) {
      ++made;
      bell.Ring();
    }
  });
  const int64_t begin_us = clock.MonotonicMicros();
  while (made < kCount) bell.Wait(clock, kLongUs, {});
  EXPECT_LT(clock.MonotonicMicros() - begin_us, kLongUs / 2);
}

}  // namespace
}  // namespace catchwater
