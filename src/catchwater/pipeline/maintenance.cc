#include "catchwater/pipeline/maintenance.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/foreign_watch.h"
#include "catchwater/lake/ledger_copies.h"
#include "catchwater/lake/orphans.h"
#include "catchwater/lake/retention.h"
#include "catchwater/raw/raw_folder.h"

namespace catchwater {
namespace {

/// Merges of merged files at the end of a run: each round leaves a fraction of the files.
constexpr int kLastRoundsMax = 8;

}  // namespace

Maintenance::Maintenance(Lake& lake, std::vector<std::shared_ptr<const PipelinePlan>> plans,
                         MaintenanceOptions options)
    : lake_(lake),
      options_(std::move(options)),
      compactor_(lake, options_.owner, options_.spill_folder),
      janitor_(lake, options_.owner) {
  SetPlans(plans);
}

void Maintenance::SetPlans(const std::vector<std::shared_ptr<const PipelinePlan>>& plans) {
  settings_.clear();
  raw_retain_ms_.clear();
  for (const auto& plan : plans) {
    if (plan->keep_raw && plan->keep_raw->retain_ms) {
      raw_retain_ms_[plan->keep_raw->folder] = *plan->keep_raw->retain_ms;
    }
    if (!plan->lake) continue;
    const LakePlan& wanted = *plan->lake;
    std::vector<std::string> table_keys = {wanted.table.table_key, wanted.dead_letters.table_key};
    for (const StreamPlan& stream : plan->streams) {
      table_keys.insert(table_keys.end(), stream.tables.begin(), stream.tables.end());
    }
    if (plan->app_metrics) table_keys.push_back(plan->app_metrics->table_key);
    for (const std::string& table_key : table_keys) {
      Settings& settings = settings_[table_key];
      if (!wanted.is_compacted) continue;
      settings.compaction = CompactionPolicy{.table_key = table_key,
                                             .min_files = wanted.compact_min_files,
                                             .max_age_ms = wanted.compact_max_age_ms,
                                             .target_file_bytes = wanted.target_file_bytes,
                                             .memory_bytes_max = options_.sort_bytes_max};
    }
    settings_[wanted.table.table_key].retain_ms = wanted.retain_ms;
    if (plan->app_metrics) {
      settings_[plan->app_metrics->table_key].retain_ms = plan->app_metrics->retain_ms;
    }
  }
}

bool Maintenance::IsDue(Last* last, int64_t every_us) const {
  const int64_t now_us = lake_.clock().MonotonicMicros();
  if (*last && now_us - **last < every_us) return false;
  *last = now_us;
  return true;
}

void Maintenance::Note(const arrow::Status& status) {
  if (status.ok()) return;
  if (first_failure_.ok()) first_failure_ = status;
  if (options_.telemetry != nullptr) {
    options_.telemetry->log.Warning("maintenance.failed", {{"reason", status}});
  }
  const std::lock_guard lock(mutex_);
  ++report_.failures;
}

arrow::Status Maintenance::RunOnce(std::stop_token stop, bool is_last) {
  first_failure_ = arrow::Status::OK();
  Note(ReadForeign());
  const auto catalog = lake_.ledger().Catalog();
  Note(catalog.status());
  if (!catalog.ok()) return first_failure_;
  const auto sweeps = OrphansAreDue();
  Note(sweeps.status());
  if (sweeps.ok() && *sweeps) {
    // A sweep may take manifest lists, whose notes a copy must have.
    const arrow::Status copied = CopyLedger();
    Note(copied);
    if (copied.ok()) Note(RemoveOrphanFiles(*catalog, stop));
  }
  for (const auto& [table_key, location] : catalog->metadata_location) {
    if (stop.stop_requested()) return first_failure_;
    KeepTable(table_key, location, is_last, stop);
  }
  // The round before the last may have been stopped in the middle of what it called done.
  if (is_last || IsDue(&raw_us_, options_.upkeep_every_us)) Note(RemoveExpiredRaw(stop));
  const arrow::Status kept = KeepLedger(catalog->seq, is_last);
  Note(kept);
  // Manifest lists hold notes that a copy of the ledger must have first.
  if (kept.ok()) Note(Unlink(stop));
  return first_failure_;
}

void Maintenance::RunUntil(std::stop_token stop) {
  do {
    // What failed is counted, in the ledger with its reason where it is a merge, and tried again.
    static_cast<void>(RunOnce(stop));
  } while (lake_.clock().SleepMicros(options_.interval_us, stop));
}

void Maintenance::KeepTable(const std::string& table_key, const std::string& location, bool is_last,
                            std::stop_token stop) {
  const auto settings = settings_.find(table_key);
  if (settings == settings_.end()) return;
  TableUpkeep& upkeep = upkeep_[table_key];
  if (settings->second.compaction) {
    // A table that did not change becomes due by age only.
    const bool is_changed = upkeep.compacted_location != location;
    // A full disk is not filled to its last byte over and over.
    const bool is_soon = (is_changed && !upkeep.is_disk_full) || is_last;
    const bool is_due = IsDue(&upkeep.compacted_us, is_soon ? 0 : options_.upkeep_every_us);
    if (is_due) {
      const arrow::Status status = Compact(*settings->second.compaction, is_last, stop);
      Note(status);
      // Files that wait to be gathered are looked at again in the next rounds.
      if (status.ok()) upkeep.compacted_location = location;
    }
  }
  if (is_last || IsDue(&upkeep.upkept_us, options_.upkeep_every_us)) Note(Upkeep(table_key, stop));
}

arrow::Status Maintenance::Compact(CompactionPolicy policy, bool is_last, std::stop_token stop) {
  policy.is_last = is_last;
  const int rounds_max = is_last ? kLastRoundsMax : 1;
  for (int round = 0; round < rounds_max; ++round) {
    ARROW_ASSIGN_OR_RAISE(const CompactionReport done, compactor_.Run(policy, stop));
    {
      const std::lock_guard lock(mutex_);
      report_.compaction.Merge(done);
    }
    TellMerges(policy.table_key, done);
    upkeep_[policy.table_key].is_disk_full = done.is_disk_full;
    if (done.merges == 0) break;
  }
  return arrow::Status::OK();
}

void Maintenance::TellMerges(const std::string& table_key, const CompactionReport& done) const {
  if (options_.telemetry == nullptr || done.merges + done.failures == 0) return;
  Metrics& metrics = options_.telemetry->metrics;
  metrics.counter(Metric::kCompactions, {table_key, "done"}).Add(done.merges);
  if (done.failures > 0) {
    metrics.counter(Metric::kCompactions, {table_key, "failed"}).Add(done.failures);
    if (done.is_disk_full) metrics.counter(Metric::kDiskFull).Add();
    options_.telemetry->log.Warning("compaction.failed",
                                    {{"object", table_key}, {"merges", done.failures}});
  }
  metrics.counter(Metric::kCompactedBytes, {table_key}).Add(done.bytes_in);
  metrics.counter(Metric::kDataFilesWritten, {table_key, "replace"}).Add(done.files_out);
  metrics.counter(Metric::kDataBytesWritten, {table_key, "replace"}).Add(done.bytes_out);
  for (const int64_t merge_us : done.merges_us) {
    metrics.histogram(Metric::kCompactionSeconds, {table_key}).Record(merge_us);
  }
}

arrow::Status Maintenance::Upkeep(const std::string& table_key, std::stop_token stop) {
  if (const auto retain_ms = settings_.at(table_key).retain_ms) {
    ARROW_ASSIGN_OR_RAISE(const RetentionReport retired,
                          RemoveExpiredFiles(lake_, options_.owner, table_key, *retain_ms, stop));
    const std::lock_guard lock(mutex_);
    report_.files_retired += retired.files_removed;
    report_.rows_retired += retired.rows_removed;
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t expired, janitor_.ExpireSnapshots(table_key));
  {
    const std::lock_guard lock(mutex_);
    report_.snapshots_expired += expired;
  }
  return janitor_.QueueRemoved(table_key).status();
}

arrow::Status Maintenance::ReadForeign() {
  ARROW_ASSIGN_OR_RAISE(const ForeignReport read, ReadForeignCommits(lake_));
  const std::lock_guard lock(mutex_);
  report_.foreign_commits += read.commits;
  return arrow::Status::OK();
}

arrow::Status Maintenance::Unlink(std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const UnlinkReport unlinked, janitor_.UnlinkDue(stop));
  const std::lock_guard lock(mutex_);
  report_.files_unlinked += unlinked.removed;
  return arrow::Status::OK();
}

