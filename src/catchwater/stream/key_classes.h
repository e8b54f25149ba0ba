/// \file
/// Which override of a stream a row is under: by the values of its key columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/config/override_config.h"

namespace catchwater {

/// Class 0 is of rows that no override fits, class i of the i-th. Immutable.
class KeyClasses {
 public:
  KeyClasses() = default;
  explicit KeyClasses(const std::vector<OverrideConfig>& overrides);

  size_t count() const { return rules_.size() + 1; }
  /// Of each row; empty: there are no overrides.
  /// \retval kConfig if a column is gone
  arrow::Result<std::vector<uint8_t>> Of(const arrow::RecordBatch& rows) const;
  /// The rows of each class, in their order.
  arrow::Result<std::vector<Batch>> Split(const Batch& batch) const;

 private:
  struct Condition {
    std::string column;
    std::set<std::string, std::less<>> values;
  };

  std::vector<std::vector<Condition>> rules_;  // Of the i-th class + 1: all must hold.
};

}  // namespace catchwater
