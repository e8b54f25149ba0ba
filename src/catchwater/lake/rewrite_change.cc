#include "catchwater/lake/rewrite_change.h"

#include <map>

#include "catchwater/base/error.h"

namespace catchwater {

struct RewriteChange::Rewritten {
  std::vector<ManifestFile> manifests;
  SnapshotDelta delta;
};

arrow::Result<RewriteChange::Rewritten> RewriteChange::RewriteManifests(SnapshotBuilder& builder) {
  Rewritten rewritten;
  rewritten.delta.operation = request_.operation;
  ARROW_ASSIGN_OR_RAISE(const auto manifests, builder.BaseManifests());
  for (const ManifestFile& manifest : manifests) {
    if (manifest.is_deletes && manifest.live_files() > 0) {
      return Conflict("Table has row-level delete files of another program, table: ",
                      request_.table_key);
    }
    if (manifest.live_files() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(auto entries, builder.CarriedEntries(manifest));
    bool is_touched = false;
    for (ManifestEntry& entry : entries) {
      if (!request_.removed.contains(entry.file.path)) continue;
      is_touched = true;
      entry.status = EntryStatus::kDeleted;
      entry.snapshot_id = builder.snapshot_id();
      ++rewritten.delta.removed_files;
      rewritten.delta.removed_rows += entry.file.record_count;
      rewritten.delta.removed_bytes += entry.file.file_byte_count;
    }
    if (!is_touched) {
      rewritten.manifests.push_back(manifest);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(ManifestFile row,
                          builder.WriteManifest(std::move(entries), manifest.spec_id));
    rewritten.manifests.push_back(std::move(row));
  }
  return rewritten;
}

arrow::Status RewriteChange::AddFiles(SnapshotBuilder& builder, Rewritten* rewritten) {
  std::map<int32_t, std::vector<ManifestEntry>> by_spec;
  for (const WrittenFile& file : request_.added) {
    by_spec[file.spec_id].push_back({.status = EntryStatus::kAdded,
                                     .snapshot_id = builder.snapshot_id(),
                                     .file = file.entry});
    ++rewritten->delta.added_files;
    rewritten->delta.added_rows += file.entry.record_count;
    rewritten->delta.added_bytes += file.entry.file_byte_count;
  }
  for (auto& [spec_id, entries] : by_spec) {
    ARROW_ASSIGN_OR_RAISE(ManifestFile row, builder.WriteManifest(std::move(entries), spec_id));
    rewritten->manifests.insert(rewritten->manifests.begin(), std::move(row));
  }
  return arrow::Status::OK();
}

arrow::Result<std::optional<PreparedChange>> RewriteChange::Prepare(
    const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) {
  if (base == nullptr) return NotFound("Table does not exist: ", request_.table_key);
  SnapshotBuilder builder(lake_, *base, stamp, request_.fail_points);
  ARROW_ASSIGN_OR_RAISE(Rewritten rewritten, RewriteManifests(builder));
  if (rewritten.delta.removed_files != static_cast<int64_t>(request_.removed.size())) {
    return Conflict("A file to be replaced is gone from the table: ", request_.table_key);
  }
  ARROW_RETURN_NOT_OK(AddFiles(builder, &rewritten));
  const SnapshotDelta& delta = rewritten.delta;
  CATCHWATER_CHECK(request_.operation != "replace" || delta.added_rows == delta.removed_rows,
                   "a replace must not change the rows of the table");
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        builder.Finish(std::move(rewritten.manifests), delta, {}));
  prepared.swap.rows_removed = delta.removed_rows;
  prepared.swap.removed.assign(request_.removed.begin(), request_.removed.end());
  for (const WrittenFile& file : request_.added) prepared.swap.added.push_back(file.data_file);
  // The files stay for the snapshots before: clean-up takes them when the last of those expires.
  return prepared;
}

}  // namespace catchwater
