/// \file
/// Writes one Parquet file with field ids: ZSTD, statistics, pages of version 1.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/io/files.h"

namespace catchwater {

class PageCompressor;

struct ParquetWriterOptions {
  int64_t row_group_bytes_max = 16LL << 20;  ///< Encoded; a row group lies in memory until full.
  int64_t row_group_rows_max = 1 << 20;
  int compression_level = 1;  ///< ZSTD, of its own compressor.
  /// Columns (by position) that the rows are sorted by, ascending, nulls first; may be empty.
  std::vector<int> sorted_by = {};
  /// Writers that one thread has open may share one; null: a writer makes its own.
  std::shared_ptr<PageCompressor> compressor = nullptr;
};

/// A compressor for the options of several writers. One thread at a time.
std::shared_ptr<PageCompressor> MakePageCompressor(int compression_level = 1);

/// One thread at a time.
class ParquetFileWriter {
 public:
  virtual ~ParquetFileWriter() = default;

  /// The schema's fields must be flat and carry PARQUET:field_id. Encodings are chosen by the first
  /// rows: a column gets a dictionary only if its values repeat. \retval kInternal if an id is
  /// missing
  static arrow::Result<std::unique_ptr<ParquetFileWriter>> Make(
      std::shared_ptr<WritableFile> file, std::shared_ptr<arrow::Schema> schema,
      ParquetWriterOptions options);

  /// Takes rows [offset, offset + length) of columns in the schema's order and of its types; a
  /// text column may come dictionary-encoded.
  virtual arrow::Status Write(const arrow::RecordBatch& rows, int64_t offset, int64_t length) = 0;

  /// Writes the open row group out, if any.
  virtual arrow::Status FlushRowGroup() = 0;

  /// Writes the footer; neither syncs nor closes the file. The metrics are those of the footer.
  /// \retval kInternal if a column came out without its field id
  virtual arrow::Result<ParquetMetrics> Finish() = 0;

  virtual int64_t row_count() const = 0;
  /// Bytes of the open row group: finished pages, and values that are not yet a page.
  virtual int64_t buffered_bytes() const = 0;
  /// Encoded bytes so far: in the file and in the open row group.
  virtual int64_t encoded_bytes() const = 0;
};

}  // namespace catchwater
