#include "catchwater/lake/snapshot_builder.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/evolve.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/iceberg/manifest_list_notes.h"
#include "catchwater/lake/snapshot_ladder.h"

namespace catchwater {
namespace {

constexpr size_t kSnapshotLogMax = 1'000;
constexpr int64_t kExpiredPerCommitMax = 32;  // Each costs up to three lists to read.

int64_t NumberIn(const StringMap& map, const std::string& key) {
  const auto found = map.find(key);
  int64_t number = 0;
  if (found != map.end()) {
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

/// Paths of manifests that a removed snapshot refers to and neither neighbour that is kept does.
/// A manifest that left the table never comes back, so the neighbours speak for all.
arrow::Result<std::set<std::string>> Unreferenced(Lake& lake, const TableMetadata& metadata,
                                                  const LadderSplit& split) {
  std::set<std::string> removed_paths;
  std::set<int64_t> kept;
  for (const auto& snapshot : split.kept) kept.insert(snapshot->snapshot_id);
  const Snapshot* kept_before = nullptr;
  std::vector<const Snapshot*> run;  // Removed ones since kept_before.
  auto close_run = [&](const Snapshot* kept_after) -> arrow::Status {
    std::set<std::string> candidates;
    for (const Snapshot* snapshot : run) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(snapshot->manifest_list));
      for (const ManifestFile& row : *rows) candidates.insert(row.path);
    }
    for (const Snapshot* neighbour : {kept_before, kept_after}) {
      if (neighbour == nullptr || run.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(neighbour->manifest_list));
      for (const ManifestFile& row : *rows) candidates.erase(row.path);
    }
    removed_paths.merge(candidates);
    run.clear();
    return arrow::Status::OK();
  };
  for (const auto& snapshot : metadata.snapshots) {
    if (!kept.contains(snapshot->snapshot_id)) {
      run.push_back(snapshot.get());
      continue;
    }
    ARROW_RETURN_NOT_OK(close_run(snapshot.get()));
    kept_before = snapshot.get();
  }
  ARROW_RETURN_NOT_OK(close_run(nullptr));
  return removed_paths;
}

}  // namespace

SnapshotBuilder::SnapshotBuilder(Lake& lake, const TableState& base, const CommitStamp& stamp,
                                 SnapshotFailPoints fail_points)
    : lake_(lake),
      base_(base),
      stamp_(stamp),
      fail_points_(fail_points),
      snapshot_id_(lake.NewSnapshotId()),
      sequence_number_(base.metadata->last_sequence_number + 1),
      timestamp_ms_(std::max(stamp.now_us / 1000, base.metadata->last_updated_ms)),
      uuid_(lake.NewUuid()) {}

SnapshotBuilder::~SnapshotBuilder() {
  for (const std::string& path : written_paths_) {
    // Not finished. A file that stays is found by orphan clean-up.
    static_cast<void>(lake_.files().Remove(path));
  }
}

std::string SnapshotBuilder::FolderPath() const {
  // Every location was read through PathOfUri before, so it has a path.
  return PathOfUri(base_.metadata->location).ValueOr(std::string()) + "/metadata/";
}

arrow::Result<std::vector<ManifestFile>> SnapshotBuilder::BaseManifests() {
  const Snapshot* current = base_.metadata->current_snapshot();
  if (current == nullptr) return std::vector<ManifestFile>{};
  ARROW_ASSIGN_OR_RAISE(const auto rows, lake_.manifests().List(current->manifest_list));
  return *rows;
}

arrow::Result<std::vector<ManifestEntry>> SnapshotBuilder::CarriedEntries(
    const ManifestFile& manifest) {
  const PartitionSpec* spec = base_.metadata->SpecById(manifest.spec_id);
  if (spec == nullptr) return BadData("Manifest has an unknown partition spec: ", manifest.path);
  ARROW_ASSIGN_OR_RAISE(const auto entries,
                        lake_.manifests().Entries(manifest, base_.metadata->schema(), *spec));
  std::vector<ManifestEntry> carried;
  carried.reserve(entries->size());
  for (const ManifestEntry& entry : *entries) {
    if (entry.status == EntryStatus::kDeleted) continue;
    carried.push_back(entry);
    carried.back().status = EntryStatus::kExisting;
  }
  return carried;
}

arrow::Result<ManifestFile> SnapshotBuilder::WriteManifest(std::vector<ManifestEntry> entries,
                                                           int32_t spec_id) {
  const PartitionSpec* spec = base_.metadata->SpecById(spec_id);
  if (spec == nullptr) return Internal("Data files have an unknown partition spec: ", spec_id);
  ARROW_ASSIGN_OR_RAISE(
      EncodedManifest encoded,
      EncodeManifest(entries, base_.metadata->schema(), *spec, snapshot_id_, sequence_number_));
  const std::string path = FolderPath() + ManifestName(MakeWriterTag(stamp_.lease, stamp_.epoch),
                                                       uuid_, manifest_count_++);
  written_paths_.push_back(path);
  ARROW_RETURN_NOT_OK(unsynced_.Write(lake_.files(), path, encoded.bytes));
  ARROW_RETURN_NOT_OK(Reach(fail_points_.manifest_written));
  encoded.row.path = UriOfPath(path);
  for (ManifestEntry& entry : entries) {  // As a reader would see them.
    if (!entry.snapshot_id) entry.snapshot_id = snapshot_id_;
    if (!entry.sequence_number) entry.sequence_number = sequence_number_;
    if (!entry.file_sequence_number) entry.file_sequence_number = sequence_number_;
  }
  lake_.manifests().PutEntries(
      encoded.row.path, std::make_shared<const std::vector<ManifestEntry>>(std::move(entries)));
  return encoded.row;
}

arrow::Result<StringMap> SnapshotBuilder::BaseTotals() {
  StringMap totals;
  const Snapshot* current = base_.metadata->current_snapshot();
  if (current == nullptr) return totals;
  bool is_complete = true;
  for (const char* key :
       {"total-data-files", "total-records", "total-files-size", "total-delete-files",
        "total-position-deletes", "total-equality-deletes"}) {
    const auto found = current->summary.find(key);
    if (found != current->summary.end()) totals[key] = found->second;
    is_complete = is_complete && (found != current->summary.end() ||
                                  std::string_view(key).find("delete") != std::string_view::npos);
  }
  if (is_complete) return totals;
  // Another program left them out: count once, from then on they are carried along.
  int64_t file_count = 0, row_count = 0, byte_count = 0;
  ARROW_ASSIGN_OR_RAISE(const auto manifests, BaseManifests());
  for (const ManifestFile& manifest : manifests) {
    if (manifest.is_deletes) continue;
    ARROW_ASSIGN_OR_RAISE(const auto entries, CarriedEntries(manifest));
    for (const ManifestEntry& entry : entries) {
      ++file_count;
      row_count += entry.file.record_count;
      byte_count += entry.file.file_byte_count;
    }
  }
  totals["total-data-files"] = std::to_string(file_count);
  totals["total-records"] = std::to_string(row_count);
  totals["total-files-size"] = std::to_string(byte_count);
  return totals;
}

arrow::Result<StringMap> SnapshotBuilder::Summary(const SnapshotDelta& delta) {
  ARROW_ASSIGN_OR_RAISE(const StringMap totals, BaseTotals());
  StringMap summary{{"operation", delta.operation},
                    {"catchwater.commit-id", stamp_.commit_id},
                    {"catchwater.actor", stamp_.actor},
                    {"changed-partition-count", std::to_string(delta.changed_partitions)}};
  auto put = [&summary](const char* key, int64_t value) {
    if (value != 0) summary[key] = std::to_string(value);
  };
  put("added-data-files", delta.added_files);
  put("added-records", delta.added_rows);
  put("added-files-size", delta.added_bytes);
  put("deleted-data-files", delta.removed_files);
  put("deleted-records", delta.removed_rows);
  put("removed-files-size", delta.removed_bytes);
  auto total = [&](const char* key, int64_t added, int64_t removed) {
    summary[key] = std::to_string(NumberIn(totals, key) + added - removed);
  };
  total("total-data-files", delta.added_files, delta.removed_files);
  total("total-records", delta.added_rows, delta.removed_rows);
  total("total-files-size", delta.added_bytes, delta.removed_bytes);
  for (const char* key :
       {"total-delete-files", "total-position-deletes", "total-equality-deletes"}) {
    total(key, 0, 0);
  }
  return summary;
}

arrow::Status SnapshotBuilder::ExpireByLadder(TableMetadata& next,
                                              std::vector<UnlinkRecord>& superseded) {
  LadderSplit split =
      SplitByLadder(next, lake_.options().ladder, timestamp_ms_, kExpiredPerCommitMax);
  if (split.removed.empty()) return arrow::Status::OK();
  auto supersede = [&](const std::string& uri, int64_t kept_us) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(uri));
    superseded.push_back({.path = std::move(path),
                          .table_key = base_.table_key,
                          .not_before_us = stamp_.now_us + kept_us});
    return arrow::Status::OK();
  };
  const int64_t grace_us = lake_.options().unlink_grace_us;
  // With branches or roll-backs neighbours do not speak for all: orphan clean-up looks at all.
  if (IsLinearHistory(next)) {
    ARROW_ASSIGN_OR_RAISE(const auto manifests, Unreferenced(lake_, next, split));
    for (const std::string& uri : manifests) ARROW_RETURN_NOT_OK(supersede(uri, grace_us));
  }
  std::set<int64_t> gone;
  for (const auto& snapshot : split.removed) {
    gone.insert(snapshot->snapshot_id);
    ARROW_RETURN_NOT_OK(supersede(snapshot->manifest_list, std::max(grace_us, kNotesKeptUs)));
  }
  // The log keeps what the ladder keeps, so that time travel goes as far back as it does.
  std::erase_if(next.snapshot_log, [&gone](const SnapshotLogEntry& entry) {
    return gone.contains(entry.snapshot_id);
  });
  next.snapshots = std::move(split.kept);
  return arrow::Status::OK();
}