arrow::Status Maintenance::RemoveExpiredRaw(std::stop_token stop) {
  for (const auto& [folder, retain_ms] : raw_retain_ms_) {
    const int64_t ended_us_below = lake_.clock().NowMicros() - retain_ms * 1000;
    ARROW_ASSIGN_OR_RAISE(const int64_t removed,
                          RawFolder(folder, lake_.files()).RemoveExpired(ended_us_below, stop));
    const std::lock_guard lock(mutex_);
    report_.raw_files_removed += removed;
  }
  return arrow::Status::OK();
}

arrow::Result<bool> Maintenance::OrphansAreDue() {
  if (IsDue(&orphans_us_, options_.orphans_every_us)) return true;
  if (waited_for_.empty()) return false;
  ARROW_ASSIGN_OR_RAISE(const auto leases, lake_.ledger().Leases());
  for (const LeaseRecord& lease : leases) {
    for (const Fence& waited : waited_for_) {
      const bool is_dead =
          lease.name == waited.lease &&
          (lease.epoch != waited.epoch || lease.expires_us <= lake_.clock().NowMicros());
      if (is_dead) return true;
    }
  }
  return false;
}

arrow::Status Maintenance::RemoveOrphanFiles(const CatalogView& catalog, std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const DeadEpochs dead, DeadEpochs::Fence(lake_, options_.owner));
  waited_for_.clear();
  ARROW_ASSIGN_OR_RAISE(const auto leases, lake_.ledger().Leases());
  for (const LeaseRecord& lease : leases) {
    if (lease.owner.empty() || lease.owner == options_.owner) continue;
    waited_for_.push_back({.lease = lease.name, .epoch = lease.epoch});
  }
  arrow::Status first;
  for (const auto& [table_key, location] : catalog.metadata_location) {
    if (!settings_.contains(table_key)) continue;
    const auto removed = RemoveOrphans(lake_, dead, table_key, {}, stop);
    if (first.ok()) first = removed.status();
    if (!removed.ok()) continue;
    const std::lock_guard lock(mutex_);
    report_.orphans_removed += removed->files_removed;
  }
  const arrow::Status runs = RemoveStaleRuns(lake_.files(), lake_.clock(), options_.spill_folder);
  return first.ok() ? runs : first;
}

