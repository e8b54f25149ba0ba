#include "catchwater/sql/sql_state_internal.h"

namespace catchwater::duckdb_internal {

ConnectionState::~ConnectionState() {
  for (const auto& [name, entry] : registered) database->slots->Remove(entry.slot_id);
}

arrow::Result<std::shared_ptr<ConnectionState>> OpenConnection(
    std::shared_ptr<DatabaseState> database) {
  auto state = std::make_shared<ConnectionState>(std::move(database));
  duckdb_connection raw = nullptr;
  if (duckdb_connect(state->database->database.get(), &raw) != DuckDBSuccess) {
    return Internal("DuckDB gave no connection");
  }
  state->connection.reset(raw);
  ARROW_RETURN_NOT_OK(Run(raw, "SET TimeZone = 'UTC'"));
  return state;
}

arrow::Result<Prepared> PrepareOne(duckdb_connection connection, const std::string& sql) {
  if (sql.find('\0') != std::string::npos) return BadData("SQL text contains a zero byte");
  duckdb_extracted_statements raw_statements = nullptr;
  const idx_t count = duckdb_extract_statements(connection, sql.c_str(), &raw_statements);
  const Extracted statements(raw_statements);
  if (count == 0) {
    const char* message = duckdb_extract_statements_error(statements.get());
    return BadData(message != nullptr ? message : "SQL text has no statement");
  }
  if (count > 1) return BadData("SQL text must be one statement, statements: ", count);
  duckdb_prepared_statement raw = nullptr;
  const duckdb_state state =
      duckdb_prepare_extracted_statement(connection, statements.get(), 0, &raw);
  Prepared prepared(raw);
  if (state != DuckDBSuccess) return PrepareError(duckdb_prepare_error(prepared.get()));
  return prepared;
}

arrow::Status FetchRows(duckdb_result& result, int64_t row_count, ChunkCollector& collector,
                        bool* is_at_end) {
  while (collector.row_count() < row_count) {
    const Chunk chunk(duckdb_fetch_chunk(result));
    if (chunk == nullptr || duckdb_data_chunk_get_size(chunk.get()) == 0) {
      if (duckdb_result_error(&result) != nullptr) return ErrorOf(result);
      *is_at_end = true;
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(collector.Append(chunk.get()));
  }
  return arrow::Status::OK();
}

arrow::Status Run(duckdb_connection connection, const std::string& sql) {
  Result result;
  if (duckdb_query(connection, sql.c_str(), &result.raw) == DuckDBSuccess) {
    return arrow::Status::OK();
  }
  return ErrorOf(result.raw);
}

}  // namespace catchwater::duckdb_internal
