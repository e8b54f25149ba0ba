/// \file
/// 128-bit hashes of the key columns of rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};

/// Hashes rows by some of their columns with XXH3-128 over an encoding that tells all values apart
/// and does not change when a column is widened (int32 -> int64, float -> double). Null is a value;
/// -0.0 is 0.0. The same on every machine. One thread at a time (keeps its buffers).
class RowHasher {
 public:
  /// \retval kConfig a column is not there, or of a type that cannot be a key
  static arrow::Result<RowHasher> Make(const arrow::Schema& schema,
                                       const std::vector<std::string>& columns, uint64_t seed = 0);

  /// Replaces `hashes` by one per row. \pre rows have the schema of Make
  void Hash(const arrow::RecordBatch& rows, std::vector<Hash128>& hashes);

 private:
  RowHasher() = default;
  void HashBlock(const arrow::RecordBatch& rows, int64_t row, int64_t row_count, Hash128* hashes);

  std::vector<int> columns_;
  uint64_t seed_ = 0;
  std::vector<uint8_t> bytes_;    // Encoded keys of a block, one behind the other.
  std::vector<uint32_t> places_;  // Where the next column of each row goes.
  std::vector<uint32_t> begins_;  // Where each row's key begins, and the end of the last.
};

}  // namespace catchwater
