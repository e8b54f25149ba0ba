/// \file
/// A connection to PostgreSQL: statements, rows as text, COPY in both directions, replication. The
/// only place that calls libpq.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/security/secret.h"

struct pg_conn;
struct pg_result;

namespace catchwater {

/// A row of an answer; null is nullopt.
using PgRow = std::vector<std::optional<std::string>>;

/// SQLSTATE of a failed status of a statement, e.g. "23505"; empty for other failures.
std::string SqlStateOf(const arrow::Status& status);

/// `"a b"`: an identifier as SQL wants it.
std::string QuoteIdentifier(std::string_view name);
/// `'it''s'`
std::string QuoteLiteral(std::string_view text);

/// \retval kConfig for what is no URL of PostgreSQL; the text is not shown
arrow::Status CheckPgUrl(const Secret& url);

enum class PgSession {
  kStatements,
  kReplication,  ///< Takes replication commands, and statements without parameters.
};

/// What ReadCopy found.
enum class PgCopyRead { kRow, kNothingYet, kEnd };

/// One thread at a time. Errors by SQLSTATE: connection lost, out of resources, shutting down,
/// dead-lock, in use -> unavailable; not allowed -> denied; no such thing -> not_found; broken
/// uniqueness
/// -> already_exists; refused values -> bad_data; all others -> config.
class PgConnection {
 public:
  /// \retval kDenied, kNotFound, kConfig, kUnavailable naming what to look at; the URL is not shown
  static arrow::Result<std::unique_ptr<PgConnection>> Connect(
      const Secret& url, PgSession session = PgSession::kStatements);
  ~PgConnection();

  /// Runs a statement. \return the rows of its answer
  arrow::Result<std::vector<PgRow>> Query(
      const std::string& sql, const std::vector<std::optional<std::string>>& values = {});
  arrow::Status Execute(const std::string& sql);
  /// Of the first row; nullopt if there is none or it is null.
  arrow::Result<std::optional<std::string>> Value(const std::string& sql);

  /// `sql` is a COPY ... FROM STDIN.
  arrow::Status BeginCopy(const std::string& sql);
  arrow::Status PutCopy(std::string_view bytes);
  arrow::Status EndCopy();

  /// `sql` is a COPY ... TO STDOUT or a START_REPLICATION.
  arrow::Status BeginRead(const std::string& sql);
  /// Reads the next row or message; waits at most so long. `bytes` is there until the next call.
  arrow::Result<PgCopyRead> ReadCopy(int64_t wait_us, std::string_view* bytes);
  /// Sends a message while a replication runs.
  arrow::Status SendCopy(std::string_view bytes);

  /// Leaves a COPY or transaction that is under way, as far as the server is still there.
  void RollBack();

  int server_version() const;  ///< e.g. 150020
  bool is_copying() const { return is_copying_; }

 private:
  struct CloseConnection {
    void operator()(pg_conn* connection) const;
  };
  struct FreeMemory {
    void operator()(char* memory) const;
  };
  explicit PgConnection(pg_conn* connection) : connection_(connection) {}
  arrow::Result<PgCopyRead> EndRead();
  arrow::Status Failure(std::string_view what, const pg_result* result) const;

  std::unique_ptr<pg_conn, CloseConnection> connection_;
  bool is_copying_ = false;
  std::unique_ptr<char, FreeMemory> row_;  // Of the last ReadCopy.
};

}  // namespace catchwater
