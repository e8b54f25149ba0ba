/// \file
/// Results of windows as rows: the key, where the window begins and ends, which revision it is, how
/// full it is, and the aggregates.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/config/stream_config.h"
#include "catchwater/stream/aggregate_set.h"

namespace catchwater {

/// Columns that stand between the key and the values of every result.
inline constexpr const char* kWindowColumns[] = {"window_start", "window_end", "revision",
                                                 "retracted"};
/// Behind them, of windows of so many rows.
inline constexpr const char* kWindowNumber = "window_number";

/// Columns with one value in all rows, of which batches take as many rows as they have: results of
/// a million keys wait for their commit at once. One thread at a time.
class SharedColumns {
 public:
  /// The rows of the column of this number. make(n) makes it of n rows.
  template <typename MakeColumn>
  arrow::Result<std::shared_ptr<arrow::Array>> Take(size_t number, int64_t row_count,
                                                    MakeColumn make) {
    if (columns_.size() <= number) columns_.resize(number + 1);
    std::shared_ptr<arrow::Array>& column = columns_[number];
    if (column == nullptr || column->length() < row_count) {
      ARROW_ASSIGN_OR_RAISE(column, make(row_count));
    }
    return column->length() == row_count ? column : column->Slice(0, row_count);
  }

 private:
  arrow::ArrayVector columns_;
};

/// One row a window.
struct WindowRows {
  arrow::ArrayVector keys;
  std::vector<int64_t> begins_us;  ///< One for all rows, or one each; empty: not known.
  std::vector<int64_t> ends_us;    ///< The same.
  std::vector<int64_t> revisions;  ///< One for all rows, or one each.
  std::vector<int64_t> numbers{};  ///< Of windows of rows, one each.
  bool is_retracted = false;
  const AggregateSet& values;
  uint32_t row_count = 0;
  SharedColumns* shared = nullptr;  ///< Of batches that agree where there is one for all rows.
};

/// Immutable.
class WindowResults {
 public:
  /// \retval kConfig if a column cannot be a key or has the name of one of ours
  static arrow::Result<WindowResults> Make(const StreamConfig& config, const arrow::Schema& input);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  int key_column_count() const { return static_cast<int>(key_.size()); }
  std::vector<std::string> result_key() const;
  /// The aggregates that every window needs: those of the stream behind our own.
  const std::vector<Aggregate>& compute() const { return compute_; }
  std::vector<std::shared_ptr<arrow::DataType>> key_types() const;
  /// Of compute(): the one that `greatest` names.
  std::optional<size_t> greatest_at() const { return greatest_at_; }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Make(const WindowRows& rows) const;

 private:
  std::vector<std::string> key_;
  bool has_number_ = false;
  std::vector<Aggregate> compute_;
  std::optional<int64_t> expected_n_;
  int expected_at_ = 0;  // Its place among the values.
  std::optional<size_t> greatest_at_;
  std::shared_ptr<arrow::Schema> schema_;
};

/// What windows of every kind are made of.
struct WindowParts {
  std::string event_time_column;
  AggregateSet cells;
  WindowResults results;

  /// \param event_time_column empty: rows have no times
  /// \retval kConfig if a column is missing or of a type that an aggregate or a key does not take
  static arrow::Result<WindowParts> Make(const StreamConfig& config, const arrow::Schema& input,
                                         const std::string& event_time_column);
};

}  // namespace catchwater
