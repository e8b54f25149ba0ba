#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/ledger/sqlite/schema.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

// Together with the connection of a call the caches stay within the budget of 8 MiB.
constexpr int64_t kWriterCacheBytesMax = 4 << 20;
constexpr int64_t kReaderCacheBytesMax = 2 << 20;
constexpr int64_t kBesideCacheBytesMax = 2 << 20;
// 32 MiB: reached only if maintenance does not call CheckpointWal.
constexpr int64_t kWalPagesMax = 8192;

// The folder is for its owner alone: the ledger names files and shows what went wrong in them.
arrow::Status CreateFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (folder.empty() || std::filesystem::exists(folder, error)) return arrow::Status::OK();
  std::filesystem::create_directories(folder.parent_path(), error);
  if (error) {
    return SystemError(error.value(),
                       "Folder could not be created, path: " + folder.parent_path().string());
  }
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return SystemError(errno, "Folder could not be created, path: " + folder.string());
  }
  return arrow::Status::OK();
}

// SQLite would create the file readable by all; its log and index take the mode from it.
arrow::Status CreateFile(const std::string& path) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file < 0 && errno == EEXIST) return arrow::Status::OK();
  if (file < 0) return SystemError(errno, "Ledger could not be created, path: " + path);
  close(file);
  return arrow::Status::OK();
}

arrow::Result<bool> HasTable(Connection& connection, std::string_view name) {
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      connection.QueryNumber("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                             {name}));
  return found.has_value();
}

arrow::Status CreateSchema(Connection& connection, const std::string& path) {
  ARROW_RETURN_NOT_OK(connection.RunScript("PRAGMA journal_mode = WAL"));
  ARROW_RETURN_NOT_OK(connection.Begin());
  // Somebody else may have made it while we waited for the lock.
  auto has_clock = HasTable(connection, "ledger_clock");
  arrow::Status status = has_clock.status();
  if (status.ok() && !*has_clock) {
    auto other_count = connection.QueryNumber("SELECT count(*) FROM sqlite_master");
    status = other_count.status();
    if (status.ok() && **other_count > 0) {
      status = ConfigError("File is a database of another program, not a ledger, path: ", path);
    }
    if (status.ok()) status = connection.RunScript(LedgerSchemaSql());
    if (status.ok()) {
      status = connection
                   .Execute(
                       "INSERT INTO ledger_clock (one, seq, ledger_uuid, format) "
                       "VALUES (1, 0, ?, ?)",
                       {Random::FromSystem().Uuid(), kLedgerFormat})
                   .status();
    }
  }
  if (!status.ok()) {
    connection.RollBack();
    return status;
  }
  return connection.End().second;
}

arrow::Status CheckFormat(Connection& connection, const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const auto format,
                        connection.QueryNumber("SELECT format FROM ledger_clock WHERE one = 1"));
  if (!format) {
    return BadData("Ledger is damaged, run `catchwater ledger rebuild`; its clock is missing: ",
                   path);
  }
  if (*format > kLedgerFormat) {
    return ConfigError(
        "Ledger has a newer format, use a newer catchwater; format, newest known "
        "and path: ",
        *format, ": ", kLedgerFormat, ": ", path);
  }
  return arrow::Status::OK();
}

arrow::Status SyncFolderOf(const std::string& path) {
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) folder = ".";
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int reason = file >= 0 && fsync(file) == 0 ? 0 : errno;
  if (file >= 0) close(file);
  if (reason == 0) return arrow::Status::OK();
  return SystemError(reason, "Folder of the ledger could not be synced, path: " + folder.string());
}

}  // namespace

