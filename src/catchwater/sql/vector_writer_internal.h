/// \file
/// One Arrow column -> DuckDB vectors. Private to sql/.
#pragma once

#include <cstdint>
#include <memory>

#include <arrow/array.h>
#include <arrow/type.h>

#include "catchwater/sql/duckdb_internal.h"

namespace catchwater::duckdb_internal {

/// Returns DuckDB's type for an Arrow type: timestamp with a zone -> TIMESTAMP WITH TIME ZONE,
/// decimal128 -> DECIMAL, binary -> BLOB; null if SQL cannot read the type.
LogicalType DuckDbType(const arrow::DataType& type);

/// Writes rows [row, row + row_count) of the array to rows [0, row_count) of the vector, which was
/// made with DuckDbType(array.type()). Texts longer than 12 bytes are not copied: the array must
/// outlive the vector. \pre row_count <= duckdb_vector_size()
void WriteVector(const arrow::Array& array, int64_t row, int64_t row_count, duckdb_vector vector);

}  // namespace catchwater::duckdb_internal
