#include "catchwater/io/read_buffer_pool.h"

#include <cstring>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

ReadBuffer Filled(ReadBufferPool& pool, std::string_view bytes) {
  ReadBuffer buffer = pool.Take();
  std::memcpy(buffer.end(), bytes.data(), bytes.size());
  buffer.AddFilled(static_cast<int64_t>(bytes.size()));
  return buffer;
}

TEST(ReadBufferPool, MemoryComesBackWithTheLastReference) {
  const auto pool = ReadBufferPool::Make(64);
  auto shared = pool->Share(Filled(*pool, "abc"));
  auto slice = arrow::SliceBuffer(shared, 1, 2);
  const uint8_t* memory = shared->data();
  shared.reset();
  EXPECT_EQ(pool->kept_count(), 0);
  EXPECT_EQ(slice->ToString(), "bc");
  slice.reset();
  EXPECT_EQ(pool->kept_count(), 1);
  ReadBuffer again = pool->Take();
  EXPECT_EQ(reinterpret_cast<const uint8_t*>(again.begin()), memory);
  EXPECT_EQ(again.byte_count(), 0);
}

TEST(ReadBufferPool, KeepsNoMoreThanItsBoundAndNoLargeOnes) {
  const auto pool = ReadBufferPool::Make(64, /*kept_count_max=*/2);
  for (int round = 0; round < 2; ++round) {
    std::vector<ReadBuffer> taken;
    for (int i = 0; i < 5; ++i) taken.push_back(pool->Take());
    for (auto& buffer : taken) pool->Return(std::move(buffer));
    EXPECT_EQ(pool->kept_count(), 2);
  }
  pool->Return(pool->Take(1'000));
  EXPECT_EQ(pool->kept_count(), 2);
}

TEST(ReadBufferPool, PaddingIsReadableAndZero) {
  const auto pool = ReadBufferPool::Make(64);
  std::string full(64, 'x');
  const auto shared = pool->Share(Filled(*pool, full));
  for (int64_t i = 0; i < kReadPaddingBytes; ++i) EXPECT_EQ(shared->data()[64 + i], 0);
}

TEST(ReadBufferPool, BlocksOutliveTheirPool) {
  auto pool = ReadBufferPool::Make(64);
  const auto shared = pool->Share(Filled(*pool, "abc"));
  pool.reset();
  EXPECT_EQ(shared->ToString(), "abc");
}

}  // namespace
}  // namespace catchwater
