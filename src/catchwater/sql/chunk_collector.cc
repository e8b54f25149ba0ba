#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/c/bridge.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>

#include "catchwater/sql/chunk_collector_internal.h"

namespace catchwater::duckdb_internal {
namespace {

/// Asks DuckDB how it would export the columns.
arrow::Result<std::shared_ptr<arrow::Schema>> ExportedSchema(
    duckdb_arrow_options options, const std::vector<LogicalType>& types,
    const std::vector<const char*>& names) {
  std::vector<duckdb_logical_type> raw_types;
  for (const LogicalType& type : types) raw_types.push_back(type.get());
  std::vector<const char*> raw_names = names;
  ArrowSchema exported{};
  const ErrorData error(duckdb_to_arrow_schema(options, raw_types.data(), raw_names.data(),
                                               raw_types.size(), &exported));
  ARROW_RETURN_NOT_OK(ErrorOf(error));
  return arrow::ImportSchema(&exported);
}

bool IsDictionary(const arrow::Field& field) {
  return field.type()->id() == arrow::Type::DICTIONARY;
}

}  // namespace

arrow::Result<std::unique_ptr<ChunkCollector>> ChunkCollector::Make(duckdb_result& result) {
  std::unique_ptr<ChunkCollector> made(new ChunkCollector());  // NOLINT: private constructor
  const idx_t column_count = duckdb_column_count(&result);
  std::vector<LogicalType> types;
  std::vector<const char*> names;
  arrow::FieldVector fields;
  bool is_export_needed = false;
  for (idx_t i = 0; i < column_count; ++i) {
    types.emplace_back(duckdb_column_logical_type(&result, i));
    names.push_back(duckdb_column_name(&result, i));
    std::shared_ptr<arrow::DataType> arrow_type;
    made->columns_.push_back(MakeColumnCollector(types.back().get(), &arrow_type));
    is_export_needed = is_export_needed || made->columns_.back() == nullptr;
    fields.push_back(arrow::field(names.back(), arrow_type));
  }
  if (is_export_needed) {
    ARROW_RETURN_NOT_OK(arrow::compute::Initialize());  // For the cast of dictionaries.
    made->options_ = ArrowOptions(duckdb_result_get_arrow_options(&result));
    ARROW_ASSIGN_OR_RAISE(made->exported_schema_,
                          ExportedSchema(made->options_.get(), types, names));
    made->exported_.resize(column_count);
    for (size_t i = 0; i < fields.size(); ++i) {
      if (made->columns_[i] != nullptr) continue;
      fields[i] = made->exported_schema_->field(static_cast<int>(i));
      if (IsDictionary(*fields[i])) fields[i] = fields[i]->WithType(arrow::utf8());
    }
  }
  made->schema_ = arrow::schema(std::move(fields));
  return made;
}

arrow::Status ChunkCollector::Append(duckdb_data_chunk chunk) {
  const auto row_count = static_cast<int64_t>(duckdb_data_chunk_get_size(chunk));
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] == nullptr) continue;
    ARROW_RETURN_NOT_OK(columns_[i]->Append(duckdb_data_chunk_get_vector(chunk, i), row_count));
  }
  if (exported_schema_ != nullptr) ARROW_RETURN_NOT_OK(AppendExported(chunk));
  row_count_ += row_count;
  return arrow::Status::OK();
}

arrow::Status ChunkCollector::AppendExported(duckdb_data_chunk chunk) {
  ArrowArray exported{};
  const ErrorData error(duckdb_data_chunk_to_arrow(options_.get(), chunk, &exported));
  ARROW_RETURN_NOT_OK(ErrorOf(error));
  ARROW_ASSIGN_OR_RAISE(auto rows, arrow::ImportRecordBatch(&exported, exported_schema_));
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] != nullptr) continue;
    std::shared_ptr<arrow::Array> piece = rows->column(static_cast<int>(i));
    if (IsDictionary(*exported_schema_->field(static_cast<int>(i)))) {
      ARROW_ASSIGN_OR_RAISE(piece, arrow::compute::Cast(*piece, arrow::utf8()));
    }
    exported_[i].push_back(std::move(piece));
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ChunkCollector::Finish() {
  arrow::ArrayVector arrays(columns_.size());
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (columns_[i] != nullptr) {
      ARROW_ASSIGN_OR_RAISE(arrays[i], columns_[i]->Finish());
    } else if (exported_[i].empty()) {
      ARROW_ASSIGN_OR_RAISE(arrays[i],
                            arrow::MakeEmptyArray(schema_->field(static_cast<int>(i))->type()));
    } else {
      ARROW_ASSIGN_OR_RAISE(arrays[i], arrow::Concatenate(exported_[i]));
      exported_[i].clear();
    }
  }
  return arrow::RecordBatch::Make(schema_, std::exchange(row_count_, 0), std::move(arrays));
}

}  // namespace catchwater::duckdb_internal
