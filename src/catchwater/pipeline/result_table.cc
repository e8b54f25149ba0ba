#include "catchwater/pipeline/result_table.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>

#include "catchwater/lake/scan.h"
#include "catchwater/stream/keyed_aggregate.h"
#include "catchwater/stream/window_results.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

std::shared_ptr<arrow::Schema> TableSchema(const arrow::Schema& results, int key_column_count) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int i = 0; i < key_column_count; ++i) fields.push_back(results.field(i));
  fields.push_back(arrow::field(kWindowColumns[0], TimeType()));
  fields.push_back(arrow::field(kWindowColumns[1], TimeType()));
  fields.push_back(arrow::field(kWindowColumns[2], arrow::int64()));
  fields.push_back(arrow::field(kWindowColumns[3], arrow::boolean()));
  for (int i = key_column_count; i < results.num_fields(); ++i) fields.push_back(results.field(i));
  return arrow::schema(std::move(fields));
}

}  // namespace

TableSpec ResultTableSpec(const std::string& table_key, const arrow::Schema& results,
                          int key_column_count, const std::string& pipeline) {
  TableSpec spec;
  spec.table_key = table_key;
  spec.schema = TableSchema(results, key_column_count);
  std::string key;
  for (int i = 0; i < key_column_count; ++i) key += results.field(i)->name() + "\n";
  key += kWindowColumns[0];
  spec.properties["catchwater.pipeline"] = pipeline;
  spec.properties[kResultKeyProperty] = key;
  return spec;
}

TableSpec OrderedTableSpec(const std::string& table_key, const OrderedOperator& op,
                           const std::string& pipeline) {
  return RevisedTableSpec(table_key, op.schema(), op.result_key(), pipeline);
}

TableSpec RevisedTableSpec(const std::string& table_key, std::shared_ptr<arrow::Schema> schema,
                           const std::vector<std::string>& result_key,
                           const std::string& pipeline) {
  TableSpec spec;
  spec.table_key = table_key;
  spec.schema = std::move(schema);
  spec.properties["catchwater.pipeline"] = pipeline;
  std::string key;
  for (const std::string& column : result_key) key += (key.empty() ? "" : "\n") + column;
  if (!key.empty()) spec.properties[kResultKeyProperty] = key;
  return spec;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RevisionRows(const arrow::RecordBatch& results,
                                                                int key_column_count,
                                                                int64_t revision,
                                                                bool is_retracted) {
  const int64_t row_count = results.num_rows();
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (int i = 0; i < key_column_count; ++i) columns.push_back(results.column(i));
  ARROW_ASSIGN_OR_RAISE(const auto no_time, arrow::MakeArrayOfNull(TimeType(), row_count));
  columns.push_back(no_time);  // One window over everything has no bounds.
  columns.push_back(no_time);
  ARROW_ASSIGN_OR_RAISE(auto revisions,
                        arrow::MakeArrayFromScalar(arrow::Int64Scalar(revision), row_count));
  columns.push_back(std::move(revisions));
  ARROW_ASSIGN_OR_RAISE(auto retracted,
                        arrow::MakeArrayFromScalar(arrow::BooleanScalar(is_retracted), row_count));
  columns.push_back(std::move(retracted));
  for (int i = key_column_count; i < results.num_columns(); ++i) {
    columns.push_back(results.column(i));
  }
  return arrow::RecordBatch::Make(TableSchema(*results.schema(), key_column_count), row_count,
                                  std::move(columns));
}

arrow::Result<int64_t> LastRevision(Lake& lake, const TableState& table) {
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake, table));
  int64_t last = 0;
  if (files.empty()) return last;
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, table, files, {kWindowColumns[2]}));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) return last;
    const auto& revisions = static_cast<const arrow::Int64Array&>(*rows->column(0));
    for (int64_t i = 0; i < revisions.length(); ++i) {
      if (revisions.IsValid(i)) last = std::max(last, revisions.Value(i));
    }
  }
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> RetractionRows(Lake& lake,
                                                                  const TableState& table,
                                                                  int64_t revision) {
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake, table));
  if (files.empty()) return nullptr;
  KeyedAggregateOptions options;
  std::istringstream lines(table.metadata->properties.at(kResultKeyProperty));
  for (std::string column; std::getline(lines, column);) options.key.push_back(column);
  ARROW_ASSIGN_OR_RAISE(KeyedAggregate keys, KeyedAggregate::Make(options, *table.schema));
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, table, files, options.key));
  while (true) {
    Batch batch;
    ARROW_ASSIGN_OR_RAISE(batch.rows, reader->Next());
    if (batch.rows == nullptr) break;
    ARROW_RETURN_NOT_OK(keys.Add(batch));
  }
  ARROW_ASSIGN_OR_RAISE(const auto found, keys.Finish());
  const int64_t row_count = found->num_rows();
  arrow::ArrayVector columns;
  for (const auto& field : table.schema->fields()) {
    auto column = found->GetColumnByName(field->name());
    if (field->name() == kWindowColumns[2]) {
      ARROW_ASSIGN_OR_RAISE(column,
                            arrow::MakeArrayFromScalar(arrow::Int64Scalar(revision), row_count));
    } else if (field->name() == kWindowColumns[3]) {
      ARROW_ASSIGN_OR_RAISE(column,
                            arrow::MakeArrayFromScalar(arrow::BooleanScalar(true), row_count));
    } else if (column == nullptr) {
      ARROW_ASSIGN_OR_RAISE(column, arrow::MakeArrayOfNull(field->type(), row_count));
    }
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(table.schema, row_count, std::move(columns));
}

}  // namespace catchwater
