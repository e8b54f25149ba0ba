/// \file
/// Rows as JSON -> blocks of whole frames, with the range that each block is of.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/base/clock.h"
#include "catchwater/batch/batch.h"
#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {

/// A row's ordinal is the number of rows before it. One thread at a time.
class RowBlocks {
 public:
  RowBlocks(const Clock& clock, int64_t block_bytes, int64_t frame_bytes_max);

  void Begin(int64_t partition_id, Position at);
  /// Takes a row. `with_bytes`: of the next one, which is to be in the same block and has room
  /// there then, whatever its size, unless it stands alone. \pre HasRoomFor(json.size() +
  /// with_bytes): else Cut first
  void Add(std::string_view json, size_t with_bytes = 0);
  bool HasRoomFor(size_t byte_count) const;
  /// Ends a block behind the last row; the token is the position's there. No rows, no block.
  void Cut(std::string token);
  /// The position's token changed without a row. \pre nothing waits for a cut
  const Position& MoveTo(std::string token);

  bool has_rows() const { return !block_.frame_ends.empty(); }  ///< That wait for a cut.
  bool has_ready() const { return !ready_.empty(); }
  Block TakeReady();
  const Position& end() const { return end_; }  ///< Of the last block.
  uint64_t next_ordinal() const { return end_.ordinal + block_.frame_ends.size(); }

 private:
  const Clock& clock_;
  const int64_t block_bytes_;
  const int64_t frame_bytes_max_;
  const std::shared_ptr<ReadBufferPool> pool_;
  int64_t partition_id_ = 0;
  Position end_;
  Block block_;
  ReadBuffer buffer_;
  int64_t promised_bytes_ = 0;  // What the block may have, if that is more than block_bytes_.
  std::deque<Block> ready_;
};

}  // namespace catchwater
