// What keeps the ledger small, and copies of it.
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/prune.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

// One transaction's share of a long clean-up: a commit beside it waits only for that.
constexpr size_t kUnlinkRowsMax = 500;

arrow::Status SyncPath(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_CLOEXEC);
  const int reason = file >= 0 && fsync(file) == 0 ? 0 : errno;
  if (file >= 0) close(file);
  if (reason == 0) return arrow::Status::OK();
  return SystemError(reason, "Copy of the ledger could not be synced, path: " + path);
}

arrow::Status CreateCopyFile(const std::string& path) {
  const int file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (file >= 0) {
    close(file);
    return arrow::Status::OK();
  }
  if (errno == EEXIST) return AlreadyExists("Copy of the ledger exists already, path: ", path);
  return SystemError(errno, "Copy of the ledger could not be created, path: " + path);
}

}  // namespace

arrow::Status SqliteLedger::QueueUnlink(const std::vector<UnlinkRecord>& files) {
  for (size_t begin = 0; begin < files.size(); begin += kUnlinkRowsMax) {
    const size_t end = std::min(files.size(), begin + kUnlinkRowsMax);
    ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
      for (size_t i = begin; i < end; ++i) {
        // Queued twice: the longer grace counts.
        ARROW_RETURN_NOT_OK(connection.Execute(
            "INSERT INTO unlink_queue (path, table_key, removed_seq, not_before_us) "
            "SELECT ?, ?, seq, ? FROM ledger_clock WHERE one = 1 ON CONFLICT (path) DO UPDATE SET "
            "not_before_us = max(not_before_us, excluded.not_before_us)",
            {files[i].path, files[i].table_key, files[i].not_before_us}));
        if (files[i].data_file_id == 0) continue;
        ARROW_RETURN_NOT_OK(connection.Execute(
            "UPDATE data_file SET is_unlink_queued = 1 WHERE id = ?", {files[i].data_file_id}));
      }
      return arrow::Status::OK();
    }));
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<UnlinkRecord>> SqliteLedger::DueUnlinks(int64_t limit) {
  std::vector<UnlinkRecord> files;
  ARROW_RETURN_NOT_OK(
      Read("SELECT path, table_key, not_before_us FROM unlink_queue WHERE not_before_us <= ? "
           "ORDER BY not_before_us, path LIMIT ?",
           {clock_.NowMicros(), limit}, [&](const Row& row) {
             files.push_back(
                 {.path = row.Text(0), .table_key = row.Text(1), .not_before_us = row.Number(2)});
             return arrow::Status::OK();
           }));
  return files;
}

arrow::Status SqliteLedger::RemoveUnlinks(const std::vector<std::string>& paths) {
  for (size_t begin = 0; begin < paths.size(); begin += kUnlinkRowsMax) {
    const size_t end = std::min(paths.size(), begin + kUnlinkRowsMax);
    ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
      for (size_t i = begin; i < end; ++i) {
        ARROW_RETURN_NOT_OK(
            connection.Execute("DELETE FROM unlink_queue WHERE path = ?", {paths[i]}));
      }
      return arrow::Status::OK();
    }));
  }
  return arrow::Status::OK();
}

arrow::Status SqliteLedger::Prune(int64_t older_than_us) {
  for (const PruneStep step : AllPruneSteps()) {
    int64_t pruned = 0;
    do {
      ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(pruned, step(connection, older_than_us));
        return arrow::Status::OK();
      }));
    } while (pruned > 0);
  }
  return arrow::Status::OK();
}

arrow::Status SqliteLedger::CopyTo(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(Connection connection, OpenBeside(/*is_read_only=*/true));
  // Made first, so that two copies cannot meet and nobody else may read it. SQLite fills empty
  // files only.
  ARROW_RETURN_NOT_OK(CreateCopyFile(path));
  arrow::Status status = connection.Execute("VACUUM INTO ?", {path}).status();
  if (status.ok()) status = SyncPath(path, O_RDWR);
  if (!status.ok()) {
    std::error_code ignored;  // The first failure is the one to tell.
    std::filesystem::remove(path, ignored);
    return status;
  }
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return SyncPath(folder.empty() ? "." : folder, O_RDONLY | O_DIRECTORY);
}

arrow::Status SqliteLedger::CheckpointWal() {
  ARROW_ASSIGN_OR_RAISE(Connection connection, OpenBeside(/*is_read_only=*/false));
  return connection.CheckpointPassively();
}

}  // namespace catchwater
