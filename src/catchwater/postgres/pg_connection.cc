#include "catchwater/postgres/pg_connection.h"

#include <array>
#include <cerrno>
#include <utility>

#include <poll.h>
#include <postgresql/libpq-fe.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr char kStateMark[] = " (SQLSTATE ";

using ResultPointer = std::unique_ptr<PGresult, decltype(&PQclear)>;
ResultPointer Own(PGresult* result) { return {result, &PQclear}; }

/// One line without the end that libpq puts behind every message.
std::string Trimmed(const char* message) {
  std::string text = message == nullptr ? "" : message;
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

ErrorKind KindOfState(std::string_view state) {
  const std::string_view group = state.substr(0, 2);
  if (state.empty() || group == "08" || group == "53" || group == "57" || group == "40" ||
      group == "58" || group == "XX" || state == "55P03" || state == "55006" || state == "25006") {
    return ErrorKind::kUnavailable;
  }
  if (group == "28" || state == "42501") return ErrorKind::kDenied;
  if (group == "3D" || group == "3F" || state == "42P01" || state == "42703") {
    return ErrorKind::kNotFound;
  }
  if (state == "23505") return ErrorKind::kAlreadyExists;
  if (group == "22" || group == "23") return ErrorKind::kBadData;
  return ErrorKind::kConfig;
}

struct ConnectFault {
  std::string_view part;  // Of libpq's message.
  ErrorKind kind;
  std::string_view said;
};

constexpr std::string_view kMayNotReplicate =
    "PostgreSQL does not let the user of `url` replicate; run as an administrator: ALTER ROLE "
    "<user> REPLICATION: ";

// libpq has no codes for what fails before a session begins.
constexpr std::array<ConnectFault, 15> kConnectFaults{{
    {"replication role", ErrorKind::kDenied, kMayNotReplicate},
    {"permission denied to start WAL sender", ErrorKind::kDenied, kMayNotReplicate},
    {"max_wal_senders", ErrorKind::kUnavailable,
     "PostgreSQL has no replication connection left; raise max_wal_senders there: "},
    {"password authentication failed", ErrorKind::kDenied,
     "PostgreSQL refuses user or password; look at both in `url`: "},
    {"no password supplied", ErrorKind::kDenied,
     "PostgreSQL wants a password; put it into `url`, e.g. from a variable: "},
    {"does not exist", ErrorKind::kNotFound,
     "PostgreSQL does not have this database or role; create it or correct `url`: "},
    {"server does not support SSL", ErrorKind::kConfig,
     "PostgreSQL has no TLS, but `url` asks for it (sslmode); turn it on there or write "
     "sslmode=disable: "},
    {"no encryption", ErrorKind::kConfig,
     "PostgreSQL wants TLS for this user and host; write sslmode=require into `url`, or change "
     "pg_hba.conf: "},
    {"certificate", ErrorKind::kConfig,
     "TLS certificate of PostgreSQL is not accepted; look at sslmode and sslrootcert in `url`: "},
    {"no pg_hba.conf entry", ErrorKind::kDenied,
     "PostgreSQL does not let this user in from here; add a line to pg_hba.conf: "},
    {"could not translate host name", ErrorKind::kUnavailable,
     "Host in `url` is not known; look at its name: "},
    {"invalid connection option", ErrorKind::kConfig, "`url` has an option that is not known: "},
    {"invalid URI", ErrorKind::kConfig, "`url` is not well formed: "},
    {"missing \"=\"", ErrorKind::kConfig,
     "`url` is not well formed; write postgres://user:password@host:5432/database: "},
    {"Connection refused", ErrorKind::kUnavailable,
     "PostgreSQL does not answer; look whether it runs and at host and port in `url`: "},
}};

arrow::Status ConnectFailure(std::string message, const Secret& url) {
  // libpq repeats a malformed URL.
  const size_t at = message.find(url.Reveal());
  if (!url.is_empty() && at != message.npos) message.replace(at, url.Reveal().size(), "***");
  message = MaskSecrets(message);
  for (const ConnectFault& fault : kConnectFaults) {
    if (message.find(fault.part) != message.npos) {
      return MakeError(fault.kind, std::string(fault.said) + message);
    }
  }
  return Unavailable("PostgreSQL cannot be reached: ", message);
}

}  // namespace

