#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/sql/arrow_rows_internal.h"
#include "catchwater/sql/vector_writer_internal.h"

namespace catchwater::duckdb_internal {
namespace {

constexpr const char* kFunctionName = "catchwater_rows";

// What one thread takes at a time. A multiple of DuckDB's vector size.
constexpr int64_t kMorselRows = 30 * 2048;

/// Frees what DuckDB holds for us as void*.
template <typename T>
void Delete(void* pointer) {
  std::unique_ptr<T> owned(static_cast<T*>(pointer));
}

struct Morsel {
  const arrow::RecordBatch* rows = nullptr;
  int64_t row = 0;
  int64_t row_end = 0;
};

/// One execution: what is left to scan, shared by its threads.
class Scan {
 public:
  Scan(std::shared_ptr<const RowBatches> batches, std::vector<idx_t> columns)
      : batches_(std::move(batches)), columns_(std::move(columns)) {
    for (const auto& batch : *batches_) {
      for (int64_t row = 0; row < batch->num_rows(); row += kMorselRows) {
        const int64_t row_end = std::min(row + kMorselRows, batch->num_rows());
        morsels_.push_back({batch.get(), row, row_end});
      }
    }
  }

  std::optional<Morsel> Next() {
    const size_t i = next_.fetch_add(1, std::memory_order_relaxed);
    if (i >= morsels_.size()) return std::nullopt;
    return morsels_[i];
  }

  idx_t thread_count_max() const { return std::max<idx_t>(1, morsels_.size()); }
  const std::vector<idx_t>& columns() const { return columns_; }

 private:
  const std::shared_ptr<const RowBatches> batches_;
  const std::vector<idx_t> columns_;  // Of the schema; beyond its end: the row id, nobody reads it.
  std::vector<Morsel> morsels_;
  std::atomic<size_t> next_{0};
};

void Bind(duckdb_bind_info info) {
  const auto& slots = *static_cast<std::shared_ptr<RowSlots>*>(duckdb_bind_get_extra_info(info));
  const Value id(duckdb_bind_get_parameter(info, 0));
  std::shared_ptr<RowSlot> slot = slots->Find(duckdb_get_int64(id.get()));
  if (slot == nullptr) {
    duckdb_bind_set_error(info, "The registered rows are gone");
    return;
  }
  for (const auto& field : slot->schema()->fields()) {
    const LogicalType type = DuckDbType(*field->type());
    duckdb_bind_add_result_column(info, field->name().c_str(), type.get());
  }
  duckdb_bind_set_bind_data(info, new std::shared_ptr<RowSlot>(std::move(slot)),  // NOLINT
                            Delete<std::shared_ptr<RowSlot>>);
}

void Init(duckdb_init_info info) {
  const auto& slot = *static_cast<std::shared_ptr<RowSlot>*>(duckdb_init_get_bind_data(info));
  std::vector<idx_t> columns(duckdb_init_get_column_count(info));
  for (idx_t i = 0; i < columns.size(); ++i) columns[i] = duckdb_init_get_column_index(info, i);
  auto scan = std::make_unique<Scan>(slot->batches(), std::move(columns));
  duckdb_init_set_max_threads(info, scan->thread_count_max());
  duckdb_init_set_init_data(info, scan.release(), Delete<Scan>);
}

void InitThread(duckdb_init_info info) {
  duckdb_init_set_init_data(info, std::make_unique<Morsel>().release(), Delete<Morsel>);
}

void Fill(duckdb_function_info info, duckdb_data_chunk chunk) {
  Scan& scan = *static_cast<Scan*>(duckdb_function_get_init_data(info));
  Morsel& morsel = *static_cast<Morsel*>(duckdb_function_get_local_init_data(info));
  if (morsel.row == morsel.row_end) {
    const std::optional<Morsel> next = scan.Next();
    if (!next.has_value()) {
      duckdb_data_chunk_set_size(chunk, 0);
      return;
    }
    morsel = *next;
  }
  const int64_t row_count =
      std::min<int64_t>(static_cast<int64_t>(duckdb_vector_size()), morsel.row_end - morsel.row);
  const std::vector<idx_t>& columns = scan.columns();
  for (idx_t i = 0; i < columns.size(); ++i) {
    if (columns[i] >= static_cast<idx_t>(morsel.rows->num_columns())) continue;
    WriteVector(*morsel.rows->column(static_cast<int>(columns[i])), morsel.row, row_count,
                duckdb_data_chunk_get_vector(chunk, i));
  }
  morsel.row += row_count;
  duckdb_data_chunk_set_size(chunk, static_cast<idx_t>(row_count));
}

}  // namespace

int64_t RowSlots::Add(std::shared_ptr<RowSlot> slot) {
  std::lock_guard lock(mutex_);
  slots_.emplace(next_id_, std::move(slot));
  return next_id_++;
}

void RowSlots::Remove(int64_t id) {
  std::lock_guard lock(mutex_);
  slots_.erase(id);
}

std::shared_ptr<RowSlot> RowSlots::Find(int64_t id) const {
  std::lock_guard lock(mutex_);
  const auto found = slots_.find(id);
  return found == slots_.end() ? nullptr : found->second;
}

arrow::Status RegisterArrowRows(duckdb_connection connection, std::shared_ptr<RowSlots> slots) {
  const TableFunction function(duckdb_create_table_function());
  const LogicalType id(duckdb_create_logical_type(DUCKDB_TYPE_BIGINT));
  duckdb_table_function_set_name(function.get(), kFunctionName);
  duckdb_table_function_add_parameter(function.get(), id.get());
  duckdb_table_function_set_extra_info(function.get(),
                                       new std::shared_ptr<RowSlots>(std::move(slots)),  // NOLINT
                                       Delete<std::shared_ptr<RowSlots>>);
  duckdb_table_function_set_bind(function.get(), Bind);
  duckdb_table_function_set_init(function.get(), Init);
  duckdb_table_function_set_local_init(function.get(), InitThread);
  duckdb_table_function_set_function(function.get(), Fill);
  duckdb_table_function_supports_projection_pushdown(function.get(), true);
  if (duckdb_register_table_function(connection, function.get()) != DuckDBSuccess) {
    return Internal("DuckDB did not take the table function: ", kFunctionName);
  }
  return arrow::Status::OK();
}

std::string ArrowRowsCall(int64_t slot_id) {
  return std::string(kFunctionName) + "(" + std::to_string(slot_id) + ")";
}

arrow::Status CheckReadable(const arrow::Schema& schema) {
  if (schema.num_fields() == 0) return BadData("Rows without columns cannot be read by SQL");
  for (const auto& field : schema.fields()) {
    if (DuckDbType(*field->type()) != nullptr) continue;
    return BadData("Column has a type that SQL cannot read, name and type: ", field->name(), " ",
                   field->type()->ToString());
  }
  return arrow::Status::OK();
}

}  // namespace catchwater::duckdb_internal
