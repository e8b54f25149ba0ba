/// \file
/// Columns that come from the source's attributes (`from: path.stem`): the same value in every row
/// of a partition.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"

namespace catchwater {

/// True if the column's `from` names an attribute of the source, not of the payload.
bool IsAttributeColumn(const Column& column);

/// Puts decoded columns and attribute columns together in the declared order. One thread at a time.
class AttributeColumns {
 public:
  /// declared: all columns of the pipeline, in order.
  explicit AttributeColumns(std::vector<Column> declared);

  /// The columns that the codec must decode, in declared order.
  const std::vector<Column>& payload_columns() const { return payload_; }
  /// The attributes that the other columns come from.
  std::vector<std::string> attribute_names() const;
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }

  /// \retval kBadData if an attribute is missing or its text is not of the column's type
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Attach(
      const std::shared_ptr<arrow::RecordBatch>& decoded, const Attributes* attributes) const;

 private:
  std::vector<Column> declared_;
  std::vector<Column> payload_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace catchwater