std::string SqlStateOf(const arrow::Status& status) {
  const std::string& message = status.message();
  const size_t at = message.rfind(kStateMark);
  return at == message.npos ? "" : message.substr(at + sizeof(kStateMark) - 1, 5);
}

std::string QuoteIdentifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string QuoteLiteral(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') quoted += '\'';
    quoted += c;
  }
  return quoted + "'";
}

arrow::Status CheckPgUrl(const Secret& url) {
  // Anything else libpq takes for the name of a database on this machine.
  const std::string& text = url.Reveal();
  if (!text.starts_with("postgres://") && !text.starts_with("postgresql://") &&
      text.find('=') == text.npos) {
    return ConfigError("`url` must begin with `postgres://`");
  }
  return arrow::Status::OK();
}

void PgConnection::CloseConnection::operator()(pg_conn* connection) const { PQfinish(connection); }
void PgConnection::FreeMemory::operator()(char* memory) const { PQfreemem(memory); }

arrow::Result<std::unique_ptr<PgConnection>> PgConnection::Connect(const Secret& url,
                                                                   PgSession session) {
  // Later ones overrule, and dbname is expanded: the URL has the last word but for encoding.
  const std::array<const char*, 8> names{
      "connect_timeout", "keepalives_idle", "tcp_user_timeout", "application_name",
      "dbname",          "client_encoding", "replication",      nullptr};
  const std::array<const char*, 8> values{"10",
                                          "30",
                                          "60000",
                                          "catchwater",
                                          url.Reveal().c_str(),
                                          "UTF8",
                                          session == PgSession::kReplication ? "database" : "false",
                                          nullptr};
  std::unique_ptr<PgConnection> made(
      new PgConnection(PQconnectdbParams(names.data(), values.data(), /*expand_dbname=*/1)));
  PGconn* connection = made->connection_.get();
  if (PQstatus(connection) != CONNECTION_OK) {
    return ConnectFailure(Trimmed(PQerrorMessage(connection)), url);
  }
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  // Plain text goes through the wire of numbers and times in one form, whatever the server's
  // defaults; a sort of one transaction's rows stays in memory.
  ARROW_RETURN_NOT_OK(
      made->Execute("SET timezone = 'UTC'; SET datestyle = 'ISO'; SET work_mem = '64MB'; "
                    "SET client_min_messages = warning"));
  return made;
}

PgConnection::~PgConnection() = default;

int PgConnection::server_version() const { return PQserverVersion(connection_.get()); }

arrow::Status PgConnection::Failure(std::string_view what, const pg_result* result) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  std::string message = Trimmed(PQresultErrorMessage(result));
  if (message.empty()) message = Trimmed(PQerrorMessage(connection_.get()));
  const bool is_lost = state == nullptr || PQstatus(connection_.get()) != CONNECTION_OK;
  message = std::string(what) + ": " + MaskSecrets(message);
  if (state != nullptr) message += kStateMark + std::string(state) + ")";
  return MakeError(is_lost ? ErrorKind::kUnavailable : KindOfState(state), std::move(message));
}

