#include "catchwater/record/record_rows.h"

#include <limits>
#include <tuple>

#include <arrow/array.h>
#include <arrow/record_batch.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

template <typename T>
std::shared_ptr<arrow::Buffer> Wrap(std::vector<T> values) {
  return arrow::Buffer::FromVector(std::move(values));
}

}  // namespace

RecordRows::RecordRows(std::string format, const DecodeOptions& options)
    : format_(std::move(format)),
      rule_frame_bytes_(format_ + ".frame_bytes"),
      has_origins_(options.row_origins),
      frame_bytes_max_(options.frame_bytes_max),
      schema_(ArrowSchema(options.columns)) {}

arrow::Result<RecordRows> RecordRows::Make(std::string format, const DecodeOptions& options,
                                           const std::vector<std::string>& null_tokens) {
  RecordRows rows(std::move(format), options);
  for (const Column& column : options.columns) {
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
    rows.targets_.push_back(
        {.column = column,
         .builder = std::move(builder),
         .null_tokens = NullTokens(column.null_tokens.empty() ? null_tokens : column.null_tokens)});
  }
  return rows;
}

arrow::Status RecordRows::Begin(const Block& block) {
  if (block.bytes->size() >= std::numeric_limits<uint32_t>::max()) {
    return BadData("Block is too large, bytes: ", block.bytes->size());
  }
  block_ = &block;
  base_ = block.bytes;
  places_.clear();
  refusals_.clear();
  frame_count_ = 0;
  dead_frame_count_ = 0;
  is_rejected_ = !block.reject_reason.empty();
  if (is_rejected_) {
    ++frame_count_;
    RefuseFrame({.frame_ordinal = block.origin.range.from.ordinal, .text = text()},
                rule_frame_bytes_, block.reject_reason);
  }
  return arrow::Status::OK();
}

std::string_view RecordRows::text() const {
  return {reinterpret_cast<const char*>(base_->data()), static_cast<size_t>(base_->size())};
}

void RecordRows::SetBase(std::shared_ptr<arrow::Buffer> base) {
  CATCHWATER_CHECK(places_.empty(), "all rows of a block have one base");
  base_ = std::move(base);
}

bool RecordRows::OfferFrame(const RecordPlace& place) {
  ++frame_count_;
  if (static_cast<int64_t>(place.text.size()) <= frame_bytes_max_) return true;
  RefuseFrame(place, rule_frame_bytes_,
              "Record is longer than frame_bytes_max, bytes: " + std::to_string(place.text.size()));
  return false;
}

void RecordRows::StartRow(const RecordPlace& place) { places_.push_back(place); }

void RecordRows::AppendText(size_t column, std::string_view text) {
  Target& target = targets_[column];
  const auto begin = static_cast<uint32_t>(text.data() - this->text().data());
  target.begins.push_back(begin);
  target.ends.push_back(begin + static_cast<uint32_t>(text.size()));
}

void RecordRows::AppendOwnText(size_t column, std::string_view text) {
  Target& target = targets_[column];
  if (target.null_tokens.Matches(text)) return AppendNull(column);
  FlushTexts(column);
  CheckAppended(column, target.builder->AppendText(text));
}

void RecordRows::AppendNull(size_t column) {
  Target& target = targets_[column];
  if (!target.begins.empty()) {
    const auto begin = static_cast<uint32_t>(places_.back().text.data() - text().data());
    target.begins.push_back(begin);
    target.ends.push_back(begin + TextRun::kAbsent);
    return;
  }
  target.builder->AppendNull();
  if (!target.column.is_required) return;
  Refuse(places_.size() - 1, static_cast<int64_t>(column), kRuleColumnRequired,
         "Required value is missing");
}

void RecordRows::AppendBool(size_t column, bool value) {
  FlushTexts(column);
  CheckAppended(column, targets_[column].builder->AppendBool(value));
}

void RecordRows::AppendInt64(size_t column, int64_t value) {
  FlushTexts(column);
  CheckAppended(column, targets_[column].builder->AppendInt64(value));
}

void RecordRows::AppendDouble(size_t column, double value) {
  FlushTexts(column);
  CheckAppended(column, targets_[column].builder->AppendDouble(value));
}

void RecordRows::AppendRefused(size_t column, std::string_view rule, std::string reason) {
  FlushTexts(column);
  targets_[column].builder->AppendNull();
  Refuse(places_.size() - 1, static_cast<int64_t>(column), rule, std::move(reason));
}

void RecordRows::RefuseRow(std::string_view rule, std::string reason) {
  Refuse(places_.size() - 1, kWholeRow, rule, std::move(reason));
}

void RecordRows::CheckAppended(size_t column, bool is_good) {
  if (is_good) return;
  Refuse(places_.size() - 1, static_cast<int64_t>(column), kRuleColumnType,
         "Value is " + targets_[column].builder->reason());
}

