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
#include "catchwater/lake/commit_chain.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/live_set.h"
#include "catchwater/lake/note_files.h"
#include "catchwater/ledger/ledger.h"
#include "catchwater/ledger/lost_commit.h"
#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

/// More than a ledger can have raised an epoch, or moved its clock, since its copy was taken.
constexpr int64_t kFencedEpochs = 1'000'000;

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

/// The metadata files of a table that can be read, the newest first.
/// Versions only grow along a table's history; of two with one version, which two rivals wrote, at
/// most one has successors, and the newer stands for a commit whose answer was lost.
class Candidates {
 public:
  Candidates(Files& files, const std::string& folder) {
    auto listed = files.List(folder + "/metadata");
    if (listed.ok()) entries_ = std::move(*listed);
    std::erase_if(entries_, [](const FileEntry& entry) {
      return entry.is_directory || !entry.path.ends_with(".metadata.json");
    });
    std::ranges::sort(entries_, std::ranges::greater(), [](const FileEntry& entry) {
      return std::pair(MetadataVersion(entry.path), entry.modified_us);
    });
  }

  /// The next one with all its manifests, or null; what cannot be read is told. Older than the
  /// pointer, or beside it, is none.
  std::shared_ptr<const TableState> Next(Lake& lake, const std::string& table_key,
                                         const std::string& pointer,
                                         std::vector<std::string>* told) {
    while (next_ < entries_.size()) {
      const std::string& path = entries_[next_++].path;
      const bool is_newer = pointer.empty() || MetadataVersion(path) > MetadataVersion(pointer);
      if (!is_newer && UriOfPath(path) != pointer) continue;
      const auto state = lake.LoadAt(table_key, UriOfPath(path));
      if (state.ok() && ReadLiveSet(lake, **state).ok()) return *state;
      told->push_back("Metadata file of table " + table_key +
                      " cannot be read and is passed over: " + path);
    }
    return nullptr;
  }

 private:
  std::vector<FileEntry> entries_;
  size_t next_ = 0;
};

class Rebuilder {
 public:
  Rebuilder(Lake& lake, std::string ledger_path, RebuildReport* report)
      : lake_(lake), ledger_path_(std::move(ledger_path)), report_(*report) {}

  arrow::Status Run() {
    ARROW_RETURN_NOT_OK(lake_.ledger().FenceAll(kFencedEpochs));
    ARROW_RETURN_NOT_OK(FindTables());
    ARROW_RETURN_NOT_OK(PassOverWhatNeverCame());
    ARROW_RETURN_NOT_OK(RestoreLostCommits());
    for (const auto& [table_key, found] : tables_) {
      ARROW_RETURN_NOT_OK(RollForward(table_key, found));
    }
    // Leases that the notes brought back are fenced too.
    return lake_.ledger().FenceAll(kFencedEpochs);
  }

 private:
  struct Found {
    std::string pointer;  // In the copy; empty: the copy does not have the table.
    Candidates candidates;
    std::shared_ptr<const TableState> newest;  // Null: no newer one than the pointer.
    CommitChain chain;
  };

  void Say(std::string sentence) { report_.not_rebuilt.push_back(std::move(sentence)); }

