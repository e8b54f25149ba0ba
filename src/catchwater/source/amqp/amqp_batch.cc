#include "catchwater/source/amqp/amqp_batch.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <xxhash.h>

#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {
namespace {

constexpr std::string_view kHeaderOpens = "header[";

/// A part that is text; nothing: the message has none.
std::optional<std::string_view> PartOf(const AmqpMessage& message, std::string_view queue_name,
                                       std::string_view name) {
  if (name == "queue") return queue_name;
  if (name == "exchange") return message.exchange;
  if (name == "routing_key") return message.routing_key;
  if (name == "message_id") return message.message_id;
  if (name == "correlation_id") return message.correlation_id;
  if (name == "type") return message.type;
  if (name == "app_id") return message.app_id;
  return message.is_redelivered ? "true" : "false";  // `redelivered`: the registry has no others.
}

}  // namespace

AmqpBatch::AmqpBatch(size_t queue, int64_t session, const std::vector<std::string>& fields)
    : queue_(queue), session_(session) {
  for (const std::string& name : fields) {
    Target target{.name = name};
    std::shared_ptr<arrow::DataType> type = arrow::binary();
    if (name == "timestamp") type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    if (name == "offset") type = arrow::int64();
    if (name.starts_with(kHeaderOpens)) {
      target.header = name.substr(kHeaderOpens.size(), name.size() - kHeaderOpens.size() - 1);
    }
    target.field = arrow::field(name, type);
    target.builder = arrow::MakeBuilder(type).ValueOrDie();
    targets_.push_back(std::move(target));
  }
}

arrow::Status AmqpBatch::Append(const Target& target, const AmqpMessage& message,
                                std::string_view queue_name) {
  arrow::ArrayBuilder& builder = *target.builder;
  if (target.name == "timestamp") {
    if (!message.sent_at_s) return builder.AppendNull();
    return static_cast<arrow::TimestampBuilder&>(builder).Append(*message.sent_at_s * 1'000'000);
  }
  if (target.name == "offset") {
    if (!message.stream_offset) return builder.AppendNull();
    return static_cast<arrow::Int64Builder&>(builder).Append(*message.stream_offset);
  }
  auto& binary = static_cast<arrow::BinaryBuilder&>(builder);
  if (!target.header.empty()) {
    const auto value = AmqpHeader(message, target.header);
    return value ? binary.Append(*value) : binary.AppendNull();
  }
  const auto value = PartOf(message, queue_name, target.name);
  return value ? binary.Append(*value) : binary.AppendNull();
}

arrow::Status AmqpBatch::Add(const AmqpMessage& message, std::string_view queue_name,
                             int64_t now_us, int64_t frame_bytes_max) {
  if (ends_.empty()) receive_us_ = now_us;
  const auto byte_count = static_cast<int64_t>(message.body.size());
  if (byte_count > frame_bytes_max) rejected_bytes_ = byte_count;
  bytes_ += is_rejected() ? message.body.substr(0, kDeadLetterRawBytesMax) : message.body;
  ends_.push_back(this->byte_count());
  last_tag_ = message.tag;
  last_mark_ = AmqpMark(message);
  if (message.stream_offset) offsets_.push_back(static_cast<uint64_t>(*message.stream_offset));
  for (const Target& target : targets_) {
    ARROW_RETURN_NOT_OK(Append(target, message, queue_name));
  }
  return arrow::Status::OK();
}

arrow::Result<Block> AmqpBatch::Finish(uint64_t ordinal) {
  Block block;
  if (!targets_.empty()) {
    arrow::FieldVector fields;
    arrow::ArrayVector arrays;
    for (Target& target : targets_) {
      fields.push_back(target.field);
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), target.builder->Finish());
    }
    block.frame_columns =
        arrow::RecordBatch::Make(arrow::schema(fields), message_count(), std::move(arrays));
  }
  if (is_rejected()) {
    block.reject_reason =
        "Message is longer than frame_bytes_max, bytes: " + std::to_string(rejected_bytes_);
    block.reject_bytes = rejected_bytes_;
  }
  block.frame_ordinals = offsets_;
  for (size_t i = offsets_.size(); i < ends_.size(); ++i) {
    block.frame_ordinals.push_back(ordinal + i);
  }
  block.origin.receive_us = receive_us_;
  const int64_t byte_end = byte_count();
  bytes_.append(static_cast<size_t>(kReadPaddingBytes), '\0');
  block.bytes = arrow::SliceBuffer(arrow::Buffer::FromString(std::move(bytes_)), 0, byte_end);
  block.frame_ends = std::move(ends_);
  return block;
}

uint64_t AmqpMark(const AmqpMessage& message) {
  const auto seed = static_cast<uint64_t>(message.sent_at_s.value_or(0));
  const std::string_view id = message.message_id.value_or(std::string_view());
  return XXH3_64bits_withSeed(message.body.data(), message.body.size(),
                              XXH3_64bits_withSeed(id.data(), id.size(), seed));
}

}  // namespace catchwater
