/// \file
/// DuckDB result chunks (2,048 rows) -> one Arrow record batch. Private to sql/.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/sql/duckdb_internal.h"

namespace catchwater::duckdb_internal {

/// Collects one column. One thread at a time.
class ColumnCollector {
 public:
  virtual ~ColumnCollector() = default;
  virtual arrow::Status Append(duckdb_vector vector, int64_t row_count) = 0;
  /// Returns what was appended since the last call.
  virtual arrow::Result<std::shared_ptr<arrow::Array>> Finish() = 0;
};

/// Types as they come out: BOOLEAN, INTEGER types, FLOAT, DOUBLE, VARCHAR, BLOB, DATE as in Arrow;
/// TIMESTAMP WITH TIME ZONE -> timestamp(us, UTC); DECIMAL -> decimal128; HUGEINT ->
/// decimal128(38, 0), more is an error; ENUM, UUID -> utf8; all else (LIST, STRUCT, MAP, TIME, ...)
/// as DuckDB's own export gives. One thread at a time.
class ChunkCollector {
 public:
  /// Reads names and types of the result.
  static arrow::Result<std::unique_ptr<ChunkCollector>> Make(duckdb_result& result);

  arrow::Status Append(duckdb_data_chunk chunk);
  /// Returns the rows since the last call.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  int64_t row_count() const { return row_count_; }

 private:
  ChunkCollector() = default;
  arrow::Status AppendExported(duckdb_data_chunk chunk);

  std::shared_ptr<arrow::Schema> schema_;
  std::vector<std::unique_ptr<ColumnCollector>> columns_;  // Null: taken from DuckDB's export.
  ArrowOptions options_;
  std::shared_ptr<arrow::Schema> exported_schema_;  // As DuckDB's export gives; null: not needed.
  std::vector<std::vector<std::shared_ptr<arrow::Array>>> exported_;  // By column, pieces.
  int64_t row_count_ = 0;
};

/// Returns the collector of a type, or null if there is none.
std::unique_ptr<ColumnCollector> MakeColumnCollector(duckdb_logical_type type,
                                                     std::shared_ptr<arrow::DataType>* arrow_type);

}  // namespace catchwater::duckdb_internal
