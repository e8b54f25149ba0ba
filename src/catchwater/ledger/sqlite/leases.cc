#include <cerrno>
#include <charconv>
#include <filesystem>
#include <string>
#include <string_view>

#include <signal.h>
#include <unistd.h>

#include "catchwater/base/crash_note.h"
#include "catchwater/ledger/sqlite/data_file_rows.h"
#include "catchwater/ledger/sqlite/input_rows.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

enum class OwnerLife { kUnknown, kDead, kAlive };

/// Whether the owner `host/pid/...` is a process of our own host that lives. An owner of another
/// shape, or with our own process id, is not known. A wrong guess (hosts of one name) costs the
/// other a fenced commit, never a row.
OwnerLife LifeOf(std::string_view owner, std::string_view ours) {
  const size_t host_end = owner.find('/');
  if (host_end == owner.npos || ours.substr(0, host_end + 1) != owner.substr(0, host_end + 1)) {
    return OwnerLife::kUnknown;
  }
  const std::string_view rest = owner.substr(host_end + 1);
  const size_t pid_end = rest.find('/');
  int pid = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + std::min(pid_end, rest.size()), pid);
  if (error != std::errc() || pid <= 0 || pid_end == rest.npos || end != rest.data() + pid_end ||
      pid == getpid()) {
    return OwnerLife::kUnknown;
  }
  return kill(pid, 0) != 0 && errno == ESRCH ? OwnerLife::kDead : OwnerLife::kAlive;
}

/// Nobody needs to wait for the lease of a process that is gone. What one that lives left behind is
/// given back if its lease ran out: it did not crash, so that is no attempt.
/// \return the owner, if it is another; else nothing
arrow::Result<std::string> LookAtOwner(Connection& connection, const std::string& name,
                                       const std::string& ours, int64_t now_us) {
  std::string owner;
  Fence fence{.lease = name, .epoch = 0};
  bool is_over = false;
  ARROW_RETURN_NOT_OK(connection.Query(
      "SELECT owner, epoch, expires_us <= ? FROM lease WHERE name = ? AND owner IS NOT NULL AND "
      "owner <> ?",
      {now_us, name, ours}, [&](const Row& row) {
        owner = row.Text(0);
        fence.epoch = row.Number(1);
        is_over = row.Number(2) != 0;
        return arrow::Status::OK();
      }));
  switch (LifeOf(owner, ours)) {
    case OwnerLife::kUnknown:
      break;
    case OwnerLife::kDead:
      ARROW_RETURN_NOT_OK(
          connection
              .Execute("UPDATE lease SET expires_us = 0 WHERE name = ? AND owner = ?",
                       {name, owner})
              .status());
      break;
    case OwnerLife::kAlive:
      if (!is_over) break;
      FeedWriter feed(connection);
      ARROW_RETURN_NOT_OK(GiveBackInputs(connection, feed, fence));
  }
  return owner;
}

}  // namespace

arrow::Result<std::optional<int64_t>> SqliteLedger::AcquireLease(const std::string& name,
                                                                 const std::string& owner,
                                                                 int64_t duration_ms) {
  std::optional<int64_t> epoch;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    const int64_t now_us = clock_.NowMicros();
    ARROW_ASSIGN_OR_RAISE(const std::string before, LookAtOwner(connection, name, owner, now_us));
    // One statement: free, expired and other people's leases change hands with a new epoch, ours is
    // prolonged; a lease that somebody else holds is not touched and no row comes back.
    ARROW_RETURN_NOT_OK(connection.Query(
        "INSERT INTO lease (name, epoch, owner, expires_us) VALUES (?1, 1, ?2, ?3) "
        "ON CONFLICT (name) DO UPDATE SET "
        "epoch = CASE WHEN owner IS excluded.owner THEN epoch ELSE epoch + 1 END, "
        "owner = excluded.owner, expires_us = excluded.expires_us "
        "WHERE owner IS NULL OR owner = excluded.owner OR expires_us <= ?4 RETURNING epoch",
        {name, owner, now_us + duration_ms * 1000, now_us}, [&](const Row& row) {
          epoch = row.Number(0);
          return arrow::Status::OK();
        }));
    if (before.empty() || !epoch) return arrow::Status::OK();
    const std::string folder = std::filesystem::path(options_.path).parent_path().string();
    FeedWriter feed(connection);
    return EndInputsOf(connection, feed, {.lease = name, .epoch = *epoch},
                       ReadCrashNote(CrashNotePath(folder, before)), now_us);
  }));
  return epoch;
}

arrow::Result<bool> SqliteLedger::RenewLease(const std::string& name, int64_t epoch,
                                             int64_t duration_ms) {
  int64_t changed = 0;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(
        changed, connection.Execute("UPDATE lease SET expires_us = ? "
                                    "WHERE name = ? AND epoch = ? AND owner IS NOT NULL",
                                    {clock_.NowMicros() + duration_ms * 1000, name, epoch}));
    return arrow::Status::OK();
  }));
  return changed == 1;
}

arrow::Status SqliteLedger::ReleaseLease(const std::string& name, int64_t epoch) {
  return Write([&](Connection& connection) -> arrow::Status {
    // A new epoch: what its owner may still have under way is fenced.
    ARROW_ASSIGN_OR_RAISE(
        const int64_t released,
        connection.Execute("UPDATE lease SET owner = NULL, expires_us = 0, epoch = epoch + 1 "
                           "WHERE name = ? AND epoch = ?",
                           {name, epoch}));
    if (released == 0) return arrow::Status::OK();  // It was lost: another gives the work back.
    const Fence fence{.lease = name, .epoch = epoch};
    FeedWriter feed(connection);
    ARROW_RETURN_NOT_OK(GiveBackInputs(connection, feed, fence));
    return GiveBackDataFiles(connection, feed, fence, clock_.NowMicros());
  });
}

arrow::Status SqliteLedger::FenceAll(int64_t epochs) {
  return Write([&](Connection& connection) -> arrow::Status {
    ARROW_RETURN_NOT_OK(
        connection.Execute("UPDATE ledger_clock SET seq = seq + ?", {epochs}).status());
    return connection
        .Execute("UPDATE lease SET owner = NULL, expires_us = 0, epoch = epoch + ?", {epochs})
        .status();
  });
}

arrow::Result<std::vector<LeaseRecord>> SqliteLedger::Leases() {
  std::vector<LeaseRecord> leases;
  ARROW_RETURN_NOT_OK(Read("SELECT name, owner, epoch, expires_us FROM lease ORDER BY name", {},
                           [&](const Row& row) {
                             leases.push_back({.name = row.Text(0),
                                               .owner = row.Text(1),
                                               .epoch = row.Number(2),
                                               .expires_us = row.Number(3)});
                             return arrow::Status::OK();
                           }));
  return leases;
}

}  // namespace catchwater
