/// \file
/// Rows in, Parquet data files by partition out.
///
/// Invariants:
/// 1. A file holds rows of one partition; its values and metrics come from what was written.
/// 2. Nothing is visible and nothing durable before Close() returned; then every file and its
///    folder are synced. Names are unique and carry the lease epoch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/io/files.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/iceberg/manifest.h"
#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// A durable data file that no snapshot refers to yet.
struct WrittenFile {
  DataFile data_file;      ///< For the ledger.
  ManifestDataFile entry;  ///< For the manifest.
  int32_t spec_id = 0;
};

struct PartitionWriterOptions {
  std::string lease = {};                   ///< The writer's lease and its epoch: part of each
  int64_t epoch = 0;                        ///< name, so that clean-up knows what is dead.
  int64_t target_file_bytes = 128LL << 20;  ///< A file is rolled at about this size.
  int64_t buffered_bytes_max = 32LL << 20;  ///< Over it the largest open row group is written out.
  int open_files_max = 64;                  ///< Over it the least recently used file is closed.
};

/// One thread at a time; one object a lane.
class PartitionWriter {
 public:
  virtual ~PartitionWriter() = default;

  static arrow::Result<std::unique_ptr<PartitionWriter>> Make(
      Lake& lake, std::shared_ptr<const TableState> table, PartitionWriterOptions options);

  /// Takes rows. Columns are found by name, in any order; an int32 column may go into a long one
  /// (float32 into double likewise); columns of the table that the batch lacks read as null;
  /// dictionary-encoded strings are taken as they are.
  /// \retval kConfig if a column is not in the table, of another type, or a required one is missing
  virtual arrow::Status Add(const std::shared_ptr<arrow::RecordBatch>& rows) = 0;

  /// Goes on with a newer state of the table: its schema has changed.
  /// \retval kConflict if it is partitioned in another way
  virtual arrow::Status UseTable(std::shared_ptr<const TableState> table) = 0;

  /// Finishes and syncs all files. The writer is then empty and may be used again.
  virtual arrow::Result<std::vector<WrittenFile>> Close() = 0;

  /// Removes what was written since the last Close().
  virtual arrow::Status Abandon() = 0;

  /// Memory held: encoded pages and rows that wait in open files.
  virtual int64_t buffered_bytes() const = 0;
  /// Encoded bytes of this flush so far, in files and buffers.
  virtual int64_t encoded_bytes() const = 0;
  virtual int64_t row_count() const = 0;
};

/// The manifest entry of a Parquet file from its footer; partition, path and sort order are left
/// for the caller. Texts are truncated to bounds of 16 code points.
ManifestDataFile ManifestFileOf(const ParquetMetrics& metrics, const IcebergSchema& schema);

/// Removes data files that a commit certainly did not take (kPositionMoved, kFenced, kWorkMoved).
arrow::Status RemoveWritten(Files& files, const std::vector<WrittenFile>& written);

/// The size tier of a data file: -1 from 3/4 of the target on (no work), else the number of whole
/// factors of 8 that it is below it: 0 for target / 8 <= bytes < target, 1 for the next; at most 6.
int SizeTier(int64_t byte_count, int64_t target_file_bytes);

}  // namespace catchwater
