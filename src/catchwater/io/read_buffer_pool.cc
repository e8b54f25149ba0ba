#include "catchwater/io/read_buffer_pool.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace catchwater {
namespace {

// Holds the pool alive: blocks may outlive the source that read them.
class PooledBuffer final : public arrow::Buffer {
 public:
  PooledBuffer(ReadBuffer memory, std::shared_ptr<ReadBufferPool> pool)
      : arrow::Buffer(reinterpret_cast<const uint8_t*>(memory.view().data()), memory.byte_count()),
        memory_(std::move(memory)),
        pool_(std::move(pool)) {}
  ~PooledBuffer() override { pool_->Return(std::move(memory_)); }

 private:
  ReadBuffer memory_;
  std::shared_ptr<ReadBufferPool> pool_;
};

}  // namespace

std::shared_ptr<ReadBufferPool> ReadBufferPool::Make(int64_t usual_capacity,
                                                     int64_t kept_count_max) {
  return std::shared_ptr<ReadBufferPool>(new ReadBufferPool(usual_capacity, kept_count_max));
}

ReadBuffer ReadBufferPool::Take(int64_t capacity) {
  capacity = std::max(capacity, usual_capacity_);
  if (capacity == usual_capacity_) {
    std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      ReadBuffer buffer = std::move(kept_.back());
      kept_.pop_back();
      return buffer;
    }
  }
  const auto byte_count = static_cast<size_t>(capacity + kReadPaddingBytes);
  return {std::make_unique_for_overwrite<uint8_t[]>(byte_count), capacity};
}

void ReadBufferPool::Return(ReadBuffer buffer) {
  if (buffer.capacity() != usual_capacity_) return;
  buffer.Truncate(0);
  std::lock_guard lock(mutex_);
  if (static_cast<int64_t>(kept_.size()) < kept_count_max_) kept_.push_back(std::move(buffer));
}

std::shared_ptr<arrow::Buffer> ReadBufferPool::Share(ReadBuffer buffer) {
  std::memset(buffer.end(), 0, kReadPaddingBytes);
  return std::make_shared<PooledBuffer>(std::move(buffer), shared_from_this());
}

int64_t ReadBufferPool::kept_count() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(kept_.size());
}

}  // namespace catchwater
