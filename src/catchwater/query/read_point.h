/// \file
/// One instant over all tables: what a query sees.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

namespace catchwater {

/// Immutable once built. seq is the ledger's: everything committed up to it is in the tables'
/// metadata; `unflushed` holds what a running pipeline has read beyond it.
struct ReadPoint {
  int64_t seq = 0;
  std::map<std::string, std::string> metadata_location;  ///< By table key.
  std::map<std::string, std::vector<std::shared_ptr<arrow::RecordBatch>>> unflushed;
  /// Time travel: the snapshot that was current at this time, per table.
  std::optional<int64_t> as_of_us;
};

}  // namespace catchwater
