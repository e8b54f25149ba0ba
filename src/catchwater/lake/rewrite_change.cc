#include "catchwater/lake/rewrite_change.h"

#include <map>
#include <set>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {

namespace {

constexpr size_t kEntriesInOneManifest = 1'024;

}  // namespace

struct RewriteChange::Rewritten {
  std::vector<ManifestFile> manifests;
  SnapshotDelta delta;
  std::map<int32_t, std::vector<ManifestEntry>> added_by_spec;  // Not in a manifest yet.
  std::set<std::string> partitions;
};

void RewriteChange::GatherAdded(int64_t snapshot_id, Rewritten* rewritten) const {
  SnapshotDelta& delta = rewritten->delta;
  for (const WrittenFile& file : request_.added) {
    rewritten->added_by_spec[file.spec_id].push_back({.status = EntryStatus::kAdded,
                                                      .snapshot_id = snapshot_id,
                                                      .sequence_number = std::nullopt,
                                                      .file_sequence_number = std::nullopt,
                                                      .file = file.entry});
    ++delta.added_files;
    delta.added_rows += file.entry.record_count;
    delta.added_bytes += file.entry.file_byte_count;
    rewritten->partitions.insert(file.data_file.partition_key);
  }
}

arrow::Status RewriteChange::RewriteManifest(SnapshotBuilder& builder, const ManifestFile& manifest,
                                             Rewritten* rewritten) const {
  ARROW_ASSIGN_OR_RAISE(auto entries, builder.CarriedEntries(manifest));
  SnapshotDelta& delta = rewritten->delta;
  bool is_touched = false;
  for (ManifestEntry& entry : entries) {
    if (!request_.removed.contains(entry.file.path)) continue;
    is_touched = true;
    entry.status = EntryStatus::kDeleted;
    entry.snapshot_id = builder.snapshot_id();
    ++delta.removed_files;
    delta.removed_rows += entry.file.record_count;
    delta.removed_bytes += entry.file.file_byte_count;
  }
  if (!is_touched) {
    rewritten->manifests.push_back(manifest);
    return arrow::Status::OK();
  }
  // The new files go with what is rewritten anyway, where that is small: one manifest less.
  auto added = rewritten->added_by_spec.find(manifest.spec_id);
  if (added != rewritten->added_by_spec.end() &&
      entries.size() + added->second.size() <= kEntriesInOneManifest) {
    entries.insert(entries.begin(), added->second.begin(), added->second.end());
    rewritten->added_by_spec.erase(added);
  }
  ARROW_ASSIGN_OR_RAISE(ManifestFile row,
                        builder.WriteManifest(std::move(entries), manifest.spec_id));
  rewritten->manifests.push_back(std::move(row));
  return arrow::Status::OK();
}

arrow::Status RewriteChange::RewriteManifests(SnapshotBuilder& builder,
                                              Rewritten* rewritten) const {
  ARROW_ASSIGN_OR_RAISE(const auto manifests, builder.BaseManifests());
  for (const ManifestFile& manifest : manifests) {
    if (manifest.live_files() == 0) continue;
    if (manifest.is_deletes) {
      return Conflict("Table has row-level delete files of another program, table: ",
                      request_.table_key);
    }
    // The youngest come first and hold the small files: the others need not even be read.
    const bool is_complete =
        rewritten->delta.removed_files == static_cast<int64_t>(request_.removed.size());
    if (is_complete) {
      rewritten->manifests.push_back(manifest);
    } else {
      ARROW_RETURN_NOT_OK(RewriteManifest(builder, manifest, rewritten));
    }
  }
  for (auto& [spec_id, entries] : rewritten->added_by_spec) {
    ARROW_ASSIGN_OR_RAISE(ManifestFile row, builder.WriteManifest(std::move(entries), spec_id));
    rewritten->manifests.insert(rewritten->manifests.begin(), std::move(row));
  }
  return arrow::Status::OK();
}

arrow::Result<std::optional<PreparedChange>> RewriteChange::Prepare(
    const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) {
  if (base == nullptr) return NotFound("Table does not exist: ", request_.table_key);
  SnapshotBuilder builder(lake_, *base, stamp, request_.fail_points);
  Rewritten rewritten;
  rewritten.delta.operation = request_.operation;
  GatherAdded(builder.snapshot_id(), &rewritten);
  ARROW_RETURN_NOT_OK(RewriteManifests(builder, &rewritten));
  SnapshotDelta& delta = rewritten.delta;
  if (delta.removed_files != static_cast<int64_t>(request_.removed.size())) {
    return Conflict("A file to be replaced is gone from the table: ", request_.table_key);
  }
  if (request_.operation == "replace" && delta.added_rows != delta.removed_rows) {
    return BadData(
        "Files to be replaced hold another number of rows than their manifests say, "
        "table, rows of the files and of the manifests: ",
        request_.table_key, ", ", delta.added_rows, ", ", delta.removed_rows);
  }
  delta.changed_partitions = static_cast<int64_t>(rewritten.partitions.size());
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        builder.Finish(std::move(rewritten.manifests), delta, {}));
  prepared.swap.removed.assign(request_.removed.begin(), request_.removed.end());
  for (const WrittenFile& file : request_.added) prepared.swap.added.push_back(file.data_file);
  // The files stay for the snapshots before: clean-up takes them when the last of those expires.
  return prepared;
}

}  // namespace catchwater
