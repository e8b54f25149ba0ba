#include "catchwater/lake/append_change.h"

#include <iterator>
#include <map>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/snapshot_builder.h"

namespace catchwater {
namespace {

constexpr int64_t kFoldAlwaysEntries = 64;
constexpr int64_t kFullEntries = 8'192;
constexpr int64_t kFullBytes = 8LL << 20;
constexpr size_t kManifestsMax = 16;

bool CanFold(const ManifestFile& manifest, int32_t spec_id, int64_t entry_count) {
  if (manifest.spec_id != spec_id || manifest.is_deletes || manifest.key_metadata) return false;
  const int64_t live_files = manifest.live_files();
  if (manifest.byte_count > kFullBytes || live_files + entry_count > kFullEntries) return false;
  return live_files + entry_count <= kFoldAlwaysEntries || live_files <= entry_count;
}

/// Folds the youngest manifests of the spec into `entries`; takes them out of `manifests`.
arrow::Status Fold(SnapshotBuilder& builder, int32_t spec_id, std::vector<ManifestFile>& manifests,
                   std::vector<ManifestEntry>& entries) {
  for (size_t i = 0; i < manifests.size();) {
    const ManifestFile& manifest = manifests[i];
    if (manifest.spec_id != spec_id || manifest.is_deletes) {
      ++i;
      continue;
    }
    // Over the bound, anything that is not full is folded: readers pay for each manifest.
    const auto entry_count = static_cast<int64_t>(entries.size());
    const bool is_crowded = manifests.size() >= kManifestsMax && !manifest.key_metadata &&
                            manifest.byte_count <= kFullBytes &&
                            manifest.live_files() + entry_count <= kFullEntries;
    if (!is_crowded && !CanFold(manifest, spec_id, entry_count)) break;
    ARROW_ASSIGN_OR_RAISE(auto carried, builder.CarriedEntries(manifest));
    entries.insert(entries.end(), std::make_move_iterator(carried.begin()),
                   std::make_move_iterator(carried.end()));
    manifests.erase(manifests.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::optional<PreparedChange>> AppendChange::Prepare(
    const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) {
  if (base == nullptr) return NotFound("Table does not exist: ", table_key_);
  if (files_.empty()) return std::nullopt;
  SnapshotBuilder builder(lake_, *base, stamp);
  ARROW_ASSIGN_OR_RAISE(std::vector<ManifestFile> manifests, builder.BaseManifests());
  std::erase_if(manifests, [](const ManifestFile& manifest) { return manifest.live_files() == 0; });

  SnapshotDelta delta;
  std::map<int32_t, std::vector<ManifestEntry>> entries_by_spec;
  std::set<std::string> partitions;
  for (const WrittenFile& file : files_) {
    entries_by_spec[file.spec_id].push_back({.status = EntryStatus::kAdded,
                                             .snapshot_id = builder.snapshot_id(),
                                             .sequence_number = std::nullopt,
                                             .file_sequence_number = std::nullopt,
                                             .file = file.entry});
    ++delta.added_files;
    delta.added_rows += file.entry.record_count;
    delta.added_bytes += file.entry.file_byte_count;
    partitions.insert(file.data_file.partition_key);
  }
  delta.changed_partitions = static_cast<int64_t>(partitions.size());

  std::vector<ManifestFile> next;
  for (auto& [spec_id, entries] : entries_by_spec) {
    ARROW_RETURN_NOT_OK(Fold(builder, spec_id, manifests, entries));
    ARROW_ASSIGN_OR_RAISE(ManifestFile row, builder.WriteManifest(std::move(entries), spec_id));
    next.push_back(std::move(row));
  }
  next.insert(next.end(), std::make_move_iterator(manifests.begin()),
              std::make_move_iterator(manifests.end()));
  StringMap properties;
  if (!positions_json_.empty()) properties[kPositionsProperty] = positions_json_;
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        builder.Finish(std::move(next), delta, properties));
  for (const WrittenFile& file : files_) prepared.swap.added.push_back(file.data_file);
  return prepared;
}

}  // namespace catchwater