arrow::Result<std::vector<PgRow>> PgConnection::Query(
    const std::string& sql, const std::vector<std::optional<std::string>>& values) {
  std::vector<const char*> texts;
  for (const auto& value : values) texts.push_back(value ? value->c_str() : nullptr);
  // Without parameters several statements may stand in one text.
  const auto result = Own(
      values.empty() ? PQexec(connection_.get(), sql.c_str())
                     : PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(texts.size()),
                                    nullptr, texts.data(), nullptr, nullptr, /*resultFormat=*/0));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    return Failure("PostgreSQL refused a statement", result.get());
  }
  std::vector<PgRow> rows;
  for (int r = 0; r < PQntuples(result.get()); ++r) {
    PgRow row;
    for (int c = 0; c < PQnfields(result.get()); ++c) {
      if (PQgetisnull(result.get(), r, c) != 0) {
        row.emplace_back();
      } else {
        row.emplace_back(PQgetvalue(result.get(), r, c));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

arrow::Status PgConnection::Execute(const std::string& sql) { return Query(sql).status(); }

arrow::Result<std::optional<std::string>> PgConnection::Value(const std::string& sql) {
  ARROW_ASSIGN_OR_RAISE(const auto rows, Query(sql));
  if (rows.empty() || rows[0].empty()) return std::nullopt;
  return rows[0][0];
}

arrow::Status PgConnection::BeginCopy(const std::string& sql) {
  const auto result = Own(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) {
    return Failure("PostgreSQL refused COPY", result.get());
  }
  is_copying_ = true;
  return arrow::Status::OK();
}

arrow::Status PgConnection::PutCopy(std::string_view bytes) {
  CATCHWATER_CHECK(is_copying_, "PutCopy stands between BeginCopy and EndCopy");
  constexpr size_t kPieceBytes = 1 << 20;
  for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes) {
    const std::string_view piece = bytes.substr(begin, kPieceBytes);
    if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1) {
      // A refused row is told at the end.
      ARROW_RETURN_NOT_OK(EndCopy());
      return Unavailable("PostgreSQL took no more rows: ",
                         Trimmed(PQerrorMessage(connection_.get())));
    }
  }
  return arrow::Status::OK();
}

arrow::Status PgConnection::EndCopy() {
  is_copying_ = false;
  const bool is_sent = PQputCopyEnd(connection_.get(), nullptr) == 1;
  arrow::Status status = arrow::Status::OK();
  while (PGresult* raw = PQgetResult(connection_.get())) {
    const auto result = Own(raw);
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK && status.ok()) {
      status = Failure("PostgreSQL refused rows", result.get());
    }
  }
  if (status.ok() && !is_sent) {
    return Unavailable("PostgreSQL is gone: ", Trimmed(PQerrorMessage(connection_.get())));
  }
  return status;
}

arrow::Status PgConnection::BeginRead(const std::string& sql) {
  const auto result = Own(PQexec(connection_.get(), sql.c_str()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_COPY_OUT && status != PGRES_COPY_BOTH) {
    return Failure("PostgreSQL refused to send rows", result.get());
  }
  return arrow::Status::OK();
}

arrow::Result<PgCopyRead> PgConnection::ReadCopy(int64_t wait_us, std::string_view* bytes) {
  PGconn* const connection = connection_.get();
  for (bool has_waited = false;; has_waited = true) {
    char* memory = nullptr;
    const int length = PQgetCopyData(connection, &memory, /*async=*/1);
    row_.reset(memory);
    if (length > 0) {
      *bytes = {memory, static_cast<size_t>(length)};
      return PgCopyRead::kRow;
    }
    if (length == -1) return EndRead();
    if (length < 0) return Unavailable("PostgreSQL is gone: ", Trimmed(PQerrorMessage(connection)));
    if (has_waited) return PgCopyRead::kNothingYet;
    pollfd waits{.fd = PQsocket(connection), .events = POLLIN, .revents = 0};
    if (poll(&waits, 1, static_cast<int>((wait_us + 999) / 1'000)) < 0 && errno != EINTR) {
      return SystemError(errno, "Connection to PostgreSQL cannot be waited for");
    }
    if (PQconsumeInput(connection) == 0) {
      return Unavailable("PostgreSQL is gone: ", Trimmed(PQerrorMessage(connection)));
    }
  }
}

arrow::Result<PgCopyRead> PgConnection::EndRead() {
  const auto result = Own(PQgetResult(connection_.get()));
  const ExecStatusType status = PQresultStatus(result.get());
  if (status == PGRES_FATAL_ERROR) return Failure("PostgreSQL stopped sending", result.get());
  // A replication that the server ends waits for our end: the connection is of no use then.
  if (status == PGRES_COMMAND_OK) PQclear(PQgetResult(connection_.get()));
  return PgCopyRead::kEnd;
}

arrow::Status PgConnection::SendCopy(std::string_view bytes) {
  if (PQputCopyData(connection_.get(), bytes.data(), static_cast<int>(bytes.size())) != 1 ||
      PQflush(connection_.get()) < 0) {
    return Unavailable("PostgreSQL is gone: ", Trimmed(PQerrorMessage(connection_.get())));
  }
  return arrow::Status::OK();
}

void PgConnection::RollBack() {
  if (is_copying_) {
    is_copying_ = false;
    PQputCopyEnd(connection_.get(), "given up");
    while (PGresult* result = PQgetResult(connection_.get())) PQclear(result);
  }
  if (PQtransactionStatus(connection_.get()) != PQTRANS_IDLE) {
    Own(PQexec(connection_.get(), "ROLLBACK"));
  }
}

}  // namespace catchwater
