#include "catchwater/lake/orphans.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 1'000;
constexpr int kDepthMax = 16;  // Links may lead in a circle.
constexpr int64_t kStaleRunUs = 86'400'000'000;

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Paths of the folder metadata/ that the table refers to now.
arrow::Result<std::set<std::string>> ReachableMetadata(Lake& lake, const TableState& table) {
  std::set<std::string> reachable;
  auto add = [&reachable](const std::string& uri) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(uri));
    reachable.insert(std::move(path));
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(add(table.location));
  for (const MetadataLogEntry& entry : table.metadata->metadata_log) {
    ARROW_RETURN_NOT_OK(add(entry.location));
  }
  for (const auto& snapshot : table.metadata->snapshots) {
    ARROW_RETURN_NOT_OK(add(snapshot->manifest_list));
    ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(snapshot->manifest_list));
    for (const ManifestFile& row : *rows) ARROW_RETURN_NOT_OK(add(row.path));
  }
  return reachable;
}

/// Takes out of `candidates` (paths) what an entry of any kept snapshot names.
arrow::Status DropReferred(Lake& lake, const TableState& table, std::set<std::string>* candidates) {
  std::set<std::string> seen;
  for (const auto& snapshot : table.metadata->snapshots) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(snapshot->manifest_list));
    for (const ManifestFile& row : *rows) {
      if (candidates->empty()) return arrow::Status::OK();
      if (!seen.insert(row.path).second) continue;
      const PartitionSpec* spec = table.metadata->SpecById(row.spec_id);
      if (spec == nullptr) return BadData("Manifest has an unknown partition spec: ", row.path);
      ARROW_ASSIGN_OR_RAISE(const auto entries,
                            lake.manifests().Entries(row, table.metadata->schema(), *spec));
      for (const ManifestEntry& entry : *entries) {
        ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(entry.file.path));
        candidates->erase(path);
      }
    }
  }
  return arrow::Status::OK();
}

class OrphanSweep {
 public:
  OrphanSweep(Lake& lake, const DeadEpochs& dead, const OrphanOptions& options,
              const TableState& table)
      : lake_(lake),
        dead_(dead),
        table_(table),
        foreign_before_us_(lake.clock().NowMicros() - options.foreign_age_us) {}

  arrow::Status SweepMetadata(const std::string& folder) {
    ARROW_ASSIGN_OR_RAISE(const auto candidates, List(folder, nullptr));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kOrphanListed));
    if (candidates.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto reachable, ReachableMetadata(lake_, table_));
    std::set<std::string> orphans;
    for (const auto& [path, byte_count] : candidates) {
      if (!reachable.contains(path)) orphans.insert(path);
    }
    return Remove(orphans, candidates);
  }

  arrow::Status SweepData(const std::string& folder, int depth, std::stop_token stop) {
    if (depth > kDepthMax || stop.stop_requested()) return arrow::Status::OK();
    std::vector<std::string> folders;
    ARROW_ASSIGN_OR_RAISE(const auto candidates, List(folder, &folders));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kOrphanListed));
    if (!candidates.empty()) ARROW_RETURN_NOT_OK(SweepFiles(candidates));
    for (const std::string& inner : folders) {
      ARROW_RETURN_NOT_OK(SweepData(inner, depth + 1, stop));
    }
    return arrow::Status::OK();
  }

  const OrphanReport& report() const { return report_; }

 private:
  using Candidates = std::map<std::string, int64_t>;  // Bytes by path.
  using EpochsSoFar = std::map<uint32_t, int64_t>;    // The greatest by hash of the lease.

  /// Files that nobody can commit any more. `folders`: where to put inner folders; may be null.
  arrow::Result<Candidates> List(const std::string& folder, std::vector<std::string>* folders) {
    Candidates candidates;
    auto entries = lake_.files().List(folder);
    if (!entries.ok() && KindOf(entries.status()) == ErrorKind::kNotFound) return candidates;
    ARROW_RETURN_NOT_OK(entries.status());
    // Asked after the listing: who wrote a file that is listed has had its lease by now.
    ARROW_ASSIGN_OR_RAISE(const EpochsSoFar epochs, ReadEpochs());
    for (FileEntry& entry : *entries) {
      if (entry.is_directory) {
        if (folders != nullptr) folders->push_back(std::move(entry.path));
        continue;
      }
      ++report_.files_seen;
      if (MayGo(entry, epochs)) candidates.emplace(std::move(entry.path), entry.byte_count);
    }
    return candidates;
  }

  arrow::Result<EpochsSoFar> ReadEpochs() {
    ARROW_ASSIGN_OR_RAISE(const auto leases, lake_.ledger().Leases());
    EpochsSoFar epochs;
    for (const LeaseRecord& lease : leases) {
      const WriterTag tag = MakeWriterTag(lease.name, lease.epoch);
      int64_t& epoch = epochs[tag.lease_hash];
      epoch = std::max(epoch, tag.epoch);
    }
    return epochs;
  }

  bool MayGo(const FileEntry& entry, const EpochsSoFar& epochs) const {
    const std::string_view name = NameOf(entry.path);
    const bool is_of_a_table =
        name.ends_with(".parquet") || name.ends_with(".avro") || name.ends_with(".metadata.json");
    if (!entry.is_regular || !is_of_a_table) return false;
    if (const auto tag = ReadWriterTag(name)) {
      if (dead_.Contains(*tag)) return true;
      // Alive. Its time says nothing: the clock of the files may be far behind ours. An epoch that
      // the ledger has not come to was given by another ledger.
      const auto found = epochs.find(tag->lease_hash);
      if (found != epochs.end() && tag->epoch <= found->second) return false;
    }
    return entry.modified_us < foreign_before_us_ && !IsStatistics(name);
  }

  /// Statistics files of other programs stand in keys of the metadata that we do not read.
  bool IsStatistics(std::string_view name) const {
    return std::ranges::any_of(table_.metadata->unknown, [name](const auto& item) {
      return item.second.find(name) != std::string::npos;
    });
  }

  /// What the ledger knows is live or goes by the janitor; the rest is looked for in all manifests.
  arrow::Status SweepFiles(const Candidates& candidates) {
    std::vector<std::string> uris;
    for (const auto& [path, byte_count] : candidates) uris.push_back(UriOfPath(path));
    ARROW_ASSIGN_OR_RAISE(const auto unknown, lake_.ledger().UnknownDataFiles(uris));
    std::set<std::string> orphans;
    for (const std::string& uri : unknown) {
      ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(uri));
      orphans.insert(std::move(path));
    }
    if (orphans.empty()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(DropReferred(lake_, table_, &orphans));
    return Remove(orphans, candidates);
  }

  arrow::Status Remove(const std::set<std::string>& orphans, const Candidates& candidates) {
    // What is queued has its grace and goes by the janitor.
    ARROW_ASSIGN_OR_RAISE(const auto queued,
                          lake_.ledger().QueuedUnlinks({orphans.begin(), orphans.end()}));
    const std::set<std::string> is_queued(queued.begin(), queued.end());
    for (const std::string& path : orphans) {
      if (is_queued.contains(path)) continue;
      ARROW_RETURN_NOT_OK(lake_.files().Remove(path));
      ARROW_RETURN_NOT_OK(Reach(FailPoint::kOrphanRemoved));
      ++report_.files_removed;
      report_.bytes_removed += candidates.at(path);
    }
    return arrow::Status::OK();
  }

  Lake& lake_;
  const DeadEpochs& dead_;
  const TableState& table_;
  const int64_t foreign_before_us_;
  OrphanReport report_;
};

}  // namespace

