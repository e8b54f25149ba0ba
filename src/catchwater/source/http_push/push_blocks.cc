#include "catchwater/source/http_push/push_blocks.h"

#include <utility>

#include <arrow/builder.h>

#include "catchwater/base/error.h"
#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

/// Whether texts with this head may follow each other in one block: the head is nothing or lines (a
/// CSV header), not the beginning of a JSON array, and records are lines, not a document over many.
bool IsLineByLine(Framer& framer, const Preamble* preamble, std::string_view head,
                  std::string_view content) {
  if (!head.empty() && !head.ends_with('\n')) return false;
  const std::string_view first_line = content.substr(0, content.find('\n') + 1);
  const auto is_whole = [&](std::string_view text) {
    return framer.CutAfter(preamble, text, /*is_end=*/false) == static_cast<int64_t>(text.size());
  };
  return is_whole(first_line) && is_whole(content);
}

/// Bytes that parsers may read a little behind.
std::shared_ptr<arrow::Buffer> Padded(std::string bytes) {
  const auto byte_count = static_cast<int64_t>(bytes.size());
  bytes.append(static_cast<size_t>(kReadPaddingBytes), '\0');
  return arrow::SliceBuffer(arrow::Buffer::FromString(std::move(bytes)), 0, byte_count);
}

}  // namespace

void PushBlocks::Begin(const SpoolReader::Record& record, const PushRecord& push,
                       int64_t partition_id, std::shared_ptr<const Preamble> preamble) {
  Block block;
  block.origin = {.range = {.partition_id = partition_id,
                            .from = {.ordinal = record.ordinal, .token = ""},
                            .to = {.ordinal = record.ordinal, .token = ""}},
                  .receive_us = push.receive_us};
  block.preamble = std::move(preamble);
  open_.emplace();
  open_->block = std::move(block);
}

// A frame's ordinal is the block's first plus its offset: below the end of the record that it is
// from, because a record is longer than its body and a line end.
void PushBlocks::Append(const SpoolReader::Record& record, const PushRecord& push,
                        std::string_view content) {
  Open& open = *open_;
  if (!frame_fields_.empty()) {
    open.block.frame_ordinals.push_back(open.block.origin.range.from.ordinal + open.bytes.size());
    auto& values = open.fields.emplace_back();
    for (const std::string& name : frame_fields_) {
      auto& value = values.emplace_back();
      for (const auto& [stored, text] : push.fields) {
        if (stored == name) value = text;
      }
    }
  }
  open.bytes += content;
  open.block.origin.range.to.ordinal = record.end_ordinal;
}

arrow::Status PushBlocks::Add(const SpoolReader::Record& record, int64_t partition_id) {
  ARROW_ASSIGN_OR_RAISE(const PushRecord push, DecodePushRecord(record.payload));
  const auto head = framer_->ReadHead(push.body, /*is_end=*/true);
  if (!head.ok()) {  // It was good when it was received: the codec was edited since.
    ARROW_RETURN_NOT_OK(Flush());
    Begin(record, push, partition_id, nullptr);
    open_->block.reject_reason = head.status().message();
    open_->block.reject_bytes = static_cast<int64_t>(push.body.size());
    Append(record, push, push.body);
    return Flush();
  }
  const std::string_view head_text = push.body.substr(0, static_cast<size_t>(head->byte_count));
  std::string content(push.body.substr(head_text.size()));
  if (!content.ends_with('\n')) content += '\n';
  const bool joins_others = IsLineByLine(*framer_, head->preamble.get(), head_text, content);
  const bool joins = joins_others && open_ && open_->head == head_text &&
                     open_->bytes.size() + content.size() <= kBlockBytes;
  if (!joins) {
    ARROW_RETURN_NOT_OK(Flush());
    Begin(record, push, partition_id, head->preamble);
    open_->head = head_text;
  }
  Append(record, push, content);
  return joins_others ? arrow::Status::OK() : Flush();
}

arrow::Status PushBlocks::Flush() {
  if (!open_) return arrow::Status::OK();
  Open open = *std::exchange(open_, std::nullopt);
  if (!frame_fields_.empty()) {
    std::vector<std::shared_ptr<arrow::Field>> schema;
    std::vector<std::shared_ptr<arrow::Array>> arrays;
    for (size_t i = 0; i < frame_fields_.size(); ++i) {
      arrow::StringBuilder builder;
      for (const auto& values : open.fields) {
        ARROW_RETURN_NOT_OK(values[i] ? builder.Append(*values[i]) : builder.AppendNull());
      }
      ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder.Finish());
      schema.push_back(arrow::field(frame_fields_[i], arrow::utf8()));
    }
    open.block.frame_columns =
        arrow::RecordBatch::Make(arrow::schema(std::move(schema)),
                                 static_cast<int64_t>(open.fields.size()), std::move(arrays));
  }
  open.block.bytes = Padded(std::move(open.bytes));
  ready_.push_back(std::move(open.block));
  return arrow::Status::OK();
}

Block PushBlocks::Pop() {
  Block block = std::move(ready_.front());
  ready_.pop_front();
  return block;
}

}  // namespace catchwater
