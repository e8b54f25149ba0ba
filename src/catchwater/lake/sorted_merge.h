/// \file
/// Many data files -> one stream of rows in sort order, in bounded memory.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/lake/table_spec.h"

namespace catchwater {

struct SortedMergeOptions {
  std::vector<SortTerm> sort;             ///< Empty: the files one after the other.
  int64_t memory_bytes_max = 96LL << 20;  ///< Over it, sorted runs are spilled.
  std::string spill_folder;               ///< For runs; its files are removed again.
};

/// Takes rows, gives them back sorted. Nulls come first ascending, last descending; NaN is
/// greater than any number. One thread at a time.
/// Source: external merge sort with runs of memory_bytes_max; Knuth, TAOCP 3, 5.4.
class SortedMerge {
 public:
  SortedMerge(Files& files, std::shared_ptr<arrow::Schema> schema, SortedMergeOptions options);
  ~SortedMerge();

  arrow::Status Add(std::shared_ptr<arrow::RecordBatch> rows);
  /// No more rows come. Afterwards Next gives them back.
  arrow::Status Finish();
  /// The next rows in order, or null at the end.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next();

 private:
  struct Run;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> SortPending();
  arrow::Status Spill();
  arrow::Status OpenRuns();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> NextOfRuns();
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Sorted(
      std::vector<std::shared_ptr<arrow::RecordBatch>> batches) const;

  Files& files_;
  const std::shared_ptr<arrow::Schema> schema_;
  const SortedMergeOptions options_;
  std::vector<int> key_indices_;
  std::vector<std::shared_ptr<arrow::RecordBatch>> pending_;
  int64_t pending_bytes_ = 0;
  std::vector<std::string> run_paths_;
  std::vector<std::unique_ptr<Run>> runs_;
  std::shared_ptr<arrow::RecordBatch> rest_;  ///< Without runs: what Next has not given yet.
};

}  // namespace catchwater
