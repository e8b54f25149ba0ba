#include "catchwater/lake/live_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/partition_writer.h"

namespace catchwater {
namespace {

arrow::Result<ManifestList> ManifestsOf(Lake& lake, const TableState* table) {
  const Snapshot* snapshot = table == nullptr ? nullptr : table->metadata->current_snapshot();
  if (snapshot == nullptr) return std::make_shared<const std::vector<ManifestFile>>();
  return lake.manifests().List(snapshot->manifest_list);
}

/// Live files of the manifests whose paths are not in `except`.
arrow::Result<LiveSet> LiveOf(Lake& lake, const TableState& table, const ManifestList& manifests,
                              const std::set<std::string>& except) {
  LiveSet live;
  for (const ManifestFile& manifest : *manifests) {
    if (except.contains(manifest.path)) continue;
    if (manifest.is_deletes) {
      live.delete_files += manifest.live_files();
      continue;
    }
    const PartitionSpec* spec = table.metadata->SpecById(manifest.spec_id);
    if (spec == nullptr) return BadData("Manifest has an unknown partition spec: ", manifest.path);
    ARROW_ASSIGN_OR_RAISE(const auto entries,
                          lake.manifests().Entries(manifest, table.metadata->schema(), *spec));
    for (const ManifestEntry& entry : *entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      const bool is_new =
          live.files.emplace(entry.file.path, LiveSet::File{entry.file, manifest.spec_id}).second;
      if (!is_new) live.doubled.push_back(entry.file.path);
    }
  }
  return live;
}

std::set<std::string> PathsOf(const ManifestList& manifests) {
  std::set<std::string> paths;
  for (const ManifestFile& manifest : *manifests) paths.insert(manifest.path);
  return paths;
}

std::optional<int64_t> EventBound(const BoundsById& bounds, const IcebergField& field) {
  const auto found =
      std::ranges::find(bounds, field.id, [](const auto& bound) { return bound.first; });
  if (found == bounds.end()) return std::nullopt;
  const auto value = LiteralFromBytes(field.type, found->second);
  if (!value.ok()) return std::nullopt;
  const auto* micros = std::get_if<int64_t>(&*value);
  return micros == nullptr ? std::nullopt : std::optional(*micros);
}

}  // namespace

arrow::Result<LiveSet> ReadLiveSet(Lake& lake, const TableState& table) {
  ARROW_ASSIGN_OR_RAISE(const auto manifests, ManifestsOf(lake, &table));
  return LiveOf(lake, table, manifests, {});
}

bool IsOwnFile(const TableState& table, std::string_view uri) {
  const auto folder = PathOfUri(table.metadata->location);
  const auto path = PathOfUri(uri);
  return folder.ok() && path.ok() && path->starts_with(*folder + "/");
}

arrow::Result<DataFile> LedgerFileOf(Lake& lake, const TableState& table,
                                     const LiveSet::File& file) {
  const TableMetadata& metadata = *table.metadata;
  const PartitionSpec* spec = metadata.SpecById(file.spec_id);
  if (spec == nullptr) return BadData("Data file has an unknown partition spec: ", file.entry.path);
  ARROW_ASSIGN_OR_RAISE(const auto types, PartitionTypes(*spec, metadata.schema()));
  DataFile known{.path = file.entry.path,
                 .partition_key = PartitionKeyText(*spec, types, file.entry.partition),
                 .tier = -1,
                 .row_count = file.entry.record_count,
                 .byte_count = file.entry.file_byte_count};
  // We merge only what we can read, and no file that was there before the table.
  const bool is_parquet = file.entry.format == "PARQUET" || file.entry.format == "parquet";
  if (is_parquet && IsOwnFile(table, file.entry.path)) {
    known.tier = SizeTier(known.byte_count, lake.options().target_file_bytes);
  }
  const IcebergField* event_time = metadata.schema().FieldByName(table.event_time_column);
  if (event_time != nullptr) {
    known.event_us_min = EventBound(file.entry.lower_bounds, *event_time);
    known.event_us_max = EventBound(file.entry.upper_bounds, *event_time);
  }
  return known;
}

arrow::Result<LiveDifference> Difference(Lake& lake, const TableState* before,
                                         const TableState& after) {
  ARROW_ASSIGN_OR_RAISE(const auto manifests_before, ManifestsOf(lake, before));
  ARROW_ASSIGN_OR_RAISE(const auto manifests_after, ManifestsOf(lake, &after));
  LiveSet old_files;
  if (before != nullptr) {
    ARROW_ASSIGN_OR_RAISE(old_files,
                          LiveOf(lake, *before, manifests_before, PathsOf(manifests_after)));
  }
  ARROW_ASSIGN_OR_RAISE(const LiveSet new_files,
                        LiveOf(lake, after, manifests_after, PathsOf(manifests_before)));
  LiveDifference difference;
  for (const auto& [path, file] : new_files.files) {
    if (old_files.files.contains(path)) continue;
    ARROW_ASSIGN_OR_RAISE(DataFile known, LedgerFileOf(lake, after, file));
    difference.added.push_back(std::move(known));
  }
  for (const auto& [path, file] : old_files.files) {
    if (new_files.files.contains(path)) continue;
    difference.removed.push_back(path);
    difference.removed_rows += file.entry.record_count;
  }
  return difference;
}

arrow::Result<LiveDifference> DifferenceToLedger(Lake& lake, const TableState& table,
                                                 const LiveSet& live,
                                                 const std::vector<DataFileRecord>& ledger_files) {
  LiveDifference difference;
  std::set<std::string> known;
  for (const DataFileRecord& record : ledger_files) {
    known.insert(record.file.path);
    if (live.files.contains(record.file.path)) continue;
    difference.removed.push_back(record.file.path);
    difference.removed_rows += record.file.row_count;
  }
  for (const auto& [path, file] : live.files) {
    if (known.contains(path)) continue;
    ARROW_ASSIGN_OR_RAISE(DataFile added, LedgerFileOf(lake, table, file));
    difference.added.push_back(std::move(added));
  }
  return difference;
}

}  // namespace catchwater