arrow::Status Maintenance::KeepLedger(int64_t seq, bool is_last) {
  if (seq != checkpointed_seq_) {
    ARROW_RETURN_NOT_OK(lake_.ledger().CheckpointWal());
    checkpointed_seq_ = seq;
  }
  if (is_last || IsDue(&copied_us_, options_.copy_every_us)) {
    const arrow::Status copied = CopyLedger();
    if (!copied.ok()) copied_us_.reset();  // Again in the next round.
    ARROW_RETURN_NOT_OK(copied);
  }
  if (!IsDue(&pruned_us_, options_.prune_every_us)) return arrow::Status::OK();
  return lake_.ledger().Prune(lake_.clock().NowMicros() - options_.history_kept_us);
}

arrow::Status Maintenance::CopyLedger() {
  if (copied_seq_ < 0) {
    ARROW_ASSIGN_OR_RAISE(copied_seq_,
                          NewestCopySeq(lake_.files(), lake_.clock(), lake_.options().warehouse));
  }
  ARROW_ASSIGN_OR_RAISE(const CatalogView now, lake_.ledger().Catalog());
  if (now.seq == copied_seq_) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(TakeLedgerCopy(lake_.files(), lake_.ledger(), lake_.options().warehouse,
                                     options_.spill_folder, lake_.clock().NowMicros())
                          .status());
  copied_seq_ = now.seq;
  const std::lock_guard lock(mutex_);
  ++report_.ledger_copies;
  return arrow::Status::OK();
}

CompactionReport Maintenance::Report() const {
  const std::lock_guard lock(mutex_);
  return report_.compaction;
}

MaintenanceReport Maintenance::FullReport() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace catchwater
