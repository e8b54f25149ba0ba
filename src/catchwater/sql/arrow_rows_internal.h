/// \file
/// Arrow record batches as a DuckDB table function with projection pushdown:
/// `catchwater_rows(<slot id>)`. Private to sql/.
///
/// Not duckdb_arrow_scan(): that pushes projections and filters into the Arrow stream and trusts it
/// to apply them, so with a plain stream a WHERE is silently ignored.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/sql/duckdb_internal.h"

namespace catchwater::duckdb_internal {

/// The batches of one scan; never changed once set.
using RowBatches = std::vector<std::shared_ptr<arrow::RecordBatch>>;

/// Where a statement finds its rows. The batches can be swapped between executions; an execution
/// keeps those that it began with. Any thread.
class RowSlot {
 public:
  explicit RowSlot(std::shared_ptr<arrow::Schema> schema) : schema_(std::move(schema)) {}

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  void Set(std::shared_ptr<const RowBatches> batches) {
    std::lock_guard lock(mutex_);
    batches_ = std::move(batches);
  }
  std::shared_ptr<const RowBatches> batches() const {
    std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  mutable std::mutex mutex_;
  std::shared_ptr<const RowBatches> batches_ = std::make_shared<RowBatches>();
};

/// The slots of one database, by id. Any thread.
class RowSlots {
 public:
  int64_t Add(std::shared_ptr<RowSlot> slot);
  void Remove(int64_t id);
  std::shared_ptr<RowSlot> Find(int64_t id) const;

 private:
  mutable std::mutex mutex_;
  int64_t next_id_ = 1;
  std::map<int64_t, std::shared_ptr<RowSlot>> slots_;
};

/// Makes `catchwater_rows(id)` known to the database; the function keeps the slots alive.
arrow::Status RegisterArrowRows(duckdb_connection connection, std::shared_ptr<RowSlots> slots);

/// `catchwater_rows(7)`.
std::string ArrowRowsCall(int64_t slot_id);

/// OK if all columns have a type that SQL can read. \retval kBadData naming the first that has not
arrow::Status CheckReadable(const arrow::Schema& schema);

}  // namespace catchwater::duckdb_internal
