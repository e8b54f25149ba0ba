/// \file
/// Reads Parquet files of one table as they look in its current schema: columns by field id.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/io/files.h"

namespace catchwater {

struct ParquetReadOptions {
  int64_t batch_rows = 64 << 10;
  int64_t batch_bytes = 8 << 20;  ///< Of columns, as far as the rows before tell how long rows are.
  /// A column of a file without any field id is found by name (imported files). Off: it is an
  /// error.
  bool allow_names = false;
};

/// Streams the rows of the files in their order, as batches of `schema`: its fields carry
/// PARQUET:field_id, which finds the column in each file. A column that a file lacks is null; int32
/// is widened to int64, float32 to float64, a decimal to more digits. Batches have at most
/// batch_rows rows and about batch_bytes, and never span row groups, of which one is in memory.
/// One thread at a time; `files` must outlive the reader.
/// \retval kBadData for a damaged file or a column of another type; kNotFound
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadParquet(
    Files& files, std::vector<std::string> paths, std::shared_ptr<arrow::Schema> schema,
    ParquetReadOptions options);

}  // namespace catchwater
