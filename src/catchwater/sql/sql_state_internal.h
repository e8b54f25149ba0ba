/// \file
/// What the public handles of sql_database.h own. Private to sql/.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <arrow/result.h>

#include "catchwater/sql/arrow_rows_internal.h"
#include "catchwater/sql/chunk_collector_internal.h"
#include "catchwater/sql/duckdb_internal.h"

namespace catchwater::duckdb_internal {

struct DatabaseState {
  Database database;
  std::shared_ptr<RowSlots> slots = std::make_shared<RowSlots>();
  std::mutex extensions_mutex;
  bool has_iceberg = false;
  bool requires_signatures = true;
};

struct ConnectionState {
  struct Registered {
    int64_t slot_id = 0;
    std::shared_ptr<RowSlot> slot;
  };

  explicit ConnectionState(std::shared_ptr<DatabaseState> from) : database(std::move(from)) {}
  ~ConnectionState();
  ConnectionState(const ConnectionState&) = delete;
  ConnectionState& operator=(const ConnectionState&) = delete;

  const std::shared_ptr<DatabaseState> database;
  Connection connection;
  std::map<std::string, Registered, std::less<>> registered;  // By view name.
};

/// One execution. Members are destroyed bottom up: the result before its statement.
struct ResultState {
  std::shared_ptr<ConnectionState> connection;
  Prepared statement;
  Result result;
  std::unique_ptr<ChunkCollector> collector;
  bool is_at_end = false;
};

arrow::Result<std::shared_ptr<ConnectionState>> OpenConnection(
    std::shared_ptr<DatabaseState> database);

/// Prepares the only statement of the text. \retval kBadData none, several, or not valid
arrow::Result<Prepared> PrepareOne(duckdb_connection connection, const std::string& sql);

/// Collects the next chunks until there are row_count rows, or the end.
arrow::Status FetchRows(duckdb_result& result, int64_t row_count, ChunkCollector& collector,
                        bool* is_at_end);

/// Executes a statement, whatever it returns.
arrow::Status Run(duckdb_connection connection, const std::string& sql);

}  // namespace catchwater::duckdb_internal
