/// \file
/// Which results of an app that is built anew are new to its table: the others stay as they are,
/// and nobody gets them again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

/// One thread. Memory: about a hundred bytes a result that the table shows.
class ResultDiff {
 public:
  /// Reads what the table shows: of each key the last revision, unless that is retracted.
  /// \pre the table has the columns of results (RevisedTableSpec)
  static arrow::Result<ResultDiff> Make(Lake& lake, std::shared_ptr<const TableState> table);

  /// Of results that come once for each key: those that the table does not show with these values,
  /// each that takes the place of another one behind rows that retract those. Numbers are equal up
  /// to 1e-11 of their value: sums depend on the order of rows.
  arrow::Result<arrow::RecordBatchVector> NewOf(const std::shared_ptr<arrow::RecordBatch>& results,
                                                int64_t retracting_revision);
  /// Rows that retract what the table shows and NewOf was not given.
  arrow::Result<arrow::RecordBatchVector> Gone(int64_t retracting_revision);

 private:
  struct Shown {
    std::string values;  // A hash.
    int64_t revision = -1;
    bool is_retracted = false;
    bool is_there = false;  // In what NewOf was given.
  };
  ResultDiff(Lake& lake, std::shared_ptr<const TableState> table)
      : lake_(lake), table_(std::move(table)) {}

  arrow::Status Read();
  std::string KeyOf(const arrow::RecordBatch& rows, int64_t row) const;
  std::string ValuesOf(const arrow::RecordBatch& rows, int64_t row) const;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Retracting(const arrow::RecordBatch& rows,
                                                                int64_t revision) const;

  Lake& lake_;
  const std::shared_ptr<const TableState> table_;
  std::vector<int> key_;     // Columns of the table's schema.
  std::vector<int> values_;  // The others but for revision and retracted.
  std::map<std::string, Shown> shown_;
};

}  // namespace catchwater
