#include "catchwater/sql/sql_database.h"

#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/sql/sql_state_internal.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater {

using duckdb_internal::ConnectionState;
using duckdb_internal::DatabaseState;
using duckdb_internal::ResultState;

// ---- SqlResult

SqlResult::SqlResult(std::unique_ptr<ResultState> state) : state_(std::move(state)) {}
SqlResult::SqlResult(SqlResult&&) noexcept = default;
SqlResult& SqlResult::operator=(SqlResult&&) noexcept = default;
SqlResult::~SqlResult() = default;

const std::shared_ptr<arrow::Schema>& SqlResult::schema() const {
  return state_->collector->schema();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SqlResult::Next() {
  if (!state_->is_at_end) {
    ARROW_RETURN_NOT_OK(duckdb_internal::FetchRows(state_->result.raw, kSqlResultBatchRows,
                                                   *state_->collector, &state_->is_at_end));
  }
  if (state_->collector->row_count() == 0) return nullptr;
  return state_->collector->Finish();
}

arrow::Result<std::shared_ptr<arrow::Table>> SqlResult::ReadAll() {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, Next());
    if (batch == nullptr) break;
    batches.push_back(std::move(batch));
  }
  return arrow::Table::FromRecordBatches(schema(), batches);
}

// ---- SqlConnection

namespace {

bool MayWrite(duckdb_statement_type type) {
  switch (type) {
    case DUCKDB_STATEMENT_TYPE_COPY:
    case DUCKDB_STATEMENT_TYPE_COPY_DATABASE:
    case DUCKDB_STATEMENT_TYPE_EXPORT:
    case DUCKDB_STATEMENT_TYPE_ATTACH:
    case DUCKDB_STATEMENT_TYPE_PREPARE:
      return true;
    default:
      return false;
  }
}

/// A statement that answers, so that one who asks waits for its rows.
bool GivesRows(duckdb_statement_type type) {
  return type == DUCKDB_STATEMENT_TYPE_SELECT || type == DUCKDB_STATEMENT_TYPE_EXPLAIN ||
         type == DUCKDB_STATEMENT_TYPE_CALL;
}

}  // namespace

SqlConnection::SqlConnection(std::shared_ptr<ConnectionState> state) : state_(std::move(state)) {}
SqlConnection::~SqlConnection() = default;

arrow::Result<SqlResult> SqlConnection::Query(std::string_view sql, bool may_write) {
  if (sql.find('\0') != std::string_view::npos) return BadData("SQL text contains a zero byte");
  duckdb_connection connection = state_->connection.get();
  duckdb_extracted_statements raw_statements = nullptr;
  const std::string text(sql);
  const idx_t count = duckdb_extract_statements(connection, text.c_str(), &raw_statements);
  const duckdb_internal::Extracted statements(raw_statements);
  if (count == 0) {
    const char* message = duckdb_extract_statements_error(statements.get());
    return BadData(message != nullptr ? message : "SQL text has no statement");
  }
  auto state = std::make_unique<ResultState>();
  state->connection = state_;
  bool loses_rows = false;
  for (idx_t i = 0; i < count; ++i) {
    duckdb_prepared_statement raw = nullptr;
    const duckdb_state prepared =
        duckdb_prepare_extracted_statement(connection, statements.get(), i, &raw);
    state->statement.reset(raw);
    if (prepared != DuckDBSuccess) {
      return duckdb_internal::PrepareError(duckdb_prepare_error(raw));
    }
    const duckdb_statement_type type = duckdb_prepared_statement_type(raw);
    if (!may_write && MayWrite(type)) {
      return Denied("SQL may not write files, which could be those of tables");
    }
    if (!may_write && i + 1 < count && GivesRows(type)) {
      loses_rows = true;  // Not run; what follows is looked at before that is said.
    } else if (i + 1 < count) {
      duckdb_internal::Result ignored;
      if (duckdb_execute_prepared(raw, &ignored.raw) != DuckDBSuccess) {
        return duckdb_internal::ErrorOf(ignored.raw);
      }
    } else if (loses_rows) {
      return BadData(
          "SQL has several statements that give rows; one of them can be shown\n"
          "  = help: ask them one by one, or join them by UNION ALL. `SET` and `CREATE "
          "TEMP` may stand before the one");
    } else if (duckdb_execute_prepared_streaming(raw, &state->result.raw) != DuckDBSuccess) {
      return duckdb_internal::ErrorOf(state->result.raw);
    }
  }
  ARROW_ASSIGN_OR_RAISE(state->collector, duckdb_internal::ChunkCollector::Make(state->result.raw));
  return SqlResult(std::move(state));
}

