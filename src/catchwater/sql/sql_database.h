/// \file
/// SQL in process, by DuckDB. The only folder that knows DuckDB; results are Arrow record batches.
///
/// Errors of a statement carry DuckDB's message: kBadData for what the text or the rows cause,
/// kCancelled after Interrupt(), kUnavailable for files and memory, kDenied, kInternal.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include "catchwater/security/secret.h"

namespace catchwater {

namespace duckdb_internal {
struct DatabaseState;
struct ConnectionState;
struct ResultState;
}  // namespace duckdb_internal

/// Rows of a batch that SqlResult::Next() returns, at most; 2,048 more may be in it.
inline constexpr int64_t kSqlResultBatchRows = 65'536;

struct SqlOptions {
  int threads = 1;
  int64_t memory_bytes_max = 96 << 20;
  std::string temp_directory;  ///< Where large sorts and joins spill; empty: they fail instead.
  /// False: statements can neither read nor write files.
  bool allow_files = true;
  /// LoadIcebergExtensions() does not check signatures until RequireSignatures() is called.
  bool trusts_extensions = false;
};

/// The rows of one statement, as they are computed. One thread at a time. Valid until the next
/// statement of its connection begins; keeps the connection's database alive.
class SqlResult {
 public:
  SqlResult(SqlResult&&) noexcept;
  SqlResult& operator=(SqlResult&&) noexcept;
  ~SqlResult();

  /// TIMESTAMP WITH TIME ZONE -> timestamp(us, UTC), DECIMAL -> decimal128, HUGEINT ->
  /// decimal128(38, 0), ENUM and UUID -> utf8; nested types as DuckDB exports them.
  const std::shared_ptr<arrow::Schema>& schema() const;
  /// Returns the next rows, or null at the end.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next();
  /// Returns all rows that are left. Not bounded: the caller limits the statement.
  arrow::Result<std::shared_ptr<arrow::Table>> ReadAll();

 private:
  friend class SqlConnection;
  explicit SqlResult(std::unique_ptr<duckdb_internal::ResultState> state);
  std::unique_ptr<duckdb_internal::ResultState> state_;
};

/// How statements reach `s3://` paths.
struct SqlS3Options {
  std::string endpoint = {};  ///< `http://host:port`; empty: Amazon's of the region.
  std::string region = {};
  bool is_path_style = false;
  std::string ca_file = {};
  std::string access_key_id = {};
  Secret secret_access_key = {};
  Secret session_token = {};
};

/// One session. One thread at a time, but for Interrupt().
class SqlConnection {
 public:
  ~SqlConnection();
  SqlConnection(const SqlConnection&) = delete;
  SqlConnection& operator=(const SqlConnection&) = delete;

  /// Runs one statement, or several of which only the last one's rows are returned.
  arrow::Result<SqlResult> Query(std::string_view sql) { return Query(sql, /*may_write=*/true); }
  /// The same without statements that write files (COPY, EXPORT, ATTACH), which might be those of
  /// tables, and without PREPARE, behind which they could stand. \retval kDenied
  /// Before the last statement none may give rows, which nobody would see. \retval kBadData
  arrow::Result<SqlResult> QueryOnly(std::string_view sql) {
    return Query(sql, /*may_write=*/false);
  }
  /// Runs statements whose rows nobody wants.
  arrow::Status Execute(std::string_view sql);

  /// Makes the batches readable as the temporary view `name` of this connection, replacing rows
  /// registered before. They are not copied; running statements keep what they began with. The
  /// view can be read in parallel by one statement, with only the needed columns being touched.
  /// \retval kBadData a column has a type that SQL cannot read, or a batch another schema
  arrow::Status RegisterBatch(std::string_view name, std::shared_ptr<arrow::Schema> schema,
                              std::vector<std::shared_ptr<arrow::RecordBatch>> batches);
  /// The same with the schema of the first batch. \pre !batches.empty()
  arrow::Status RegisterBatch(std::string_view name,
                              std::vector<std::shared_ptr<arrow::RecordBatch>> batches);
  /// Forgets the rows and the view. OK if there are none.
  arrow::Status UnregisterBatch(std::string_view name);
  /// Returns what can stand behind FROM for registered rows, for views of the caller's own, e.g.
  /// `catchwater_rows(3)`. \retval kNotFound
  arrow::Result<std::string> BatchSource(std::string_view name) const;

  /// Makes the running statement fail with kCancelled. Any thread.
  void Interrupt();

 private:
  friend class SqlDatabase;
  friend class SqlBatchProgram;
  explicit SqlConnection(std::shared_ptr<duckdb_internal::ConnectionState> state);
  arrow::Result<SqlResult> Query(std::string_view sql, bool may_write);
  std::shared_ptr<duckdb_internal::ConnectionState> state_;
};

/// An empty database in memory with functions, Parquet, CSV and JSON readers; time zone UTC; never
/// loads anything from the network. Any thread.
class SqlDatabase {
 public:
  static arrow::Result<std::shared_ptr<SqlDatabase>> Open(const SqlOptions& options);
  ~SqlDatabase();

  /// The connection keeps the database alive.
  arrow::Result<std::unique_ptr<SqlConnection>> Connect();

  /// Loads avro, httpfs and iceberg (`iceberg_scan`) from `<directory>/<name>.duckdb_extension`.
  /// Does nothing the second time. \retval kNotFound with what to do if a file is not there
  arrow::Status LoadIcebergExtensions(const std::string& directory);
  /// From now on an extension without DuckDB's signature is refused: to be called before statements
  /// of others run, which may contain LOAD. Does nothing the second time.
  arrow::Status RequireSignatures();
  /// Lets statements read `s3://` paths. \pre the extensions are loaded
  arrow::Status UseS3(const SqlS3Options& options);

 private:
  explicit SqlDatabase(std::shared_ptr<duckdb_internal::DatabaseState> state);
  std::shared_ptr<duckdb_internal::DatabaseState> state_;
};

}  // namespace catchwater
