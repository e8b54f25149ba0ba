#include "catchwater/source/postgres/replicate/snapshot_spool.h"

#include <limits>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kSyncEveryBytes = 4 << 20;

}  // namespace

SnapshotSpool::SnapshotSpool(Files& files, std::unique_ptr<Spool> spool, uint64_t at)
    : spool_(std::move(spool)), reader_(files, *spool_, at) {}

arrow::Result<std::unique_ptr<SnapshotSpool>> SnapshotSpool::Make(Files& files, std::string folder,
                                                                  int64_t bytes_max,
                                                                  Random random) {
  ARROW_RETURN_NOT_OK(Remove(files, folder));
  ARROW_ASSIGN_OR_RAISE(
      auto spool,
      Spool::Open(files, {.folder = std::move(folder), .bytes_max = bytes_max, .is_locked = false},
                  random));
  return std::unique_ptr<SnapshotSpool>(new SnapshotSpool(files, std::move(spool), /*at=*/0));
}

arrow::Result<std::unique_ptr<SnapshotSpool>> SnapshotSpool::Open(Files& files, std::string folder,
                                                                  const std::string& id,
                                                                  uint64_t at, Random random) {
  const auto entries = files.List(folder);
  if (!entries.ok() || entries->empty()) {
    return NotFound("Snapshot of the table is not in the data folder any more: ", folder);
  }
  ARROW_ASSIGN_OR_RAISE(auto spool, Spool::Open(files,
                                                {.folder = folder,
                                                 .bytes_max = std::numeric_limits<int64_t>::max(),
                                                 .is_locked = false},
                                                random));
  if (spool->uuid() != id) {
    return NotFound("Snapshot in the data folder is another one, ids: ", spool->uuid(), " ", id);
  }
  ARROW_RETURN_NOT_OK(spool->Locate(at).status());
  return std::unique_ptr<SnapshotSpool>(new SnapshotSpool(files, std::move(spool), at));
}

arrow::Status SnapshotSpool::Remove(Files& files, const std::string& folder) {
  const auto entries = files.List(folder);
  if (!entries.ok()) {
    return KindOf(entries.status()) == ErrorKind::kNotFound ? arrow::Status::OK()
                                                            : entries.status();
  }
  for (const FileEntry& entry : *entries) ARROW_RETURN_NOT_OK(files.Remove(entry.path));
  return arrow::Status::OK();
}

arrow::Status SnapshotSpool::Add(std::string_view json) {
  const auto added = spool_->Append(json);
  if (!added.ok() && KindOf(added.status()) == ErrorKind::kThrottled) {
    return ConfigError("Rows of the table are more than `snapshot_bytes_max`, bytes: ",
                       spool_->byte_count());
  }
  ARROW_RETURN_NOT_OK(added.status());
  waiting_bytes_ += static_cast<int64_t>(json.size());
  if (waiting_bytes_ < kSyncEveryBytes) return arrow::Status::OK();
  waiting_bytes_ = 0;
  return spool_->Sync();
}

arrow::Status SnapshotSpool::Finish() { return spool_->Sync(); }

arrow::Result<std::vector<SpoolReader::Record>> SnapshotSpool::Read(int64_t byte_count_max) {
  return reader_.Read(byte_count_max);
}

}  // namespace catchwater
