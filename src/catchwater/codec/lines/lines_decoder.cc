#include "catchwater/codec/lines/lines_decoder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

constexpr std::string_view kRuleFrameBytes = "lines.frame_bytes";
constexpr uint64_t kOffsetMax = std::numeric_limits<int64_t>::max();

std::string_view BytesOf(const Block& block) {
  return {reinterpret_cast<const char*>(block.bytes->data()),
          static_cast<size_t>(block.bytes->size())};
}

template <typename T>
std::shared_ptr<arrow::Buffer> Wrap(const std::vector<T>& values) {
  return arrow::Buffer::FromVector(values);
}

}  // namespace

LinesDecoder::LinesDecoder(bool skip_empty, const DecodeOptions& decode)
    : skip_empty_(skip_empty),
      has_origins_(decode.row_origins),
      frame_bytes_max_(decode.frame_bytes_max),
      schema_(ArrowSchema(decode.columns)) {}

arrow::Result<std::unique_ptr<LinesDecoder>> LinesDecoder::Make(const Options& options,
                                                                const DecodeOptions& decode) {
  std::unique_ptr<LinesDecoder> decoder(new LinesDecoder(options.skip_empty, decode));
  for (const Column& column : decode.columns) {
    const std::string& from = column.from.empty() ? column.name : column.from;
    if (from != "line" && from != "byte_offset") {
      return ConfigError("Codec lines has only `line` and `byte_offset`, column and from: ",
                         column.name, " ", from);
    }
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
    decoder->targets_.push_back(
        {.column = column,
         .is_offset = from == "byte_offset",
         .builder = std::move(builder),
         .null_tokens =
             NullTokens(column.null_tokens.empty() ? options.null_tokens : column.null_tokens)});
  }
  return decoder;
}

arrow::Result<Split> LinesDecoder::Decode(const Block& block) {
  if (!block.reject_reason.empty()) return Reject(block);
  const std::string_view text = BytesOf(block);
  if (text.size() >= std::numeric_limits<uint32_t>::max()) {
    return BadData("Block is too large, bytes: ", text.size());
  }
  begins_.clear();
  ends_.clear();
  ordinals_.clear();
  keep_.clear();
  faults_.clear();
  if (block.frame_ends.empty()) {
    for (size_t at = 0; at < text.size();) {
      const size_t line_end = std::min(text.find('\n', at), text.size());
      size_t end = line_end;
      if (end > at && text[end - 1] == '\r') --end;
      AddLine(static_cast<uint32_t>(at), static_cast<uint32_t>(end),
              block.origin.range.from.ordinal + at);
      at = line_end + 1;
    }
  } else {
    int64_t begin = 0;
    for (size_t i = 0; i < block.frame_ends.size(); ++i) {
      AddLine(static_cast<uint32_t>(begin), static_cast<uint32_t>(block.frame_ends[i]),
              block.frame_ordinals[i]);
      begin = block.frame_ends[i];
    }
  }
  for (Target& target : targets_) {
    ARROW_RETURN_NOT_OK(target.builder->Reserve(static_cast<int64_t>(begins_.size())));
    if (target.is_offset) {
      AppendOffsets(target);
    } else {
      AppendTexts(target, text);
    }
  }
  Split split;
  ARROW_ASSIGN_OR_RAISE(split.good, MakeBatch(block));
  split.dead = MakeDeadLetters(block, text);
  split.frame_count = static_cast<int64_t>(begins_.size());
  for (const DeadLetter& letter : split.dead) split.dead_frame_count += letter.is_frame ? 1 : 0;
  return split;
}

void LinesDecoder::AddLine(uint32_t begin, uint32_t end, uint64_t ordinal) {
  if (skip_empty_ && begin == end) return;
  const size_t row = begins_.size();
  begins_.push_back(begin);
  ends_.push_back(end);
  ordinals_.push_back(ordinal);
  keep_.push_back(1);
  const int64_t byte_count = int64_t{end} - begin;
  if (byte_count <= frame_bytes_max_) return;
  keep_[row] = 0;
  faults_.push_back(
      {.row = row,
       .rule = std::string(kRuleFrameBytes),
       .field = "",
       .reason = "Record is longer than frame_bytes_max, bytes: " + std::to_string(byte_count),
       .is_frame = true});
}

