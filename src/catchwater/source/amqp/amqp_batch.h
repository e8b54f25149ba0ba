/// \file
/// Messages of one queue -> a block of contiguous bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/builder.h>
#include <arrow/result.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/batch/batch.h"

namespace catchwater {

/// One thread at a time.
class AmqpBatch {
 public:
  /// fields: parts of a message, as in `from`. session: of the connection that delivered it.
  AmqpBatch(size_t queue, int64_t session, const std::vector<std::string>& fields);

  /// One that is longer than frame_bytes_max must be alone; its beginning is kept.
  arrow::Status Add(const AmqpMessage& message, std::string_view queue_name, int64_t now_us,
                    int64_t frame_bytes_max);
  /// Of streams the ordinals are offsets. \param ordinal of the first message, of other queues
  arrow::Result<Block> Finish(uint64_t ordinal);

  size_t queue() const { return queue_; }
  int64_t session() const { return session_; }
  int64_t byte_count() const { return static_cast<int64_t>(bytes_.size()); }
  int64_t message_count() const { return static_cast<int64_t>(ends_.size()); }
  uint64_t last_tag() const { return last_tag_; }
  bool is_rejected() const { return rejected_bytes_ > 0; }
  bool has_offsets() const { return !offsets_.empty(); }
  /// Of a stream, where it begins: at the first offset, or before it if no message was there.
  uint64_t begin_offset() const { return begin_offset_; }
  void SetBeginOffset(uint64_t offset) { begin_offset_ = offset; }
  uint64_t last_offset() const { return offsets_.back(); }
  /// Of the last message: AmqpMark.
  uint64_t last_mark() const { return last_mark_; }

 private:
  struct Target {
    std::string name;
    std::string header;  // `header[name]`: the name; else empty.
    std::shared_ptr<arrow::Field> field;
    std::unique_ptr<arrow::ArrayBuilder> builder;
  };
  static arrow::Status Append(const Target& target, const AmqpMessage& message,
                              std::string_view queue_name);

  size_t queue_;
  int64_t session_;
  std::string bytes_;
  std::vector<int64_t> ends_;
  std::vector<uint64_t> offsets_;
  uint64_t begin_offset_ = 0;
  uint64_t last_tag_ = 0;
  uint64_t last_mark_ = 0;
  int64_t receive_us_ = 0;
  int64_t rejected_bytes_ = 0;  // The true length of the one message that is too long.
  std::vector<Target> targets_;
};

/// What tells a message of a stream from another one at its offset, if the stream was made anew.
uint64_t AmqpMark(const AmqpMessage& message);

}  // namespace catchwater
