#include "catchwater/lake/rebuild.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/live_set.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {
namespace {

/// More than a ledger can have raised an epoch since its copy was taken.
constexpr int64_t kFencedEpochs = 1'000'000;
constexpr const char* kConsumer = "lake";

/// True if the file opens as a ledger and holds together.
bool IsSound(const Clock& clock, const std::string& path) {
  auto ledger = Ledger::Open({.path = path, .is_read_only = true}, clock);
  if (!ledger.ok()) return false;
  const auto violations = (*ledger)->CheckInvariants();
  return violations.ok() && violations->empty();
}

/// Folders of tables, by table key.
arrow::Result<std::map<std::string, std::string>> TableFolders(Files& files,
                                                               const std::string& warehouse) {
  std::map<std::string, std::string> folders;
  ARROW_ASSIGN_OR_RAISE(const auto namespaces, files.List(warehouse));
  for (const FileEntry& outer : namespaces) {
    const std::string name = outer.path.substr(outer.path.rfind('/') + 1);
    if (!outer.is_directory || name.starts_with('.')) continue;
    ARROW_ASSIGN_OR_RAISE(const auto tables, files.List(outer.path));
    for (const FileEntry& inner : tables) {
      if (!inner.is_directory) continue;
      folders[name + "." + inner.path.substr(inner.path.rfind('/') + 1)] = inner.path;
    }
  }
  return folders;
}

class Rebuilder {
 public:
  Rebuilder(Lake& lake, RebuildReport* report) : lake_(lake), report_(*report) {}

  arrow::Status Run() {
    ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, lake_.ledger().Catalog());
    ARROW_ASSIGN_OR_RAISE(auto folders, TableFolders(lake_.files(), lake_.options().warehouse));
    std::set<std::string> table_keys;
    for (const auto& [table_key, location] : catalog.metadata_location) {
      table_keys.insert(table_key);
      ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(location));
      const std::string folder = path.substr(0, path.rfind("/metadata/"));
      folders[table_key] = folder;  // Another program's table may lie elsewhere.
    }
    for (const auto& [table_key, folder] : folders) {
      const auto pointer = catalog.metadata_location.find(table_key);
      const std::string location =
          pointer == catalog.metadata_location.end() ? "" : pointer->second;
      ARROW_RETURN_NOT_OK(RollForward(table_key, folder, location));
    }
    return lake_.ledger().FenceAll(kFencedEpochs);
  }

 private:
  void Say(std::string sentence) { report_.not_rebuilt.push_back(std::move(sentence)); }

  /// The newest metadata file of the folder that can be read with all its manifests.
  /// Versions only grow along a table's history; of two with one version, which two rivals wrote,
  /// at most one has successors, and the newer stands for a commit whose answer was lost.
  arrow::Result<std::shared_ptr<const TableState>> Newest(const std::string& table_key,
                                                          const std::string& folder) {
    std::vector<FileEntry> entries;
    auto listed = lake_.files().List(folder + "/metadata");
    if (listed.ok()) entries = std::move(*listed);
    std::erase_if(entries, [](const FileEntry& entry) {
      return entry.is_directory || !entry.path.ends_with(".metadata.json");
    });
    std::ranges::sort(entries, std::ranges::greater(), [](const FileEntry& entry) {
      return std::pair(MetadataVersion(entry.path), entry.modified_us);
    });
    for (const FileEntry& entry : entries) {
      const auto state = lake_.LoadAt(table_key, UriOfPath(entry.path));
      if (state.ok() && ReadLiveSet(lake_, **state).ok()) return *state;
      Say("Metadata file of table " + table_key +
          " cannot be read and is passed over: " + entry.path);
    }
    return nullptr;
  }

  arrow::Status RollForward(const std::string& table_key, const std::string& folder,
                            const std::string& pointer) {
    ARROW_ASSIGN_OR_RAISE(const auto newest, Newest(table_key, folder));
    if (newest == nullptr || MetadataVersion(newest->location) < MetadataVersion(pointer)) {
      if (!pointer.empty())
        Say("Metadata of table " + table_key + " is lost, location: " + pointer);
      return arrow::Status::OK();
    }
    if (newest->location == pointer) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const LiveSet live, ReadLiveSet(lake_, *newest));
    WorkQuery query;
    query.table_key = table_key;
    query.live_only = true;
    query.limit = INT64_MAX;
    ARROW_ASSIGN_OR_RAISE(const auto records, lake_.ledger().DataFiles(query));
    ARROW_ASSIGN_OR_RAISE(LiveDifference difference,
                          DifferenceToLedger(lake_, *newest, live, records));
    return Commit(*newest, pointer, std::move(difference));
  }

  arrow::Status Commit(const TableState& newest, const std::string& pointer,
                       LiveDifference difference) {
    PointerSwap swap{.table_key = newest.table_key,
                     .expected = pointer,
                     .next = newest.location,
                     .operation = "overwrite",
                     .snapshot_id = newest.metadata->current_snapshot_id.value_or(0),
                     .schema_id = newest.metadata->current_schema_id,
                     .rows_removed = difference.removed_rows,
                     .added = std::move(difference.added),
                     .removed = std::move(difference.removed)};
    for (const DataFile& file : swap.added) swap.rows_added += file.row_count;
    RebuiltTable table{.table_key = newest.table_key,
                       .metadata_location = newest.location,
                       .rows_rolled_forward = swap.rows_added - swap.rows_removed,
                       .files_added = static_cast<int64_t>(swap.added.size()),
                       .files_removed = static_cast<int64_t>(swap.removed.size())};
    CommitPlan plan;
    plan.id = lake_.NewUuid();
    plan.actor = "rebuild";
    plan.tables = {std::move(swap)};
    ARROW_ASSIGN_OR_RAISE(plan.positions, PositionsIn(newest));
    const auto position_count = static_cast<int64_t>(plan.positions.size());
    ARROW_ASSIGN_OR_RAISE(const auto committed, lake_.ledger().Commit(plan));
    if (committed.first != Outcome::kCommitted) {
      return Internal("Table could not be rolled forward, table and outcome: ", table.table_key,
                      ", ", OutcomeName(committed.first));
    }
    report_.positions_moved += position_count;
    if (table.rows_rolled_forward != 0) {
      Say("Rows of table " + table.table_key + " that came after the copy stand in no account: " +
          std::to_string(table.rows_rolled_forward) +
          "; an input file that was finished after the copy is read again");
    }
    report_.tables.push_back(std::move(table));
    return arrow::Status::OK();
  }

  /// What the table's property says of open partitions that the copy knows.
  arrow::Result<std::vector<PositionAdvance>> PositionsIn(const TableState& table) {
    std::vector<PositionAdvance> advances;
    const auto property = table.metadata->properties.find(kPositionsProperty);
    if (property == table.metadata->properties.end()) return advances;
    const auto json = nlohmann::json::parse(property->second, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return advances;
    ARROW_ASSIGN_OR_RAISE(const auto partitions, lake_.ledger().Partitions(""));
    for (const auto& [key, ordinal] : json.items()) {
      int64_t id = 0;
      std::from_chars(key.data(), key.data() + key.size(), id);
      const auto found = std::ranges::find(partitions, id, &PartitionRecord::id);
      if (!ordinal.is_number_unsigned() || found == partitions.end()) {
        Say("Position of a source partition that was opened after the copy is not rebuilt, table "
            "and partition: " +
            table.table_key + ", " + key);
        continue;
      }
      const auto known = found->positions.find(kConsumer);
      const Position from = known == found->positions.end() ? Position{} : known->second;
      const Position to{.ordinal = ordinal.get<uint64_t>(), .token = from.token};
      if (!(from < to)) continue;
      advances.push_back(
          {.range = {.partition_id = id, .from = from, .to = to}, .consumer = kConsumer});
    }
    return advances;
  }

  Lake& lake_;
  RebuildReport& report_;
};

