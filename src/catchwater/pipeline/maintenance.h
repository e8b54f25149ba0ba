/// \file
/// Keeps tables in shape beside the pipelines: reads foreign commits, merges small files, removes
/// what expired and what a crash left behind, copies the ledger. Tables that no pipeline of the
/// project writes belong to others: of those only foreign commits are read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/compactor.h"
#include "catchwater/lake/janitor.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {

struct MaintenanceOptions {
  int64_t interval_us = 5'000'000;
  int64_t upkeep_every_us = 60'000'000;      ///< Retention, expiry, clean-up of removed files.
  int64_t orphans_every_us = 3'600'000'000;  ///< And at the start.
  int64_t copy_every_us = 600'000'000;       ///< Of the ledger, if it changed. And at the start.
  int64_t prune_every_us = 86'400'000'000;
  int64_t history_kept_us = 30LL * 86'400'000'000;  ///< In the ledger: feed, log, finished inputs.
  int64_t sort_bytes_max = 96LL << 20;              ///< Of a merge: more is sorted on disk.
  std::string owner;
  std::string spill_folder;
  Telemetry* telemetry = nullptr;  ///< Null: nothing is told.
};

/// What it did since the start, for status and metrics.
struct MaintenanceReport {
  CompactionReport compaction;
  int64_t foreign_commits = 0;
  int64_t files_retired = 0;  ///< By retention; with their rows:
  int64_t rows_retired = 0;
  int64_t snapshots_expired = 0;
  int64_t files_unlinked = 0;
  int64_t orphans_removed = 0;
  int64_t ledger_copies = 0;
  int64_t raw_files_removed = 0;  ///< By `keep_raw_retain`.
  int64_t failures = 0;
};

/// RunOnce, RunUntil: one thread at a time. The reports: any thread.
class Maintenance {
 public:
  Maintenance(Lake& lake, std::vector<std::shared_ptr<const PipelinePlan>> plans,
              MaintenanceOptions options);

  /// Goes on for these pipelines; nobody may be in RunOnce or RunUntil.
  void SetPlans(const std::vector<std::shared_ptr<const PipelinePlan>>& plans);

  /// Does everything that is due; one query or two if nothing is. A table that fails does not stop
  /// the others. is_last: nothing more will come for now, so small files need not wait for more,
  /// and the ledger is copied if it changed.
  /// \return the first failure
  arrow::Status RunOnce(std::stop_token stop, bool is_last = false);
  /// Calls RunOnce every interval until a stop.
  void RunUntil(std::stop_token stop);

  /// Copies the ledger into the lake if anything was committed since the newest copy.
  arrow::Status CopyLedger();

  CompactionReport Report() const;
  MaintenanceReport FullReport() const;

 private:
  /// When a kind of work was last done; nullopt: never.
  using Last = std::optional<int64_t>;
  struct TableUpkeep {
    std::string compacted_location;  // Metadata when compaction last found nothing more to do.
    Last compacted_us;
    bool is_disk_full = false;  // So was the last merge's end.
    Last upkept_us;
  };
  struct Settings {
    std::optional<CompactionPolicy> compaction;
    std::optional<int64_t> retain_ms;
  };

  bool IsDue(Last* last, int64_t every_us) const;
  void KeepTable(const std::string& table_key, const std::string& location, bool is_last,
                 std::stop_token stop);
  arrow::Status Compact(CompactionPolicy policy, bool is_last, std::stop_token stop);
  arrow::Status Upkeep(const std::string& table_key, std::stop_token stop);
  arrow::Status ReadForeign();
  arrow::Status Unlink(std::stop_token stop);
  arrow::Result<bool> OrphansAreDue();
  arrow::Status RemoveOrphanFiles(const CatalogView& catalog, std::stop_token stop);
  arrow::Status RemoveExpiredRaw(std::stop_token stop);
  arrow::Status KeepLedger(int64_t seq, bool is_last);
  void Note(const arrow::Status& status);
  void TellMerges(const std::string& table_key, const CompactionReport& done) const;

  Lake& lake_;
  const MaintenanceOptions options_;
  std::map<std::string, Settings> settings_;  // By table key.
  Compactor compactor_;
  Janitor janitor_;
  std::map<std::string, TableUpkeep> upkeep_;     // By table key.
  std::map<std::string, int64_t> raw_retain_ms_;  // By folder.
  Last raw_us_, orphans_us_, copied_us_, pruned_us_;
  /// Leases that another process held at the last sweep for orphans: it may be dead by now.
  std::vector<Fence> waited_for_;
  int64_t checkpointed_seq_ = -1;
  int64_t copied_seq_ = -1;      // Of the newest copy; -1: not looked for yet.
  arrow::Status first_failure_;  // Of this round.
  mutable std::mutex mutex_;
  MaintenanceReport report_;  // Guarded by mutex_.
};

}  // namespace catchwater
