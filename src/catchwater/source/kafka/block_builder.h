/// \file
/// Messages of one partition -> a block of contiguous bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <arrow/result.h>
#include <rdkafka.h>

#include "catchwater/batch/batch.h"
#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {

/// One thread at a time.
class BlockBuilder {
 public:
  /// frame_columns: parts of a message, as in `from`: key, topic, partition, offset, timestamp,
  /// header[name].
  BlockBuilder(std::shared_ptr<ReadBufferPool> pool, const std::vector<std::string>& frame_columns);

  /// \return false if there is no room for it: Finish first. A block always takes one message.
  bool HasRoomFor(const rd_kafka_message_t& message) const;
  arrow::Status Add(const rd_kafka_message_t& message);
  bool is_empty() const { return frame_ends_.empty(); }
  int64_t byte_count() const { return buffer_.byte_count(); }
  /// Returns the messages so far and begins anew. Origin is left to the caller.
  arrow::Result<Block> Finish();
  void Clear();

 private:
  enum class Part { kKey, kTopic, kPartition, kOffset, kTimestamp, kHeader };
  struct Target {
    Part part = Part::kKey;
    std::string header;  ///< kHeader: its name.
    std::shared_ptr<arrow::Field> field;
    std::unique_ptr<arrow::ArrayBuilder> builder;
  };
  static Target MakeTarget(const std::string& name);
  static arrow::Status Append(const Target& target, const rd_kafka_message_t& message);
  static arrow::Status AppendHeader(const Target& target, const rd_kafka_message_t& message);

  std::shared_ptr<ReadBufferPool> pool_;
  ReadBuffer buffer_;
  std::vector<int64_t> frame_ends_;
  std::vector<uint64_t> frame_ordinals_;
  std::vector<Target> targets_;
};

}  // namespace catchwater
