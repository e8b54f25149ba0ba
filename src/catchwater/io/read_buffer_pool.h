/// \file
/// Reusable memory for what is read: a block's bytes go to another thread and the memory comes back
/// when the last user lets go. Fresh memory would cost a page fault per 4 KiB.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <arrow/buffer.h>

namespace catchwater {

/// Bytes behind the data that may be read (not their values): parsers with wide loads need them.
inline constexpr int64_t kReadPaddingBytes = 128;

/// Memory being filled. Move only. Turns into an immutable arrow::Buffer by Share.
class ReadBuffer {
 public:
  ReadBuffer() = default;
  ReadBuffer(std::unique_ptr<uint8_t[]> memory, int64_t capacity)
      : memory_(std::move(memory)), capacity_(capacity) {}

  char* begin() { return reinterpret_cast<char*>(memory_.get()); }
  char* end() { return begin() + byte_count_; }
  std::string_view view() const {
    return {reinterpret_cast<const char*>(memory_.get()), static_cast<size_t>(byte_count_)};
  }
  int64_t byte_count() const { return byte_count_; }
  int64_t capacity() const { return capacity_; }  ///< Without the padding.
  int64_t free_count() const { return capacity_ - byte_count_; }
  void AddFilled(int64_t byte_count) { byte_count_ += byte_count; }
  void Truncate(int64_t byte_count) { byte_count_ = byte_count; }

 private:
  friend class ReadBufferPool;
  std::unique_ptr<uint8_t[]> memory_;  // capacity_ + kReadPaddingBytes.
  int64_t capacity_ = 0;
  int64_t byte_count_ = 0;
};

/// Keeps at most kept_count_max buffers of the usual capacity; larger ones are not kept. Any
/// thread.
class ReadBufferPool : public std::enable_shared_from_this<ReadBufferPool> {
 public:
  static std::shared_ptr<ReadBufferPool> Make(int64_t usual_capacity, int64_t kept_count_max = 8);

  /// Returns an empty buffer of at least the usual capacity.
  ReadBuffer Take(int64_t capacity = 0);
  /// Gives back what was not shared.
  void Return(ReadBuffer buffer);
  /// Makes the filled bytes immutable; the memory returns here with the last reference. The
  /// padding's first bytes are zeroed, so that parsers never see another record's bytes there.
  std::shared_ptr<arrow::Buffer> Share(ReadBuffer buffer);

  int64_t kept_count() const;

 private:
  ReadBufferPool(int64_t usual_capacity, int64_t kept_count_max)
      : usual_capacity_(usual_capacity), kept_count_max_(kept_count_max) {}

  const int64_t usual_capacity_;
  const int64_t kept_count_max_;
  mutable std::mutex mutex_;
  std::vector<ReadBuffer> kept_;
};

}  // namespace catchwater
