/// \file
/// The rows of one block in the making: values, places, and what had to be refused. For formats
/// that are read record by record.
///
///   ARROW_RETURN_NOT_OK(rows.Begin(block));
///   rows.ForEachFrame([&](const RecordPlace& place) {
///     rows.StartRow(place);
///     for (each column) rows.AppendText(column, text);      exactly one value a column
///   });
///   return rows.Finish();
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/text_run.h"
#include "catchwater/component/codec.h"
#include "catchwater/record/fault_list.h"

namespace catchwater {

/// Where a record stands.
struct RecordPlace {
  uint64_t frame_ordinal = 0;
  uint32_t row_in_frame = 0;
  std::string_view text{};
};

/// One thread at a time.
class RecordRows {
 public:
  /// \param format as in the rules of its dead letters: "lines"
  /// \param null_tokens texts that mean null, for columns without their own
  /// \retval kConfig if a column makes no sense
  static arrow::Result<RecordRows> Make(std::string format, const DecodeOptions& options,
                                        const std::vector<std::string>& null_tokens);

  size_t column_count() const { return targets_.size(); }
  const Column& column(size_t i) const { return targets_[i].column; }

  /// Takes a block, which must live until Finish. The one frame that a source could not deliver
  /// whole is refused at once: then ForEachFrame has none.
  /// \retval kBadData if the block is too large
  arrow::Status Begin(const Block& block);

  /// Calls `take(const RecordPlace&)` for each frame: those of the source as they are, or each line
  /// without its end. Frames over frame_bytes_max are refused.
  template <typename Take>
  void ForEachFrame(Take&& take);

  /// What the texts of all rows are part of, if not the block's own bytes. Before the first row.
  void SetBase(std::shared_ptr<arrow::Buffer> base);

  /// Counts a frame. \return false if it is over frame_bytes_max and was refused
  bool OfferFrame(const RecordPlace& place);
  bool is_rejected() const { return is_rejected_; }

  void StartRow(const RecordPlace& place);
  /// For rows whose end is known only when they are read.
  void SetRowText(std::string_view text) { places_.back().text = text; }
  /// Text inside the base: cheap, because many rows of a column are read at once.
  void AppendText(size_t column, std::string_view text);
  /// Any other text. Null tokens apply to both.
  void AppendOwnText(size_t column, std::string_view text);
  void AppendNull(size_t column);
  void AppendBool(size_t column, bool value);
  void AppendInt64(size_t column, int64_t value);
  void AppendDouble(size_t column, double value);
  /// Appends null and refuses the row.
  void AppendRefused(size_t column, std::string_view rule, std::string reason);
  /// Refuses the whole row; it needs its values all the same.
  void RefuseRow(std::string_view rule, std::string reason);

  /// A record that cannot be read: as a frame of its own, or one of several in a frame. `rule` must
  /// live until Finish.
  void RefuseRecord(const RecordPlace& place, std::string_view rule, std::string reason,
                    bool is_frame);
  /// A frame of which nothing can be read.
  void RefuseFrame(const RecordPlace& place, std::string_view rule, std::string reason);
  /// Empty lines and the like are no frames.
  void ForgetFrame() { --frame_count_; }

  arrow::Result<Split> Finish();

 private:
  struct Target {
    Column column;
    std::unique_ptr<ColumnBuilder> builder;
    NullTokens null_tokens;
    std::vector<uint32_t> begins{};  // Of the texts that wait; they are the last rows.
    std::vector<uint32_t> ends{};
  };
  static constexpr int64_t kWholeRow = -1;
  struct Refusal {
    size_t row = 0;
    int64_t column = kWholeRow;
    std::string rule{};
    std::string reason{};
  };

  RecordRows(std::string format, const DecodeOptions& options);
  std::string_view text() const;
  void FlushTexts(size_t column);
  void CheckAppended(size_t column, bool is_good);
  void Refuse(size_t row, int64_t column, std::string_view rule, std::string reason);
  void BuryRows();
  void AddOrigins(Batch& batch);

  const std::string format_;
  const std::string rule_frame_bytes_;
  const bool has_origins_;
  const int64_t frame_bytes_max_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Target> targets_;

  // Of the current block.
  const Block* block_ = nullptr;
  std::shared_ptr<arrow::Buffer> base_;
  std::vector<RecordPlace> places_;  // One entry a row.
  std::vector<Refusal> refusals_;
  FaultList faults_;
  int64_t frame_count_ = 0;
  int64_t dead_frame_count_ = 0;
  bool is_rejected_ = false;
};

template <typename Take>
void RecordRows::ForEachFrame(Take&& take) {
  if (is_rejected_) return;
  const auto offer = [&](const RecordPlace& place) {
    if (OfferFrame(place)) take(place);
  };
  const std::string_view all(reinterpret_cast<const char*>(block_->bytes->data()),
                             static_cast<size_t>(block_->bytes->size()));
  if (!block_->frame_ends.empty()) {
    size_t begin = 0;
    for (size_t i = 0; i < block_->frame_ends.size(); ++i) {
      const auto end = static_cast<size_t>(block_->frame_ends[i]);
      offer({.frame_ordinal = block_->frame_ordinals[i], .text = all.substr(begin, end - begin)});
      begin = end;
    }
    return;
  }
  for (size_t at = 0; at < all.size();) {
    const size_t line_end = std::min(all.find('\n', at), all.size());
    std::string_view line = all.substr(at, line_end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    offer({.frame_ordinal = block_->origin.range.from.ordinal + at, .text = line});
    at = line_end + 1;
  }
}

}  // namespace catchwater
