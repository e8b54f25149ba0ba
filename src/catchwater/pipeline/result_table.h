/// \file
/// Results of a stream app in a table: append-only, each commit a revision of the keys it changed.
/// Source: docs/formats/stream_state.md, result tables.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/table_spec.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// Property of a result table: the names of its key, one a line.
inline constexpr const char* kResultKeyProperty = "catchwater.result-key";

/// The table for results of this schema; its property names the key and the window, for whoever
/// shows only the last revision (query/lake_query.h).
TableSpec ResultTableSpec(const std::string& table_key, const arrow::Schema& results,
                          int key_column_count, const std::string& pipeline);

/// The table for results of an operator whose schema is that of the table.
TableSpec OrderedTableSpec(const std::string& table_key, const OrderedOperator& op,
                           const std::string& pipeline);

/// A table of results of this schema, which has `revision` and `retracted` unless the key is empty.
TableSpec RevisedTableSpec(const std::string& table_key, std::shared_ptr<arrow::Schema> schema,
                           const std::vector<std::string>& result_key, const std::string& pipeline);

/// Results of `window: all` as rows of the table; retracted: they do not hold any more.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> RevisionRows(const arrow::RecordBatch& results,
                                                                int key_column_count,
                                                                int64_t revision,
                                                                bool is_retracted);

/// The greatest revision in the table, 0 if it has no rows.
arrow::Result<int64_t> LastRevision(Lake& lake, const TableState& table);

/// Rows that retract every result that the table has; null: it has none.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> RetractionRows(Lake& lake,
                                                                  const TableState& table,
                                                                  int64_t revision);

}  // namespace catchwater
