#include <algorithm>
#include <utility>

#include <arrow/array.h>

#include "catchwater/codec/csv/csv_field_finder_internal.h"
#include "catchwater/codec/csv/csv_header_internal.h"

namespace catchwater {
namespace {

/// Where the rows of both batches meet: the same record of the same frame.
class RowMatcher {
 public:
  RowMatcher(const Batch& rows, const Batch& all)
      : ordinals_(static_cast<const arrow::UInt64Array&>(*rows.frame_ordinals)),
        in_frame_(static_cast<const arrow::UInt32Array*>(rows.row_in_frame.get())),
        all_ordinals_(static_cast<const arrow::UInt64Array&>(*all.frame_ordinals)),
        all_in_frame_(static_cast<const arrow::UInt32Array*>(all.row_in_frame.get())) {}

  /// The row of the whole block that is this one; -1: none. To be asked by ascending rows.
  int64_t Find(int64_t row) {
    // Rows that a contract took back stand behind the others.
    for (int64_t tries = 0; tries < all_ordinals_.length(); ++tries) {
      const int64_t at = next_;
      next_ = next_ + 1 < all_ordinals_.length() ? next_ + 1 : 0;
      if (all_ordinals_.Value(at) == ordinals_.Value(row) &&
          InFrame(all_in_frame_, at) == InFrame(in_frame_, row)) {
        return at;
      }
    }
    return -1;
  }

 private:
  static uint32_t InFrame(const arrow::UInt32Array* rows, int64_t row) {
    return rows == nullptr ? 0 : rows->Value(row);
  }
  const arrow::UInt64Array& ordinals_;
  const arrow::UInt32Array* in_frame_;
  const arrow::UInt64Array& all_ordinals_;
  const arrow::UInt32Array* all_in_frame_;
  int64_t next_ = 0;
};

}  // namespace

arrow::Status CsvFieldFinder::UseLayout(const std::shared_ptr<const Preamble>& preamble) {
  if (preamble == preamble_) return arrow::Status::OK();
  preamble_ = preamble;
  decoder_ = nullptr;
  const auto& whole = static_cast<const CsvLayout&>(*preamble);
  CsvLayout others;
  others.field_count = whole.field_count;
  options_.row_origins = true;
  options_.columns.clear();
  for (size_t i = 0; i < whole.names.size(); ++i) {
    const std::string& name = whole.names[i];
    const bool is_read = std::ranges::find(whole.fields, i) != whole.fields.end();
    if (is_read || std::ranges::count(whole.names, name) > 1) continue;
    options_.columns.push_back({.name = name});
    others.fields.push_back(i);
    others.field_max = i;
  }
  if (options_.columns.empty()) return arrow::Status::OK();
  layout_ = std::make_shared<const CsvLayout>(std::move(others));
  ARROW_ASSIGN_OR_RAISE(decoder_, CsvDecoder::Make(dialect_, null_tokens_, options_));
  return arrow::Status::OK();
}

arrow::Result<std::span<const FoundField>> CsvFieldFinder::Find(const Block& block,
                                                                const Batch& rows) {
  found_.clear();
  if (block.preamble == nullptr || rows.rows->num_rows() == 0) return found_;
  ARROW_RETURN_NOT_OK(UseLayout(block.preamble));
  if (decoder_ == nullptr) return found_;
  Block others = block;
  others.preamble = layout_;
  ARROW_ASSIGN_OR_RAISE(const Split split, decoder_->Decode(others));
  texts_ = split.good.rows;
  RowMatcher matcher(rows, split.good);
  for (int64_t row = 0; row < rows.rows->num_rows(); ++row) {
    const int64_t at = matcher.Find(row);
    if (at < 0) continue;
    for (int c = 0; c < texts_->num_columns(); ++c) {
      const auto& texts = static_cast<const arrow::StringArray&>(*texts_->column(c));
      if (texts.IsNull(at)) continue;
      found_.push_back({.row = row,
                        .name = options_.columns[static_cast<size_t>(c)].name,
                        .text = texts.GetView(at)});
    }
  }
  return found_;
}

}  // namespace catchwater
