/// \file
/// A choice of columns, in an order: `columns: [sensor_id, total]` of a sink.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

/// Immutable; any thread.
class PickColumns {
 public:
  /// names empty: all columns as they are. \retval kConfig with the columns that there are
  static arrow::Result<PickColumns> Make(const std::vector<std::string>& names,
                                         const std::shared_ptr<arrow::Schema>& schema);

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Apply(const arrow::RecordBatch& rows) const;

 private:
  std::vector<int> indices_;
  std::shared_ptr<arrow::Schema> schema_;
};

}  // namespace catchwater
