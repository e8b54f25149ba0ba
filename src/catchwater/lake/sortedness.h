/// \file
/// Whether rows that pass by are in a sort order. Looks at each pair of neighbours until the first
/// that is out of order; from then on it costs nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>

namespace catchwater {

struct SortKey {
  int column = 0;  ///< Position in the batches.
  bool is_descending = false;
};

/// One thread at a time. Nulls first when ascending, last when descending.
class Sortedness {
 public:
  /// Without keys nothing counts as sorted.
  explicit Sortedness(std::vector<SortKey> keys)
      : keys_(std::move(keys)), is_sorted_(!keys_.empty()) {}

  void Add(const arrow::RecordBatch& rows, int64_t offset, int64_t length);
  bool is_sorted() const { return is_sorted_; }

 private:
  std::vector<SortKey> keys_;
  bool is_sorted_;
  std::shared_ptr<arrow::RecordBatch> last_row_;  // A copy of the one row before.
  std::vector<int64_t> ties_;                     // Scratch: rows equal to their neighbour so far.
};

}  // namespace catchwater