/// Renames the old ledger and its log, which must not be read together with the new one.
arrow::Status SetAside(Files& files, const std::string& path, const std::string& aside) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (!files.Stat(path + suffix).ok()) continue;
    ARROW_RETURN_NOT_OK(files.Rename(path + suffix, aside + suffix));
  }
  return arrow::Status::OK();
}

arrow::Status RemoveDatabase(Files& files, const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) ARROW_RETURN_NOT_OK(files.Remove(path + suffix));
  return arrow::Status::OK();
}

/// Puts the newest sound copy at the path.
arrow::Status RestoreCopy(Files& files, const Clock& clock, const std::string& warehouse,
                          const std::string& path, RebuildReport* report) {
  ARROW_ASSIGN_OR_RAISE(const auto copies, LedgerCopies(files, warehouse));
  for (const LedgerCopy& copy : copies) {
    ARROW_RETURN_NOT_OK(CopyFile(files, copy.path, path));
    if (IsSound(clock, path)) {
      report->copy = copy.path;
      report->copy_taken_us = copy.taken_us;
      return arrow::Status::OK();
    }
    report->not_rebuilt.push_back("Copy of the ledger is damaged and is passed over: " + copy.path);
    ARROW_RETURN_NOT_OK(RemoveDatabase(files, path));
  }
  report->not_rebuilt.push_back(
      "There is no copy of the ledger: positions, work files and account begin anew, so sources "
      "that are read again double their rows");
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<RebuildReport> RebuildLedger(Files& files, const Clock& clock,
                                           const std::string& data_folder,
                                           const std::string& warehouse) {
  RebuildReport report;
  const std::string path = data_folder + "/ledger.sqlite";
  const bool is_there = files.Stat(path).ok();
  if (is_there && IsSound(clock, path)) {
    return Conflict("Ledger is sound and is left as it is; to go back to a copy, move it away: ",
                    path);
  }
  const std::string rebuilt = path + ".rebuilding";
  ARROW_RETURN_NOT_OK(RemoveDatabase(files, rebuilt));  // Of a rebuild that was killed.
  ARROW_RETURN_NOT_OK(RestoreCopy(files, clock, warehouse, rebuilt, &report));
  {
    ARROW_ASSIGN_OR_RAISE(const auto ledger, Ledger::Open({.path = rebuilt}, clock));
    ARROW_ASSIGN_OR_RAISE(const auto lake, Lake::Open(files, *ledger, clock, Random::FromSystem(),
                                                      {.warehouse = warehouse}));
    ARROW_RETURN_NOT_OK(Rebuilder(*lake, &report).Run());
  }
  // The last connection folds the log into the file; with a log left it would not be whole.
  if (files.Stat(rebuilt + "-wal").ok()) {
    return Unavailable("Rebuilt ledger is still open somewhere: ", rebuilt);
  }
  if (is_there) {
    report.set_aside = path + ".damaged-" + std::to_string(clock.NowMicros());
    ARROW_RETURN_NOT_OK(SetAside(files, path, report.set_aside));
  }
  ARROW_RETURN_NOT_OK(files.Rename(rebuilt, path));
  ARROW_RETURN_NOT_OK(files.SyncDirectory(data_folder));
  return report;
}

}  // namespace catchwater
