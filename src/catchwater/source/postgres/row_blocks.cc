#include "catchwater/source/postgres/row_blocks.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {

RowBlocks::RowBlocks(const Clock& clock, int64_t block_bytes, int64_t frame_bytes_max)
    : clock_(clock),
      block_bytes_(block_bytes),
      frame_bytes_max_(frame_bytes_max),
      pool_(ReadBufferPool::Make(block_bytes)) {}

void RowBlocks::Begin(int64_t partition_id, Position at) {
  partition_id_ = partition_id;
  end_ = std::move(at);
  block_ = {};
  if (buffer_.capacity() > 0) pool_->Return(std::exchange(buffer_, {}));
  ready_.clear();
}

bool RowBlocks::HasRoomFor(size_t byte_count) const {
  if (!has_rows()) return true;
  const auto row_bytes = static_cast<int64_t>(byte_count);
  // One that is too long stands alone.
  return block_.reject_reason.empty() && row_bytes <= frame_bytes_max_ &&
         buffer_.byte_count() + row_bytes <= std::max(block_bytes_, promised_bytes_);
}

void RowBlocks::Add(std::string_view json, size_t with_bytes) {
  CATCHWATER_CHECK(HasRoomFor(json.size() + with_bytes), "a block that is full is cut first");
  const auto next_bytes = static_cast<int64_t>(with_bytes);
  if (static_cast<int64_t>(json.size()) > frame_bytes_max_) {
    block_.reject_reason = "Row is longer than frame_bytes_max";
    block_.reject_bytes = static_cast<int64_t>(json.size());
    json = json.substr(0, kDeadLetterRawBytesMax);
  }
  if (!has_rows()) {
    block_.origin.receive_us = clock_.NowMicros();
    buffer_ = pool_->Take(static_cast<int64_t>(json.size()) + next_bytes);
  }
  std::ranges::copy(json, buffer_.end());
  buffer_.AddFilled(static_cast<int64_t>(json.size()));
  promised_bytes_ = buffer_.byte_count() + next_bytes;
  block_.frame_ordinals.push_back(next_ordinal());
  block_.frame_ends.push_back(buffer_.byte_count());
}

void RowBlocks::Cut(std::string token) {
  if (!has_rows()) return;
  Position to{.ordinal = next_ordinal(), .token = std::move(token)};
  block_.origin.range = {
      .partition_id = partition_id_, .from = std::exchange(end_, to), .to = std::move(to)};
  block_.bytes = pool_->Share(std::exchange(buffer_, {}));
  ready_.push_back(std::exchange(block_, {}));
}

const Position& RowBlocks::MoveTo(std::string token) {
  CATCHWATER_CHECK(!has_rows(), "rows that wait are cut first");
  end_.token = std::move(token);
  return end_;
}

Block RowBlocks::TakeReady() {
  Block block = std::move(ready_.front());
  ready_.pop_front();
  return block;
}

}  // namespace catchwater