  arrow::Status FindTables() {
    ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, lake_.ledger().Catalog());
    ARROW_ASSIGN_OR_RAISE(auto folders, TableFolders(lake_.files(), lake_.options().warehouse));
    for (const auto& [table_key, location] : catalog.metadata_location) {
      ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(location));
      // Another program's table may lie elsewhere.
      folders[table_key] = path.substr(0, path.rfind("/metadata/"));
    }
    for (const auto& [table_key, folder] : folders) {
      const auto pointer = catalog.metadata_location.find(table_key);
      Found found{
          .pointer = pointer == catalog.metadata_location.end() ? "" : pointer->second,
          .candidates = Candidates(lake_.files(), folder),
          .newest = nullptr,
          .chain = {},
      };
      ARROW_RETURN_NOT_OK(Choose(table_key, &found));
      if (found.newest == nullptr && !found.pointer.empty()) {
        Say("Metadata of table " + table_key + " is lost, location: " + found.pointer);
      }
      tables_.emplace(table_key, std::move(found));
    }
    return arrow::Status::OK();
  }

  /// Takes the next candidate that is newer than what the copy has, or that itself.
  arrow::Status Choose(const std::string& table_key, Found* found) {
    ARROW_RETURN_NOT_OK(TakeNext(table_key, found));
    if (found->newest == nullptr || TellsOfRecords(found->chain)) return arrow::Status::OK();
    // Of two rivals the one that brought records: a merge can be made again.
    Found rival = *found;
    ARROW_RETURN_NOT_OK(TakeNext(table_key, &rival));
    const bool is_rival =
        rival.newest != nullptr && TellsOfRecords(rival.chain) &&
        MetadataVersion(rival.newest->location) == MetadataVersion(found->newest->location);
    if (is_rival) *found = std::move(rival);
    return arrow::Status::OK();
  }

  arrow::Status TakeNext(const std::string& table_key, Found* found) {
    found->chain = {};
    found->newest = found->candidates.Next(lake_, table_key, found->pointer, &report_.not_rebuilt);
    if (found->newest == nullptr || found->newest->location == found->pointer) {
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(found->chain, ReadCommitChain(lake_, *found->newest));
    return arrow::Status::OK();
  }

  static bool TellsOfRecords(const CommitChain& chain) {
    return !chain.head_tables.empty() ||
           (!chain.notes.empty() && chain.notes.back().plan.id == chain.head_commit_id);
  }

  /// A commit whose program ended between its files and the ledger may be half there, or its
  /// records were read again: its head is passed over in the tables that have it. One that is whole
  /// and that nothing contradicts is taken, whether its answer came or not.
  arrow::Status PassOverWhatNeverCame() {
    ARROW_ASSIGN_OR_RAISE(without_snapshot_, ReadNoteFiles(lake_.files(), lake_.options().warehouse,
                                                           &report_.not_rebuilt));
    for (bool is_changed = true; is_changed;) {
      is_changed = false;
      std::vector<const LostCommit*> all;
      for (const LostCommit& commit : without_snapshot_) all.push_back(&commit);
      for (const auto& [table_key, found] : tables_) {
        for (const LostCommit& commit : found.chain.notes) all.push_back(&commit);
      }
      const std::set<std::string> overruled = OverruledCommits(all);
      for (auto& [table_key, found] : tables_) {
        const bool stands = IsWhole(found.chain) && !overruled.contains(found.chain.head_commit_id);
        if (found.newest == nullptr || stands) continue;
        ARROW_RETURN_NOT_OK(Choose(table_key, &found));
        is_changed = true;
        break;  // What was overruled may have been so by this one.
      }
    }
    return arrow::Status::OK();
  }

  bool IsWhole(const CommitChain& chain) const {
    return std::ranges::all_of(chain.head_tables, [&](const std::string& table_key) {
      const auto other = tables_.find(table_key);
      return other != tables_.end() &&
             other->second.chain.commit_ids.contains(chain.head_commit_id);
    });
  }

  arrow::Status RestoreLostCommits() {
    std::vector<LostCommit> lost = std::move(without_snapshot_);
    for (const auto& [table_key, found] : tables_) {
      lost.insert(lost.end(), found.chain.notes.begin(), found.chain.notes.end());
      if (!found.chain.is_complete) {
        Say("Manifest lists of table " + table_key +
            " are gone: what its commits counted before them stands in no account, and an input "
            "file that they finished is read again");
      }
    }
    ARROW_ASSIGN_OR_RAISE(const RestoredCommits restored,
                          RestoreCommits(ledger_path_, lake_.clock(), lost));
    report_.commits_restored = restored.count;
    if (restored.gaps > 0) {
      Say("Of the commits just before " + std::to_string(restored.gaps) +
          " others no note is left: what they counted stands in no account");
    }
    return arrow::Status::OK();
  }

  arrow::Status RollForward(const std::string& table_key, const Found& found) {
    if (found.newest == nullptr || found.newest->location == found.pointer) {
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(const LiveSet live, ReadLiveSet(lake_, *found.newest));
    WorkQuery query;
    query.table_key = table_key;
    query.live_only = true;
    query.limit = INT64_MAX;
    ARROW_ASSIGN_OR_RAISE(const auto records, lake_.ledger().DataFiles(query));
    ARROW_ASSIGN_OR_RAISE(LiveDifference difference,
                          DifferenceToLedger(lake_, *found.newest, live, records));
    return Commit(*found.newest, found.pointer, std::move(difference));
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
      const auto known = found->positions.find(kLakeConsumer);
      const Position from = known == found->positions.end() ? Position{} : known->second;
      const Position to{.ordinal = ordinal.get<uint64_t>(), .token = from.token};
      if (!(from < to)) continue;
      advances.push_back(
          {.range = {.partition_id = id, .from = from, .to = to}, .consumer = kLakeConsumer});
    }
    return advances;
  }

  Lake& lake_;
  const std::string ledger_path_;
  RebuildReport& report_;
  std::map<std::string, Found> tables_;       // By table key.
  std::vector<LostCommit> without_snapshot_;  // Of the note files.
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
      "There is no copy of the ledger: of its history only what the lake's files tell is there");
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
    ARROW_RETURN_NOT_OK(Rebuilder(*lake, rebuilt, &report).Run());
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