arrow::Status SqlConnection::Execute(std::string_view sql) {
  ARROW_ASSIGN_OR_RAISE(SqlResult result, Query(sql));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, result.Next());
    if (batch == nullptr) return arrow::Status::OK();
  }
}

arrow::Status SqlConnection::RegisterBatch(
    std::string_view name, std::shared_ptr<arrow::Schema> schema,
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches) {
  ARROW_RETURN_NOT_OK(duckdb_internal::CheckReadable(*schema));
  for (const auto& batch : batches) {
    if (batch->schema()->Equals(*schema, /*check_metadata=*/false)) continue;
    return BadData("Batch has another schema than its view, view: ", name);
  }
  ARROW_RETURN_NOT_OK(UnregisterBatch(name));
  auto slot = std::make_shared<duckdb_internal::RowSlot>(std::move(schema));
  slot->Set(std::make_shared<duckdb_internal::RowBatches>(std::move(batches)));
  duckdb_internal::RowSlots& slots = *state_->database->slots;
  const int64_t slot_id = slots.Add(slot);
  const arrow::Status made = duckdb_internal::Run(
      state_->connection.get(), "CREATE OR REPLACE TEMPORARY VIEW " + QuoteSqlName(name) +
                                    " AS FROM " + duckdb_internal::ArrowRowsCall(slot_id));
  if (!made.ok()) {
    slots.Remove(slot_id);
    return made;
  }
  state_->registered.insert_or_assign(std::string(name),
                                      ConnectionState::Registered{slot_id, std::move(slot)});
  return arrow::Status::OK();
}

arrow::Status SqlConnection::RegisterBatch(
    std::string_view name, std::vector<std::shared_ptr<arrow::RecordBatch>> batches) {
  CATCHWATER_CHECK(!batches.empty(), "without a batch the schema must be given");
  std::shared_ptr<arrow::Schema> schema = batches.front()->schema();
  return RegisterBatch(name, std::move(schema), std::move(batches));
}