void RecordRows::FlushTexts(size_t column) {
  Target& target = targets_[column];
  if (target.begins.empty()) return;
  const auto row_first = static_cast<size_t>(target.builder->row_count());
  const auto failures = target.builder->AppendTexts({
      .base = text().data(),
      .readable_end = text().data() + text().size(),
      .begins = target.begins.data(),
      .ends = target.ends.data(),
      .row_count = static_cast<int64_t>(target.begins.size()),
      .byte_count_max = static_cast<int64_t>(text().size()),
      .null_tokens = &target.null_tokens,
  });
  for (const TextFailure& failure : failures) {
    Refuse(row_first + static_cast<size_t>(failure.row), static_cast<int64_t>(column),
           failure.is_missing ? kRuleColumnRequired : kRuleColumnType,
           failure.is_missing ? "Required value is missing" : "Value is " + failure.reason);
  }
  target.begins.clear();
  target.ends.clear();
}

void RecordRows::Refuse(size_t row, int64_t column, std::string_view rule, std::string reason) {
  refusals_.push_back(
      {.row = row, .column = column, .rule = std::string(rule), .reason = std::move(reason)});
}

void RecordRows::RefuseRecord(const RecordPlace& place, std::string_view rule, std::string reason,
                              bool is_frame) {
  dead_frame_count_ += is_frame ? 1 : 0;
  faults_.Add({.frame_ordinal = place.frame_ordinal,
               .row_in_frame = place.row_in_frame,
               .text = place.text,
               .reason = std::move(reason),
               .rule = rule,
               .is_frame = is_frame});
}

void RecordRows::RefuseFrame(const RecordPlace& place, std::string_view rule, std::string reason) {
  RefuseRecord(place, rule, std::move(reason), /*is_frame=*/true);
}

// Of a row that failed in several columns the first one is told.
void RecordRows::BuryRows() {
  const auto place_of = [](const Refusal& refusal) {
    return std::tie(refusal.row, refusal.column);
  };
  std::sort(refusals_.begin(), refusals_.end(),
            [&](const Refusal& a, const Refusal& b) { return place_of(a) < place_of(b); });
  const auto is_same = [](const Refusal& a, const Refusal& b) { return a.row == b.row; };
  refusals_.erase(std::unique(refusals_.begin(), refusals_.end(), is_same), refusals_.end());
  for (const Refusal& refusal : refusals_) {
    const RecordPlace& place = places_[refusal.row];
    std::string_view field;
    if (refusal.column != kWholeRow) {
      field = targets_[static_cast<size_t>(refusal.column)].column.name;
    }
    faults_.Add({.frame_ordinal = place.frame_ordinal,
                 .row_in_frame = place.row_in_frame,
                 .text = place.text,
                 .reason = refusal.reason,
                 .rule = refusal.rule,
                 .field = field});
  }
}

arrow::Result<Split> RecordRows::Finish() {
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (size_t i = 0; i < targets_.size(); ++i) {
    FlushTexts(i);
    ARROW_ASSIGN_OR_RAISE(auto array, targets_[i].builder->Finish());
    CATCHWATER_CHECK(array->length() == static_cast<int64_t>(places_.size()),
                     "each row has a value in each column");
    arrays.push_back(std::move(array));
  }
  BuryRows();
  Split split;
  split.good.origin = block_->origin;
  split.good.rows =
      arrow::RecordBatch::Make(schema_, static_cast<int64_t>(places_.size()), std::move(arrays));
  if (has_origins_) AddOrigins(split.good);
  if (!refusals_.empty()) {
    std::vector<uint8_t> keep(places_.size(), 1);
    for (const Refusal& refusal : refusals_) keep[refusal.row] = 0;
    ARROW_ASSIGN_OR_RAISE(split.good, FilterBatch(std::move(split.good), keep));
  }
  split.dead = faults_.Take(*block_);
  if (is_rejected_) split.dead.front().raw_bytes = block_->reject_bytes;
  split.frame_count = frame_count_;
  split.dead_frame_count = dead_frame_count_;
  return split;
}

void RecordRows::AddOrigins(Batch& batch) {
  const auto row_count = static_cast<int64_t>(places_.size());
  std::vector<uint64_t> ordinals;
  std::vector<uint32_t> rows_in_frame;
  std::vector<uint32_t> begins;
  std::vector<uint32_t> lengths;
  for (const RecordPlace& place : places_) {
    ordinals.push_back(place.frame_ordinal);
    rows_in_frame.push_back(place.row_in_frame);
    begins.push_back(static_cast<uint32_t>(place.text.data() - text().data()));
    lengths.push_back(static_cast<uint32_t>(place.text.size()));
  }
  batch.frame_ordinals = std::make_shared<arrow::UInt64Array>(row_count, Wrap(std::move(ordinals)));
  batch.row_in_frame =
      std::make_shared<arrow::UInt32Array>(row_count, Wrap(std::move(rows_in_frame)));
  batch.raw_begin = std::make_shared<arrow::UInt32Array>(row_count, Wrap(std::move(begins)));
  batch.raw_length = std::make_shared<arrow::UInt32Array>(row_count, Wrap(std::move(lengths)));
  batch.raw = base_;
}

}  // namespace catchwater
