/// \file
/// Compares rows of record batches by sort columns as the sort of a data file does: nulls first
/// ascending, last descending.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/record_batch.h>

#include "catchwater/lake/table_spec.h"

namespace catchwater {

/// Immutable; any thread.
class RowOrderComparator {
 public:
  /// columns[i] is the index of terms[i].column in the batches that will be compared; terms without
  /// a column are not compared.
  RowOrderComparator(std::vector<int> columns, const std::vector<SortTerm>& terms);

  /// \return < 0, 0, > 0 as row_a of a comes before, with or behind row_b of b. NaN is greater than
  /// any number and equal to itself.
  int Compare(const arrow::RecordBatch& a, int64_t row_a, const arrow::RecordBatch& b,
              int64_t row_b) const;

 private:
  std::vector<int> columns_;
  std::vector<bool> is_descending_;
};

}  // namespace catchwater