arrow::Result<DeadEpochs> DeadEpochs::Fence(Lake& lake, const std::string& owner) {
  Ledger& ledger = lake.ledger();
  ARROW_ASSIGN_OR_RAISE(const auto before, ledger.Leases());
  for (const LeaseRecord& lease : before) {
    const bool has_expired = !lease.owner.empty() && lease.owner != owner &&
                             lease.expires_us <= lake.clock().NowMicros();
    if (!has_expired) continue;
    ARROW_ASSIGN_OR_RAISE(const auto epoch, ledger.AcquireLease(lease.name, owner, kLeaseMs));
    if (epoch) ARROW_RETURN_NOT_OK(ledger.ReleaseLease(lease.name, *epoch));
  }
  DeadEpochs dead;
  ARROW_ASSIGN_OR_RAISE(const auto leases, ledger.Leases());
  for (const LeaseRecord& lease : leases) {
    const WriterTag tag = MakeWriterTag(lease.name, lease.epoch);
    // Two names may share a hash: then only what is dead for both is dead.
    const auto [found, is_new] = dead.alive_from_.emplace(tag.lease_hash, tag.epoch);
    if (!is_new) found->second = std::min(found->second, tag.epoch);
  }
  return dead;
}

bool DeadEpochs::Contains(const WriterTag& tag) const {
  if (tag.lease_hash == 0) return false;  // Written without a lease: nothing can fence it.
  const auto found = alive_from_.find(tag.lease_hash);
  return found != alive_from_.end() && tag.epoch < found->second;
}

arrow::Result<OrphanReport> RemoveOrphans(Lake& lake, const DeadEpochs& dead,
                                          const std::string& table_key,
                                          const OrphanOptions& options, std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake.LoadTable(table_key));
  ARROW_ASSIGN_OR_RAISE(const std::string folder, PathOfUri(table->metadata->location));
  OrphanSweep sweep(lake, dead, options, *table);
  ARROW_RETURN_NOT_OK(sweep.SweepMetadata(folder + "/metadata"));
  ARROW_RETURN_NOT_OK(sweep.SweepData(folder + "/data", /*depth=*/0, stop));
  return sweep.report();
}

arrow::Status RemoveStaleRuns(Files& files, const Clock& clock, const std::string& spill_folder) {
  auto entries = files.List(spill_folder);
  if (!entries.ok() && KindOf(entries.status()) == ErrorKind::kNotFound) {
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(entries.status());
  for (const FileEntry& entry : *entries) {
    const std::string_view name = NameOf(entry.path);
    const bool is_stale = name.starts_with("run-") && name.ends_with(".arrow") &&
                          entry.modified_us < clock.NowMicros() - kStaleRunUs;
    if (is_stale) ARROW_RETURN_NOT_OK(files.Remove(entry.path));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
