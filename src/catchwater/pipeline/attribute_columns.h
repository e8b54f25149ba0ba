/// \file
/// Columns that do not come from the payload: the source's attributes (`from: path.stem`), the same
/// value in every row of a partition, and the parts of a message (`from: key`).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"

namespace catchwater {

/// Stands before the `from` of a column that the source fills from a part of the message: put there
/// by BuildPlan, since only the source knows the words.
inline constexpr std::string_view kFramePrefix = "frame:";
bool IsFrameColumn(const Column& column);
/// True if the column's `from` names an attribute of the source, not of the payload.
bool IsAttributeColumn(const Column& column);

/// Puts decoded columns and attribute columns together in the declared order. One thread at a time.
class AttributeColumns {
 public:
  /// declared: all columns of the pipeline, in order.
  explicit AttributeColumns(std::vector<Column> declared);

  /// The columns that the codec must decode, in declared order.
  const std::vector<Column>& payload_columns() const { return payload_; }
  /// The attributes that other columns come from.
  std::vector<std::string> attribute_names() const;
  /// The columns that come from parts of the message, in declared order, without the prefix.
  const std::vector<Column>& frame_columns() const { return frame_; }
  std::vector<std::string> frame_column_names() const;
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// of_frame: one array for each of frame_columns(), as long as the rows.
  /// \retval kBadData if an attribute is missing or its text is not of the column's type
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Attach(
      const std::shared_ptr<arrow::RecordBatch>& decoded, const Attributes* attributes,
      const arrow::ArrayVector& of_frame = {}) const;

 private:
  std::vector<Column> declared_;
  std::vector<Column> payload_;
  std::vector<Column> frame_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace catchwater
