/// \file
/// Seam: steps that look rows up in a lake table read it through this, without knowing the lake.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/table.h>

namespace catchwater {

/// Any thread.
class TableReader {
 public:
  virtual ~TableReader() = default;

  /// Reads the columns (empty: all) of a whole table, e.g. `sensors.sites`, at its current
  /// snapshot. \retval kNotFound no such table or column \retval kConfig too large for a lookup
  virtual arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& columns) = 0;

  /// A text that changes when the table's rows change. Cheap. \retval kNotFound no such table
  virtual arrow::Result<std::string> Version(const std::string& table_key) = 0;
};

}  // namespace catchwater
