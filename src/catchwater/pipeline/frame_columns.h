/// \file
/// Columns that come from parts of the message beside its payload (`from: key`): values of frames
/// become values of rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"

namespace catchwater {

/// A value that is not of the column's type.
struct FrameFault {
  int64_t row = 0;
  std::string column;
  std::string_view rule;  ///< kRuleColumnType or kRuleColumnRequired.
  std::string reason;
};

struct FrameValues {
  arrow::ArrayVector columns;  ///< As declared; each as long as the rows.
  std::vector<FrameFault> faults;
};

/// Immutable; any thread.
class FrameColumns {
 public:
  explicit FrameColumns(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Returns the columns for the rows that were decoded of the block. A block without them, e.g.
  /// a dead letter that is replayed, gives nulls. \pre the rows have frame ordinals, or each frame
  /// gave one row
  arrow::Result<FrameValues> Take(const Block& block, const Batch& rows) const;

 private:
  const std::vector<Column> columns_;
};

}  // namespace catchwater
