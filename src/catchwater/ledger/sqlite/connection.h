/// \file
/// A connection to an SQLite file: statements with parameters, rows, transactions. The only place
/// that calls sqlite3, besides file creation.
///
/// Invariants:
/// 1. A statement is prepared once for each text and kept until the connection closes.
/// 2. No statement is left in the middle of its rows: a visitor sees all rows of a query or fails.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>

struct sqlite3;
struct sqlite3_stmt;

namespace catchwater {

/// A parameter: null, a whole number or text, which is borrowed for the call.
class Value {
 public:
  // Not explicit: a list of parameters reads like the values that stand in it.
  Value(std::nullopt_t) : kind_(Kind::kNull) {}
  Value(int64_t number) : kind_(Kind::kNumber), number_(number) {}
  Value(int number) : kind_(Kind::kNumber), number_(number) {}
  Value(std::optional<int64_t> number)
      : kind_(number ? Kind::kNumber : Kind::kNull), number_(number.value_or(0)) {}
  Value(std::string_view text) : kind_(Kind::kText), text_(text) {}
  Value(const std::string& text) : kind_(Kind::kText), text_(text) {}
  Value(const char* text) : kind_(Kind::kText), text_(text) {}

  enum class Kind { kNull, kNumber, kText };
  Kind kind() const { return kind_; }
  int64_t number() const { return number_; }
  std::string_view text() const { return text_; }

 private:
  Kind kind_;
  int64_t number_ = 0;
  std::string_view text_;
};

/// A row of an answer; valid within the visitor only. Null reads as 0 or "".
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}
  int64_t Number(int column) const;
  std::string Text(int column) const;
  bool IsNull(int column) const;
  std::optional<int64_t> OptionalNumber(int column) const;

 private:
  sqlite3_stmt* statement_;
};
using RowVisitor = std::function<arrow::Status(const Row&)>;

struct ConnectionOptions {
  std::string path;
  int64_t busy_timeout_ms = 10'000;
  bool is_read_only = false;
  int64_t cache_bytes_max = 4 << 20;
  /// The write-ahead log's length at which a commit folds it into the file by itself: only a bound,
  /// maintenance does it earlier. 0: never.
  int64_t wal_pages_max = 0;
};

/// What the end of a transaction did.
enum class EndResult { kCommitted, kRolledBack, kUnclear };

/// One thread at a time.
class Connection {
 public:
  /// Opens a file that exists. \retval kNotFound, kDenied, kUnavailable
  static arrow::Result<Connection> Open(const ConnectionOptions& options);

  /// Runs one statement. \return the rows that it inserted, changed or deleted
  /// \retval kAlreadyExists for a broken uniqueness, kUnavailable (IsDiskFull if so) for I/O and a
  /// lock held too long, kBadData for a damaged file, kDenied for one that is not writable
  arrow::Result<int64_t> Execute(std::string_view sql, std::span<const Value> parameters);
  arrow::Result<int64_t> Execute(std::string_view sql,
                                 std::initializer_list<Value> parameters = {});
  /// Runs one statement and shows each row of its answer.
  arrow::Status Query(std::string_view sql, std::span<const Value> parameters,
                      const RowVisitor& visit);
  arrow::Status Query(std::string_view sql, std::initializer_list<Value> parameters,
                      const RowVisitor& visit);
  /// The first column of the first row; nullopt if there is no row or it is null.
  arrow::Result<std::optional<int64_t>> QueryNumber(std::string_view sql,
                                                    std::initializer_list<Value> parameters = {});
  /// Runs several statements without parameters.
  arrow::Status RunScript(const std::string& sql);

  /// Begins a transaction that holds the write lock (BEGIN IMMEDIATE). \retval kUnavailable if
  /// another holds it for longer than busy_timeout_ms
  arrow::Status Begin();
  /// Ends it. kUnclear: the database did not say whether it is durable; `failure` says why.
  std::pair<EndResult, arrow::Status> End();
  /// Undoes the transaction, if one is open.
  void RollBack();

  /// Folds the write-ahead log into the file as far as nobody is in the way.
  arrow::Status CheckpointPassively();
  int64_t last_insert_id() const;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const;
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const;
  };
  using StatementPointer = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  Connection(std::unique_ptr<sqlite3, CloseDatabase> database, ConnectionOptions options)
      : database_(std::move(database)), options_(std::move(options)) {}
  arrow::Status SetUp();
  arrow::Result<sqlite3_stmt*> Prepare(std::string_view sql);
  arrow::Status Step(std::string_view sql, std::span<const Value> parameters,
                     const RowVisitor* visit);
  arrow::Status Failure(int code) const;

  // Before the statements: they are finalized first.
  std::unique_ptr<sqlite3, CloseDatabase> database_;
  ConnectionOptions options_;
  std::map<std::string, StatementPointer, std::less<>> statements_;  // At most one a text in code.
};

}  // namespace catchwater
