#include "catchwater/ledger/sqlite/connection.h"

#include <cerrno>

#include <sqlite3.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

bool IsFullDisk(int code, int system_error) {
  if (code == SQLITE_FULL) return true;
  return code == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT);
}

// Leaves a statement ready for its next use, whatever happened to this one.
class ResetAtExit {
 public:
  explicit ResetAtExit(sqlite3_stmt* statement) : statement_(statement) {}
  ResetAtExit(const ResetAtExit&) = delete;
  ResetAtExit& operator=(const ResetAtExit&) = delete;
  ~ResetAtExit() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

 private:
  sqlite3_stmt* statement_;
};

int Bind(sqlite3_stmt* statement, int index, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      return sqlite3_bind_null(statement, index);
    case Value::Kind::kNumber:
      return sqlite3_bind_int64(statement, index, value.number());
    case Value::Kind::kText:
      // An empty view may have no address, which SQLite would take for null.
      return sqlite3_bind_text64(statement, index, value.text().empty() ? "" : value.text().data(),
                                 value.text().size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return SQLITE_MISUSE;
}

}  // namespace

int64_t Row::Number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Row::Text(int column) const {
  // The order matters: the length is that of the form which the first call made.
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (text == nullptr) return {};
  return std::string(text, static_cast<size_t>(sqlite3_column_bytes(statement_, column)));
}

bool Row::IsNull(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::optional<int64_t> Row::OptionalNumber(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Number(column);
}

void Connection::CloseDatabase::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

void Connection::FinalizeStatement::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

arrow::Result<Connection> Connection::Open(const ConnectionOptions& options) {
  // Our callers hold a mutex for each connection, so SQLite needs none.
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
                    (options.is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(options.path.c_str(), &opened, flags, nullptr);
  CATCHWATER_CHECK(opened != nullptr, "no memory for a database connection");
  Connection connection(std::unique_ptr<sqlite3, CloseDatabase>(opened), options);
  if (code != SQLITE_OK) return connection.Failure(code);
  ARROW_RETURN_NOT_OK(connection.SetUp());
  return connection;
}

arrow::Status Connection::SetUp() {
  sqlite3_busy_timeout(database_.get(), static_cast<int>(options_.busy_timeout_ms));
  sqlite3_wal_autocheckpoint(database_.get(), static_cast<int>(options_.wal_pages_max));
  // A negative cache size is in KiB. journal_size_limit gives back what a burst took.
  return RunScript(
      "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216;"
      "PRAGMA cell_size_check = ON; PRAGMA cache_size = -" +
      std::to_string(options_.cache_bytes_max >> 10));
}

arrow::Status Connection::Failure(int code) const {
  const int system_error = sqlite3_system_errno(database_.get());
  const std::string_view what = sqlite3_errmsg(database_.get());
  const std::string& path = options_.path;
  if (IsFullDisk(code & 0xff, system_error)) {
    return SystemError(system_error == EDQUOT ? EDQUOT : ENOSPC,
                       "Ledger could not be written, path: " + path);
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable("Ledger is locked by another program for longer than ",
                         options_.busy_timeout_ms, " ms, path: ", path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return BadData(
          "Ledger is damaged, run `catchwater ledger rebuild`; what was found and path: ", what,
          ": ", path);
    case SQLITE_CANTOPEN:
      if (system_error == ENOENT) return NotFound("There is no ledger, path: ", path);
      [[fallthrough]];
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Denied("Ledger may not be opened or written, reason and path: ", what, ": ", path);
    case SQLITE_CONSTRAINT:
      if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return AlreadyExists("Ledger holds it already: ", what);
      }
      return Internal("Ledger refuses a row that breaks its schema: ", what);
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return Unavailable("Ledger could not be read or written, reason, code, errno and path: ",
                         what, ": ", code, ": ", system_error, ": ", path);
    default:
      return Internal("Ledger failed, code, reason and path: ", code, ": ", what, ": ", path);
  }
}

arrow::Result<sqlite3_stmt*> Connection::Prepare(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) return known->second.get();
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  statements_.emplace(sql, StatementPointer(prepared));
  return prepared;
}

arrow::Status Connection::Step(std::string_view sql, std::span<const Value> parameters,
                               const RowVisitor* visit) {
  ARROW_ASSIGN_OR_RAISE(sqlite3_stmt* const statement, Prepare(sql));
  const ResetAtExit reset(statement);
  CATCHWATER_CHECK(
      static_cast<size_t>(sqlite3_bind_parameter_count(statement)) == parameters.size(),
      "a statement must get as many values as it has parameters");
  for (size_t i = 0; i < parameters.size(); ++i) {
    const int code = Bind(statement, static_cast<int>(i) + 1, parameters[i]);
    if (code != SQLITE_OK) return Failure(code);
  }
  while (true) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return arrow::Status::OK();
    if (code != SQLITE_ROW) return Failure(code);
    if (visit != nullptr) ARROW_RETURN_NOT_OK((*visit)(Row(statement)));
  }
}