arrow::Status SqlConnection::UnregisterBatch(std::string_view name) {
  const auto found = state_->registered.find(name);
  if (found == state_->registered.end()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(duckdb_internal::Run(state_->connection.get(),
                                           "DROP VIEW IF EXISTS temp." + QuoteSqlName(name)));
  state_->database->slots->Remove(found->second.slot_id);
  state_->registered.erase(found);
  return arrow::Status::OK();
}

arrow::Result<std::string> SqlConnection::BatchSource(std::string_view name) const {
  const auto found = state_->registered.find(name);
  if (found == state_->registered.end()) return NotFound("No rows are registered as: ", name);
  return duckdb_internal::ArrowRowsCall(found->second.slot_id);
}

void SqlConnection::Interrupt() { duckdb_interrupt(state_->connection.get()); }

// ---- SqlDatabase

SqlDatabase::SqlDatabase(std::shared_ptr<DatabaseState> state) : state_(std::move(state)) {}
SqlDatabase::~SqlDatabase() = default;

namespace {

arrow::Status SetOptions(duckdb_config config, const SqlOptions& options) {
  const std::array<std::pair<const char*, std::string>, 7> settings{{
      {"threads", std::to_string(options.threads)},
      {"memory_limit", std::to_string(options.memory_bytes_max) + "B"},
      {"temp_directory", options.temp_directory},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
      {"enable_external_access", options.allow_files ? "true" : "false"},
      {"allow_unsigned_extensions", options.trusts_extensions ? "true" : "false"},
  }};
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config, name, value.c_str()) == DuckDBSuccess) continue;
    return ConfigError("DuckDB refuses the setting, name and value: ", name, " ", value);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::shared_ptr<SqlDatabase>> SqlDatabase::Open(const SqlOptions& options) {
  duckdb_config raw_config = nullptr;
  if (duckdb_create_config(&raw_config) != DuckDBSuccess) {
    return Internal("DuckDB gave no configuration");
  }
  const duckdb_internal::Config config(raw_config);
  ARROW_RETURN_NOT_OK(SetOptions(raw_config, options));
  auto state = std::make_shared<DatabaseState>();
  state->requires_signatures = !options.trusts_extensions;
  duckdb_database raw = nullptr;
  char* error = nullptr;
  if (duckdb_open_ext(nullptr, &raw, raw_config, &error) != DuckDBSuccess) {
    const std::string message = error != nullptr ? error : "DuckDB gave no reason";
    duckdb_free(error);
    return ConfigError("DuckDB does not open: ", message);
  }
  state->database.reset(raw);
  ARROW_ASSIGN_OR_RAISE(auto connection, duckdb_internal::OpenConnection(state));
  ARROW_RETURN_NOT_OK(
      duckdb_internal::RegisterArrowRows(connection->connection.get(), state->slots));
  return std::shared_ptr<SqlDatabase>(new SqlDatabase(std::move(state)));  // NOLINT: private
}

arrow::Result<std::unique_ptr<SqlConnection>> SqlDatabase::Connect() {
  ARROW_ASSIGN_OR_RAISE(auto state, duckdb_internal::OpenConnection(state_));
  return std::unique_ptr<SqlConnection>(new SqlConnection(std::move(state)));  // NOLINT: private
}

arrow::Status SqlDatabase::LoadIcebergExtensions(const std::string& directory) {
  std::lock_guard lock(state_->extensions_mutex);
  if (state_->has_iceberg) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto connection, duckdb_internal::OpenConnection(state_));
  // In this order: iceberg needs the other two and would look for them on the network.
  for (const char* name : {"avro", "httpfs", "iceberg"}) {
    const std::string path =
        (std::filesystem::path(directory) / (std::string(name) + ".duckdb_extension")).string();
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) {
      return NotFound("DuckDB extension is not there; run `make setup`, path: ", path);
    }
    ARROW_RETURN_NOT_OK(
        duckdb_internal::Run(connection->connection.get(), "LOAD " + QuoteSqlText(path)));
  }
  state_->has_iceberg = true;
  return arrow::Status::OK();
}

arrow::Status SqlDatabase::RequireSignatures() {
  std::lock_guard lock(state_->extensions_mutex);
  if (state_->requires_signatures) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto connection, duckdb_internal::OpenConnection(state_));
  ARROW_RETURN_NOT_OK(duckdb_internal::Run(connection->connection.get(),
                                           "SET GLOBAL allow_unsigned_extensions = false"));
  state_->requires_signatures = true;
  return arrow::Status::OK();
}

arrow::Status SqlDatabase::UseS3(const SqlS3Options& options) {
  ARROW_ASSIGN_OR_RAISE(auto connection, duckdb_internal::OpenConnection(state_));
  const bool is_plain = options.endpoint.starts_with("http://");
  std::string host = options.endpoint;
  if (const size_t scheme = host.find("://"); scheme != host.npos) host.erase(0, scheme + 3);
  while (host.ends_with('/')) host.pop_back();
  std::string sql = "CREATE OR REPLACE SECRET catchwater_s3 (TYPE s3, PROVIDER config, REGION " +
                    QuoteSqlText(options.region) + ", KEY_ID " +
                    QuoteSqlText(options.access_key_id) + ", SECRET " +
                    QuoteSqlText(options.secret_access_key.Reveal());
  if (!options.session_token.is_empty()) {
    sql += ", SESSION_TOKEN " + QuoteSqlText(options.session_token.Reveal());
  }
  if (!host.empty()) sql += ", ENDPOINT " + QuoteSqlText(host);
  sql += std::string(", URL_STYLE ") + (options.is_path_style ? "'path'" : "'vhost'") +
         ", USE_SSL " + (is_plain ? "false" : "true") + ")";
  // The message may repeat the statement, and with it the secret.
  if (!duckdb_internal::Run(connection->connection.get(), sql).ok()) {
    return Internal("DuckDB refuses the settings of the S3 store");
  }
  if (options.ca_file.empty()) return arrow::Status::OK();
  return duckdb_internal::Run(connection->connection.get(),
                              "SET GLOBAL ca_cert_file = " + QuoteSqlText(options.ca_file));
}

}  // namespace catchwater
