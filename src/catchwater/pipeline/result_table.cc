#include "catchwater/pipeline/result_table.h"

#include <algorithm>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>

#include "catchwater/lake/scan.h"
#include "catchwater/stream/keyed_aggregate.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

std::shared_ptr<arrow::Schema> TableSchema(const arrow::Schema& results, int key_column_count) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (int i = 0; i < key_column_count; ++i) fields.push_back(results.field(i));
  fields.push_back(arrow::field(kResultColumns[0], TimeType()));
  fields.push_back(arrow::field(kResultColumns[1], TimeType()));
  fields.push_back(arrow::field(kResultColumns[2], arrow::int64()));
  fields.push_back(arrow::field(kResultColumns[3], arrow::boolean()));
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
  key += kResultColumns[0];
  spec.properties["catchwater.pipeline"] = pipeline;
  spec.properties["catchwater.result-key"] = key;
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
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, table, files, {kResultColumns[2]}));
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
                                                                  const arrow::Schema& results,
                                                                  int key_column_count,
                                                                  int64_t revision) {
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake, table));
  if (files.empty()) return nullptr;
  KeyedAggregateOptions options;
  for (int i = 0; i < key_column_count; ++i) options.key.push_back(results.field(i)->name());
  ARROW_ASSIGN_OR_RAISE(KeyedAggregate keys, KeyedAggregate::Make(options, *table.schema));
  std::vector<std::string> columns = options.key;
  columns.push_back(kResultColumns[2]);
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, table, files, columns));
  while (true) {
    Batch batch;
    ARROW_ASSIGN_OR_RAISE(batch.rows, reader->Next());
    if (batch.rows == nullptr) break;
    ARROW_RETURN_NOT_OK(keys.Add(batch));
  }
  ARROW_ASSIGN_OR_RAISE(const auto found, keys.Finish());
  auto arrays = found->columns();
  for (int i = key_column_count; i < results.num_fields(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto nulls,
                          arrow::MakeArrayOfNull(results.field(i)->type(), found->num_rows()));
    arrays.push_back(std::move(nulls));
  }
  const auto rows = arrow::RecordBatch::Make(arrow::schema(results.fields()), found->num_rows(),
                                             std::move(arrays));
  return RevisionRows(*rows, key_column_count, revision, /*is_retracted=*/true);
}

}  // namespace catchwater
