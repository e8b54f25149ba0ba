/// \file
/// Rows of a reference by their key.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/row_hash.h"

namespace catchwater {

/// Immutable. A null in the key matches nothing, as in SQL.
class Lookup {
 public:
  static constexpr int64_t kMissing = -1;

  /// \param key columns of the rows; no two rows may have the same values there
  /// \retval kConfig a key comes twice, with the key
  static arrow::Result<std::shared_ptr<const Lookup>> Make(std::shared_ptr<arrow::RecordBatch> rows,
                                                           const std::vector<std::string>& key);

  /// Writes the row of each hash (RowHasher over columns of the same types), or kMissing.
  /// \return how many are missing
  int64_t Find(std::span<const Hash128> hashes, std::span<int64_t> rows) const;

  const std::shared_ptr<arrow::RecordBatch>& rows() const { return rows_; }

 private:
  struct Slot {
    Hash128 key;
    int64_t row = kMissing;  // kMissing: empty.
  };

  Lookup() = default;
  size_t SlotOf(const Hash128& key) const;

  std::shared_ptr<arrow::RecordBatch> rows_;
  std::vector<Slot> slots_;  // A power of two, at most half full.
};

}  // namespace catchwater
