#include "catchwater/source/kafka/block_builder.h"

#include <cstring>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kHeaderOpens = "header[";

arrow::Status AppendBytes(arrow::ArrayBuilder& builder, const void* bytes, size_t byte_count) {
  auto& binary = static_cast<arrow::BinaryBuilder&>(builder);
  if (bytes == nullptr) return binary.AppendNull();
  return binary.Append(static_cast<const uint8_t*>(bytes), static_cast<int32_t>(byte_count));
}

}  // namespace

BlockBuilder::BlockBuilder(std::shared_ptr<ReadBufferPool> pool,
                           const std::vector<std::string>& frame_columns)
    : pool_(std::move(pool)) {
  for (const std::string& name : frame_columns) targets_.push_back(MakeTarget(name));
}

BlockBuilder::Target BlockBuilder::MakeTarget(const std::string& name) {
  Target target;
  std::shared_ptr<arrow::DataType> type = arrow::binary();
  if (name == "topic") {
    target.part = Part::kTopic;
  } else if (name == "partition" || name == "offset") {
    target.part = name == "offset" ? Part::kOffset : Part::kPartition;
    type = arrow::int64();
  } else if (name == "timestamp") {
    target.part = Part::kTimestamp;
    type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  } else if (name.starts_with(kHeaderOpens)) {
    target.part = Part::kHeader;
    target.header = name.substr(kHeaderOpens.size(), name.size() - kHeaderOpens.size() - 1);
  } else {
    CATCHWATER_CHECK(name == "key", "the registry names the parts of a message");
  }
  target.field = arrow::field(name, type);
  target.builder = arrow::MakeBuilder(type).ValueOrDie();
  return target;
}

bool BlockBuilder::HasRoomFor(const rd_kafka_message_t& message) const {
  return is_empty() || buffer_.free_count() >= static_cast<int64_t>(message.len);
}

arrow::Status BlockBuilder::Add(const rd_kafka_message_t& message) {
  const auto byte_count = static_cast<int64_t>(message.len);
  if (is_empty()) buffer_ = pool_->Take(byte_count);
  if (byte_count > 0) std::memcpy(buffer_.end(), message.payload, message.len);
  buffer_.AddFilled(byte_count);
  frame_ends_.push_back(buffer_.byte_count());
  frame_ordinals_.push_back(static_cast<uint64_t>(message.offset));
  for (const Target& target : targets_) ARROW_RETURN_NOT_OK(Append(target, message));
  return arrow::Status::OK();
}

arrow::Status BlockBuilder::Append(const Target& target, const rd_kafka_message_t& message) {
  arrow::ArrayBuilder& builder = *target.builder;
  switch (target.part) {
    case Part::kKey:
      return AppendBytes(builder, message.key, message.key_len);
    case Part::kTopic: {
      const char* topic = rd_kafka_topic_name(message.rkt);
      return AppendBytes(builder, topic, std::strlen(topic));
    }
    case Part::kPartition:
      return static_cast<arrow::Int64Builder&>(builder).Append(message.partition);
    case Part::kOffset:
      return static_cast<arrow::Int64Builder&>(builder).Append(message.offset);
    case Part::kTimestamp: {
      rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
      const int64_t ms = rd_kafka_message_timestamp(&message, &type);
      auto& times = static_cast<arrow::TimestampBuilder&>(builder);
      if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0) return times.AppendNull();
      return times.Append(ms * 1000);
    }
    case Part::kHeader:
      return AppendHeader(target, message);
  }
  return arrow::Status::OK();
}

arrow::Status BlockBuilder::AppendHeader(const Target& target, const rd_kafka_message_t& message) {
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  size_t byte_count = 0;
  // Of several headers of one name the last counts.
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
      rd_kafka_header_get_last(headers, target.header.c_str(), &value, &byte_count) !=
          RD_KAFKA_RESP_ERR_NO_ERROR) {
    value = nullptr;
  }
  return AppendBytes(*target.builder, value, byte_count);
}

arrow::Result<Block> BlockBuilder::Finish() {
  Block block;
  if (!targets_.empty()) {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (Target& target : targets_) {
      fields.push_back(target.field);
      ARROW_ASSIGN_OR_RAISE(auto array, target.builder->Finish());
      arrays.push_back(std::move(array));
    }
    block.frame_columns = arrow::RecordBatch::Make(
        arrow::schema(fields), static_cast<int64_t>(frame_ends_.size()), std::move(arrays));
  }
  block.bytes = pool_->Share(std::exchange(buffer_, {}));
  block.frame_ends = std::exchange(frame_ends_, {});
  block.frame_ordinals = std::exchange(frame_ordinals_, {});
  return block;
}

void BlockBuilder::Clear() {
  if (!is_empty()) pool_->Return(std::exchange(buffer_, {}));
  frame_ends_.clear();
  frame_ordinals_.clear();
  for (Target& target : targets_) target.builder->Reset();
}

}  // namespace catchwater