arrow::Result<PreparedChange> SnapshotBuilder::Finish(std::vector<ManifestFile> manifests,
                                                      const SnapshotDelta& delta,
                                                      const StringMap& properties) {
  const TableMetadata& base = *base_.metadata;
  const std::string list_path =
      FolderPath() +
      ManifestListName(MakeWriterTag(stamp_.lease, stamp_.epoch), snapshot_id_, uuid_);
  written_paths_.push_back(list_path);
  ARROW_RETURN_NOT_OK(
      unsynced_.Write(lake_.files(), list_path,
                      EncodeManifestListWithNotes(manifests, snapshot_id_, base.current_snapshot_id,
                                                  sequence_number_, stamp_.notes)));
  ARROW_RETURN_NOT_OK(Reach(fail_points_.manifest_list_written));

  auto snapshot = std::make_shared<Snapshot>();
  snapshot->snapshot_id = snapshot_id_;
  snapshot->parent_snapshot_id = base.current_snapshot_id;
  snapshot->sequence_number = sequence_number_;
  snapshot->timestamp_ms = timestamp_ms_;
  snapshot->manifest_list = UriOfPath(list_path);
  ARROW_ASSIGN_OR_RAISE(snapshot->summary, Summary(delta));
  snapshot->schema_id = base.current_schema_id;
  RenderSnapshot(*snapshot);
  lake_.manifests().PutList(
      snapshot->manifest_list,
      std::make_shared<const std::vector<ManifestFile>>(std::move(manifests)));

  TableMetadata next = base;
  next.last_sequence_number = sequence_number_;
  next.last_updated_ms = timestamp_ms_;
  next.current_snapshot_id = snapshot_id_;
  next.refs["main"] = {.snapshot_id = snapshot_id_};
  next.snapshots.push_back(std::move(snapshot));
  next.snapshot_log.push_back({.timestamp_ms = timestamp_ms_, .snapshot_id = snapshot_id_});
  if (next.snapshot_log.size() > kSnapshotLogMax)
    next.snapshot_log.erase(next.snapshot_log.begin());
  for (const auto& [key, value] : properties) next.properties[key] = value;
  std::vector<UnlinkRecord> superseded;
  ARROW_RETURN_NOT_OK(ExpireByLadder(next, superseded));

  const std::shared_ptr<const TableState> base_state(std::shared_ptr<void>(), &base_);
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        WriteNextMetadata(lake_, base_.table_key, base_state, std::move(next),
                                          stamp_, std::move(unsynced_)));
  ARROW_RETURN_NOT_OK(Reach(fail_points_.metadata_written));
  prepared.written_paths.insert(prepared.written_paths.end(), written_paths_.begin(),
                                written_paths_.end());
  written_paths_.clear();
  prepared.superseded.insert(prepared.superseded.end(), superseded.begin(), superseded.end());
  prepared.swap.operation = delta.operation;
  prepared.swap.snapshot_id = snapshot_id_;
  prepared.swap.rows_added = delta.added_rows;
  prepared.swap.rows_removed = delta.removed_rows;
  return prepared;
}

}  // namespace catchwater
