#include "catchwater/base/bounded_queue.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(BoundedQueue, GivesValuesBackInOrder) {
  BoundedQueue<int> queue(10, 1'000);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(queue.Push(i, 1, {}));
  EXPECT_EQ(queue.byte_count(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(queue.Pop({}), i);
  EXPECT_EQ(queue.byte_count(), 0);
}

TEST(BoundedQueue, OneValueFitsHoweverLarge) {
  BoundedQueue<int> queue(1, 10);
  EXPECT_TRUE(queue.Push(1, 1'000'000, {}));
}

TEST(BoundedQueue, AFullQueueBlocksUntilAStop) {
  BoundedQueue<int> queue(1, 1'000);
  ASSERT_TRUE(queue.Push(1, 1, {}));
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(queue.Push(2, 1, stop.get_token()));
}

TEST(BoundedQueue, BytesAreBoundedToo) {
  BoundedQueue<int> queue(100, 10);
  ASSERT_TRUE(queue.Push(1, 8, {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(queue.Push(2, 3, stop.get_token()));
  EXPECT_TRUE(queue.Push(2, 2, {}));
}

TEST(BoundedQueue, AClosedQueueIsEmptiedThenEnds) {
  BoundedQueue<int> queue(10, 10);
  ASSERT_TRUE(queue.Push(1, 1, {}));
  queue.Close();
  EXPECT_FALSE(queue.Push(2, 1, {}));
  EXPECT_EQ(queue.Pop({}), 1);
  EXPECT_EQ(queue.Pop({}), std::nullopt);
}

TEST(BoundedQueue, NothingIsLostBetweenManyThreads) {
  BoundedQueue<int64_t> queue(3, 1'000);
  std::atomic<int64_t> sum{0};
  {
    std::vector<std::jthread> consumers;
    for (int i = 0; i < 3; ++i) {
      consumers.emplace_back([&] {
        while (auto value = queue.Pop({})) sum += *value;
      });
    }
    {
      std::vector<std::jthread> producers;
      for (int i = 0; i < 3; ++i) {
        producers.emplace_back([&] {
          for (int64_t value = 1; value <= 1'000; ++value) EXPECT_TRUE(queue.Push(value, 1, {}));
        });
      }
    }
    queue.Close();
  }
  EXPECT_EQ(sum.load(), 3 * 500'500);
}

}  // namespace
}  // namespace catchwater