void LinesDecoder::AppendTexts(Target& target, std::string_view text) {
  const auto failures = target.builder->AppendTexts({
      .base = text.data(),
      .readable_end = text.data() + text.size(),
      .begins = begins_.data(),
      .ends = ends_.data(),
      .row_count = static_cast<int64_t>(begins_.size()),
      .byte_count_max = static_cast<int64_t>(text.size()),
      .null_tokens = &target.null_tokens,
  });
  for (const TextFailure& failure : failures) {
    Refuse(static_cast<size_t>(failure.row),
           std::string(failure.is_missing ? kRuleColumnRequired : kRuleColumnType),
           target.column.name,
           failure.is_missing ? "Required value is missing" : "Value is " + failure.reason);
  }
}

void LinesDecoder::AppendOffsets(Target& target) {
  for (size_t row = 0; row < ordinals_.size(); ++row) {
    const auto offset = static_cast<int64_t>(std::min(ordinals_[row], kOffsetMax));
    if (target.builder->AppendInt64(offset)) continue;
    Refuse(row, std::string(kRuleColumnType), target.column.name,
           "Value is " + target.builder->reason());
  }
}

void LinesDecoder::Refuse(size_t row, std::string rule, std::string field, std::string reason) {
  if (keep_[row] == 0) return;  // The first reason stays.
  keep_[row] = 0;
  faults_.push_back({.row = row,
                     .rule = std::move(rule),
                     .field = std::move(field),
                     .reason = std::move(reason),
                     .is_frame = false});
}

arrow::Result<Batch> LinesDecoder::MakeBatch(const Block& block) {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (Target& target : targets_) {
    ARROW_ASSIGN_OR_RAISE(auto array, target.builder->Finish());
    arrays.push_back(std::move(array));
  }
  Batch batch;
  batch.origin = block.origin;
  batch.rows =
      arrow::RecordBatch::Make(schema_, static_cast<int64_t>(begins_.size()), std::move(arrays));
  if (has_origins_) AddOrigins(block, batch);
  if (faults_.empty()) return batch;
  return FilterBatch(std::move(batch), keep_);
}

void LinesDecoder::AddOrigins(const Block& block, Batch& batch) {
  const auto row_count = static_cast<int64_t>(begins_.size());
  std::vector<uint32_t> lengths(begins_.size());
  for (size_t i = 0; i < lengths.size(); ++i) lengths[i] = ends_[i] - begins_[i];
  batch.frame_ordinals = std::make_shared<arrow::UInt64Array>(row_count, Wrap(ordinals_));
  batch.raw_begin = std::make_shared<arrow::UInt32Array>(row_count, Wrap(begins_));
  batch.raw_length = std::make_shared<arrow::UInt32Array>(row_count, Wrap(lengths));
  batch.raw = block.bytes;
}

std::vector<DeadLetter> LinesDecoder::MakeDeadLetters(const Block& block, std::string_view text) {
  std::stable_sort(faults_.begin(), faults_.end(),
                   [](const Fault& a, const Fault& b) { return a.row < b.row; });
  std::vector<DeadLetter> letters;
  int64_t line = block.line_first;
  size_t counted_to = 0;
  for (Fault& fault : faults_) {
    const size_t begin = begins_[fault.row];
    const std::string_view raw = text.substr(begin, ends_[fault.row] - begin);
    if (line > 0) {
      const auto from = text.begin();
      line += std::count(from + static_cast<ptrdiff_t>(counted_to),
                         from + static_cast<ptrdiff_t>(begin), '\n');
      counted_to = begin;
    }
    letters.push_back(
        {.frame_ordinal = ordinals_[fault.row],
         .raw = std::string(raw.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))),
         .raw_bytes = static_cast<int64_t>(raw.size()),
         .reason = std::move(fault.reason),
         .rule = std::move(fault.rule),
         .field = std::move(fault.field),
         .line = line,
         .is_frame = fault.is_frame});
  }
  return letters;
}

Split LinesDecoder::Reject(const Block& block) const {
  const std::string_view raw = BytesOf(block);
  Split split;
  split.dead.push_back(
      {.frame_ordinal = block.origin.range.from.ordinal,
       .raw = std::string(raw.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))),
       .raw_bytes = block.reject_bytes,
       .reason = block.reject_reason,
       .rule = std::string(kRuleFrameBytes),
       .field = "",
       .line = block.line_first,
       .is_frame = true});
  split.frame_count = 1;
  split.dead_frame_count = 1;
  return split;
}

}  // namespace catchwater