namespace {

arrow::Result<std::unique_ptr<Ledger>> OpenOnce(const LedgerOptions& options, const Clock& clock) {
  const std::string& path = options.path;
  if (!options.is_read_only) {
    ARROW_RETURN_NOT_OK(CreateFolder(std::filesystem::path(path).parent_path()));
    ARROW_RETURN_NOT_OK(CreateFile(path));
  }
  ConnectionOptions connect{.path = path,
                            .busy_timeout_ms = options.busy_timeout_ms,
                            .is_read_only = options.is_read_only,
                            .cache_bytes_max = kWriterCacheBytesMax,
                            .wal_pages_max = kWalPagesMax};
  ARROW_ASSIGN_OR_RAISE(Connection writer, Connection::Open(connect));
  ARROW_ASSIGN_OR_RAISE(const bool is_ledger, HasTable(writer, "ledger_clock"));
  if (!is_ledger && options.is_read_only) {
    return ConfigError("File is not a ledger, path: ", path);
  }
  if (!is_ledger) {
    ARROW_RETURN_NOT_OK(CreateSchema(writer, path));
    ARROW_RETURN_NOT_OK(SyncFolderOf(path));
  }
  ARROW_RETURN_NOT_OK(CheckFormat(writer, path));
  connect.cache_bytes_max = kReaderCacheBytesMax;
  connect.wal_pages_max = 0;
  ARROW_ASSIGN_OR_RAISE(Connection reader, Connection::Open(connect));
  return std::make_unique<SqliteLedger>(options, clock, std::move(writer), std::move(reader));
}

// Two programs that create the same ledger at the same moment: SQLite refuses one of them at once,
// without its busy time-out, where waiting could never end. It is then there at the next look.
constexpr int kOpenTriesMax = 20;
constexpr int64_t kOpenPauseUs = 50'000;

}  // namespace

arrow::Result<std::unique_ptr<Ledger>> Ledger::Open(const LedgerOptions& options,
                                                    const Clock& clock) {
  auto opened = OpenOnce(options, clock);
  for (int i = 1; i < kOpenTriesMax && !opened.ok(); ++i) {
    if (KindOf(opened.status()) != ErrorKind::kUnavailable) break;
    clock.SleepMicros(kOpenPauseUs, {});
    opened = OpenOnce(options, clock);
  }
  return opened;
}

SqliteLedger::SqliteLedger(LedgerOptions options, const Clock& clock, Connection writer,
                           Connection reader)
    : options_(std::move(options)),
      clock_(clock),
      writer_(std::move(writer)),
      reader_(std::move(reader)) {}

arrow::Result<Connection> SqliteLedger::OpenBeside(bool is_read_only) const {
  return Connection::Open({.path = options_.path,
                           .busy_timeout_ms = options_.busy_timeout_ms,
                           .is_read_only = is_read_only || options_.is_read_only,
                           .cache_bytes_max = kBesideCacheBytesMax});
}

arrow::Status SqliteLedger::Write(const std::function<arrow::Status(Connection&)>& body) {
  const std::lock_guard lock(writer_mutex_);
  ARROW_RETURN_NOT_OK(writer_.Begin());
  arrow::Status status = body(writer_);
  if (!status.ok()) {
    writer_.RollBack();
    return status;
  }
  auto [result, failure] = writer_.End();
  if (result != EndResult::kUnclear) return failure;
  return CommitUnknown("Ledger did not say whether a change is durable: ", failure.message());
}

arrow::Status SqliteLedger::Read(std::string_view sql, std::span<const Value> parameters,
                                 const RowVisitor& visit) {
  const std::lock_guard lock(reader_mutex_);
  return reader_.Query(sql, parameters, visit);
}

arrow::Status SqliteLedger::Read(std::string_view sql, std::initializer_list<Value> parameters,
                                 const RowVisitor& visit) {
  return Read(sql, std::span(parameters.begin(), parameters.size()), visit);
}

arrow::Result<std::string> SqliteLedger::LedgerUuid() {
  std::string uuid;
  ARROW_RETURN_NOT_OK(Read("SELECT ledger_uuid FROM ledger_clock", {}, [&](const Row& row) {
    uuid = row.Text(0);
    return arrow::Status::OK();
  }));
  return uuid;
}

}  // namespace catchwater
