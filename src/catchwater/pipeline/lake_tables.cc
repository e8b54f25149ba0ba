#include "catchwater/pipeline/lake_tables.h"

#include <cstdint>

#include "catchwater/base/error.h"
#include "catchwater/lake/scan.h"

namespace catchwater {
namespace {

/// A reference is held in memory; each step has a limit of its own below this one.
constexpr int64_t kRowsMax = 100'000'000;

}  // namespace

arrow::Result<std::shared_ptr<arrow::Table>> LakeTables::ReadTable(
    const std::string& table_key, const std::vector<std::string>& columns) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  if (table->record_count() > kRowsMax) {
    return ConfigError("Table is too large for a lookup, table and rows: ", table_key, " ",
                       table->record_count());
  }
  for (const std::string& column : columns) {
    if (table->schema->GetFieldByName(column) == nullptr) {
      return NotFound("Table has no such column, table and column: ", table_key, " ", column);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake_, *table));
  ARROW_ASSIGN_OR_RAISE(const auto rows, ReadRows(lake_, *table, files, columns));
  return rows->ToTable();
}

arrow::Result<std::string> LakeTables::Version(const std::string& table_key) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  // Merging and expiry change the metadata too, so this may change more often than the rows do.
  return std::to_string(table->metadata->current_snapshot_id.value_or(0));
}

}  // namespace catchwater
