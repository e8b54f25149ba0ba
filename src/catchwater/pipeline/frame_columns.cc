#include "catchwater/pipeline/frame_columns.h"

#include <memory>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/column_builder.h"
#include "catchwater/batch/text_run.h"

namespace catchwater {
namespace {

/// The frame of each row. Empty: row i is of frame i.
arrow::Result<std::vector<int64_t>> FramesOfRows(const Block& block, const Batch& rows) {
  const auto row_count = static_cast<size_t>(rows.rows->num_rows());
  std::vector<int64_t> frames;
  if (rows.frame_ordinals == nullptr) {
    CATCHWATER_CHECK(row_count == block.frame_ordinals.size(),
                     "rows without origins are one a frame");
    return frames;
  }
  const auto& ordinals = static_cast<const arrow::UInt64Array&>(*rows.frame_ordinals);
  if (row_count == block.frame_ordinals.size() &&
      std::equal(block.frame_ordinals.begin(), block.frame_ordinals.end(), ordinals.raw_values())) {
    return frames;
  }
  frames.reserve(row_count);
  size_t frame = 0;
  for (int64_t row = 0; row < ordinals.length(); ++row) {
    // Without frame ends one row of frame columns is of all frames up to the next ordinal.
    while (frame + 1 < block.frame_ordinals.size() &&
           block.frame_ordinals[frame + 1] <= ordinals.Value(row)) {
      ++frame;
    }
    CATCHWATER_CHECK(
        frame < block.frame_ordinals.size() && block.frame_ordinals[frame] <= ordinals.Value(row),
        "rows stand in the order of frames");
    frames.push_back(static_cast<int64_t>(frame));
  }
  return frames;
}

/// Appends one value. \return false if it is not of the column's type
bool AppendValue(const arrow::Array& values, int64_t at, const Column& column,
                 ColumnBuilder& builder) {
  switch (values.type_id()) {
    case arrow::Type::BINARY:
    case arrow::Type::STRING:
      return builder.AppendText(static_cast<const arrow::BinaryArray&>(values).GetView(at));
    case arrow::Type::INT64:
      return builder.AppendInt64(static_cast<const arrow::Int64Array&>(values).Value(at));
    case arrow::Type::TIMESTAMP: {
      const int64_t us = static_cast<const arrow::TimestampArray&>(values).Value(at);
      CATCHWATER_CHECK(column.type != ColumnType::kTimestamp, "times are taken as they are");
      return builder.AppendInt64(us / 1'000);  // As brokers count: milliseconds.
    }
    default:
      break;
  }
  CATCHWATER_CHECK(false, "parts of a message are binary, int64 or timestamp");
}

class ColumnTaker {
 public:
  ColumnTaker(const Column& column, const std::vector<int64_t>& frames, int64_t row_count)
      : column_(column), frames_(frames), row_count_(row_count) {}

  arrow::Result<std::shared_ptr<arrow::Array>> Take(const arrow::Array* values,
                                                    std::vector<FrameFault>* faults) const {
    if (values != nullptr && column_.type == ColumnType::kTimestamp &&
        values->type_id() == arrow::Type::TIMESTAMP) {
      return TakeTimes(static_cast<const arrow::TimestampArray&>(*values), faults);
    }
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column_));
    ARROW_RETURN_NOT_OK(builder->Reserve(row_count_));
    for (int64_t row = 0; row < row_count_; ++row) {
      const int64_t at = frames_.empty() ? row : frames_[static_cast<size_t>(row)];
      if (values == nullptr || values->IsNull(at)) {
        builder->AppendNull();
        NoteMissing(row, faults);
      } else if (!AppendValue(*values, at, column_, *builder)) {
        faults->push_back(
            {.row = row,
             .column = column_.name,
             .rule = kRuleColumnType,
             .reason = "Value of the message's " + column_.from + " is " + builder->reason()});
      }
    }
    return builder->Finish();
  }

 private:
  void NoteMissing(int64_t row, std::vector<FrameFault>* faults) const {
    if (!column_.is_required) return;
    faults->push_back({.row = row,
                       .column = column_.name,
                       .rule = kRuleColumnRequired,
                       .reason = "Required value is missing, the message's " + column_.from});
  }

  arrow::Result<std::shared_ptr<arrow::Array>> TakeTimes(const arrow::TimestampArray& values,
                                                         std::vector<FrameFault>* faults) const {
    arrow::TimestampBuilder builder(ArrowType(column_), arrow::default_memory_pool());
    ARROW_RETURN_NOT_OK(builder.Reserve(row_count_));
    for (int64_t row = 0; row < row_count_; ++row) {
      const int64_t at = frames_.empty() ? row : frames_[static_cast<size_t>(row)];
      if (values.IsNull(at)) {
        builder.UnsafeAppendNull();
        NoteMissing(row, faults);
      } else {
        builder.UnsafeAppend(values.Value(at));
      }
    }
    return builder.Finish();
  }

  const Column& column_;
  const std::vector<int64_t>& frames_;
  const int64_t row_count_;
};

}  // namespace

arrow::Result<FrameValues> FrameColumns::Take(const Block& block, const Batch& rows) const {
  FrameValues taken;
  if (columns_.empty()) return taken;
  std::vector<int64_t> frames;
  if (block.frame_columns != nullptr) {
    ARROW_ASSIGN_OR_RAISE(frames, FramesOfRows(block, rows));
  }
  for (const Column& column : columns_) {
    const auto values = block.frame_columns == nullptr
                            ? nullptr
                            : block.frame_columns->GetColumnByName(column.from);
    ARROW_ASSIGN_OR_RAISE(
        auto array,
        ColumnTaker(column, frames, rows.rows->num_rows()).Take(values.get(), &taken.faults));
    taken.columns.push_back(std::move(array));
  }
  return taken;
}

}  // namespace catchwater
