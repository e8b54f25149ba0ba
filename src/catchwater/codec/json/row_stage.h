/// \file
/// Gathers the values of some rows and then appends them column by column.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/text_run.h"
#include "catchwater/codec/json/json_value.h"
#include "catchwater/component/codec.h"
#include "catchwater/record/fault_list.h"

namespace catchwater {

/// Where the text of a row stands.
struct RowPlace {
  uint64_t frame_ordinal = 0;
  uint32_t row_in_frame = 0;
  std::string_view text{};
};

/// One thread at a time. Values are offsets into the text given to SetText or with the constants;
/// both must live until the next Flush or Finish.
class RowStage {
 public:
  /// \param null_tokens texts that mean null, for columns without their own
  /// \retval kConfig if a column makes no sense
  static arrow::Result<RowStage> Make(const DecodeOptions& options,
                                      const std::vector<std::string>& null_tokens);

  /// From now on a row has `value_count` values of its own, `constant_count` follow that all rows
  /// share, and column i is number value_of_column[i] of these.
  void SetLayout(int32_t value_count, int32_t constant_count,
                 const std::vector<int32_t>& value_of_column);
  /// What the rows' offsets count from.
  void SetText(std::string_view text);
  /// Sets constants from the `first` on. \param text what their offsets count from
  void SetConstants(int32_t first, std::string_view text, std::span<const JsonValue> values);
  arrow::Status Reserve(int64_t row_count);

  /// Where the values of the next row go.
  JsonValue* next_row() {
    return values_.data() + static_cast<size_t>(staged_count_) * static_cast<size_t>(value_count_);
  }
  /// Takes the next row.
  void Take(const RowPlace& place) {
    places_[static_cast<size_t>(staged_count_)] = place;
    if (++staged_count_ == capacity_) Flush();
  }
  void Flush();

  /// Ends the batch: returns its good rows; the others are in faults().
  /// \param block whose bytes hold the rows' texts
  arrow::Result<Batch> Finish(const Block& block);

  FaultList& faults() { return faults_; }

 private:
  struct Target {
    Column column;
    std::unique_ptr<ColumnBuilder> builder;
    NullTokens null_tokens;
    uint32_t plain_kinds = 0;  // A bit per kind whose text the builder reads as it is.
    int32_t value = 0;
  };
  struct Constant {
    std::string_view text;  // What `value` counts from.
    JsonValue value;
  };
  struct Values {  // Of one column, for the staged rows.
    std::string_view text;
    JsonValue* first;
    size_t stride;  // 0: one value for all rows.
  };

  explicit RowStage(bool has_origins) : has_origins_(has_origins) {}
  void AppendColumn(const Target& target);
  void AppendPlain(const Target& target, const Values& values, bool has_nulls);
  void AppendOneByOne(const Target& target, const Values& values);
  bool AppendValue(const Target& target, std::string_view text, JsonKind kind);
  bool AppendNumber(const Target& target, std::string_view text, JsonKind kind);
  bool AppendNull(const Target& target);
  void Refuse(int64_t staged_row, const Target& target, std::string_view rule, std::string reason);
  void NoteOrigins();
  void AddOrigins(const Block& block, Batch& batch);

  bool has_origins_;
  std::shared_ptr<arrow::Schema> schema_;
  std::vector<Target> targets_;
  FaultList faults_;

  std::string_view text_;
  int32_t value_count_ = 0;
  int32_t capacity_ = 0;  // Rows.
  int32_t staged_count_ = 0;
  std::vector<JsonValue> values_;
  std::vector<RowPlace> places_;
  std::vector<Constant> constants_;
  std::vector<uint8_t> is_refused_;  // Of the staged rows.

  std::vector<uint8_t> keep_;  // Of all rows of the batch.
  bool has_refused_ = false;
  std::vector<uint64_t> frame_ordinals_;
  std::vector<uint32_t> rows_in_frame_;
  std::vector<const char*> raw_begins_;
  std::vector<uint32_t> raw_lengths_;
  std::string unescaped_;
  std::string_view rule_;  // Of the last AppendValue that refused, with its reason.
  std::string reason_;
};

}  // namespace catchwater