arrow::Result<int64_t> Connection::Execute(std::string_view sql,
                                           std::span<const Value> parameters) {
  ARROW_RETURN_NOT_OK(Step(sql, parameters, nullptr));
  return sqlite3_changes64(database_.get());
}

arrow::Result<int64_t> Connection::Execute(std::string_view sql,
                                           std::initializer_list<Value> parameters) {
  return Execute(sql, std::span(parameters.begin(), parameters.size()));
}

arrow::Status Connection::Query(std::string_view sql, std::span<const Value> parameters,
                                const RowVisitor& visit) {
  return Step(sql, parameters, &visit);
}

arrow::Status Connection::Query(std::string_view sql, std::initializer_list<Value> parameters,
                                const RowVisitor& visit) {
  return Step(sql, std::span(parameters.begin(), parameters.size()), &visit);
}

arrow::Result<std::optional<int64_t>> Connection::QueryNumber(
    std::string_view sql, std::initializer_list<Value> parameters) {
  std::optional<int64_t> number;
  bool is_first = true;
  ARROW_RETURN_NOT_OK(Query(sql, parameters, [&](const Row& row) {
    if (is_first) number = row.OptionalNumber(0);
    is_first = false;
    return arrow::Status::OK();
  }));
  return number;
}

arrow::Status Connection::RunScript(const std::string& sql) {
  const int code = sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? arrow::Status::OK() : Failure(code);
}

arrow::Status Connection::Begin() { return Execute("BEGIN IMMEDIATE").status(); }

std::pair<EndResult, arrow::Status> Connection::End() {
  const auto prepared = Prepare("COMMIT");
  if (!prepared.ok()) {
    RollBack();
    return {EndResult::kRolledBack, prepared.status()};
  }
  const ResetAtExit reset(*prepared);
  const int code = sqlite3_step(*prepared);
  if (code == SQLITE_DONE) return {EndResult::kCommitted, arrow::Status::OK()};
  arrow::Status failure = Failure(code);
  RollBack();
  // In WAL mode the frame that makes a transaction durable is written last. A lock that was not
  // given, or a disk that was full while frames were written, comes before it. After any other
  // error (a sync that failed) the frame may be in the file and be found by the next recovery.
  const bool is_before_last_frame = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_FULL;
  return {is_before_last_frame ? EndResult::kRolledBack : EndResult::kUnclear, std::move(failure)};
}

void Connection::RollBack() {
  if (sqlite3_get_autocommit(database_.get()) != 0) return;
  // If the roll-back itself fails, SQLite has dropped the transaction or will at the next use.
  static_cast<void>(sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr));
}

arrow::Status Connection::CheckpointPassively() {
  const int code = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  // Busy: somebody else is at it. It is done then, too.
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) return arrow::Status::OK();
  return Failure(code);
}

int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(database_.get()); }

}  // namespace catchwater
