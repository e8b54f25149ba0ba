#include "catchwater/lake/janitor.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/expire_change.h"
#include "catchwater/lake/live_set.h"
#include "catchwater/lake/snapshot_ladder.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

constexpr int64_t kSnapshotsPerCommit = 256;
constexpr int64_t kPage = 500;
constexpr int64_t kUnlinksAtOnce = 256;
/// A table that is appended to expires its snapshots in appends.
constexpr int64_t kRestUs = 60'000'000;
constexpr int64_t kPostponeUs = 3'600'000'000;

/// Which data files the kept snapshots refer to, by the sequence of commits.
///
/// A file is in the snapshots of the commits [added, removed). A snapshot that the ledger cannot
/// place (its commit is pruned, or of another program and not read yet) may hold any file that was
/// added before the next snapshot that it can place.
class KeptSnapshots {
 public:
  static arrow::Result<KeptSnapshots> Make(Ledger& ledger, const TableState& table) {
    KeptSnapshots kept;
    std::vector<int64_t> ids;
    for (const auto& snapshot : table.metadata->snapshots) ids.push_back(snapshot->snapshot_id);
    ARROW_ASSIGN_OR_RAISE(const auto seqs, ledger.SnapshotSeqs(table.table_key, ids));
    std::map<int64_t, int64_t> first_seq;
    for (const auto& [snapshot_id, seq] : seqs) {
      kept.seqs_.push_back(seq);
      const auto [found, is_new] = first_seq.emplace(snapshot_id, seq);
      if (!is_new) found->second = std::min(found->second, seq);
    }
    std::ranges::sort(kept.seqs_);

    auto by_age = table.metadata->snapshots;
    std::ranges::sort(by_age, std::ranges::greater(),
                      [](const auto& snapshot) { return snapshot->sequence_number; });
    int64_t next_seq = std::numeric_limits<int64_t>::max();
    for (const auto& snapshot : by_age) {
      const auto found = first_seq.find(snapshot->snapshot_id);
      if (found == first_seq.end()) {
        kept.unplaced_below_ = std::max(kept.unplaced_below_, next_seq);
      } else {
        next_seq = found->second;
      }
    }
    return kept;
  }

  bool MayReferTo(const DataFileRecord& file) const {
    if (file.added_seq < unplaced_below_) return true;
    const auto next = std::ranges::lower_bound(seqs_, file.added_seq);
    return next != seqs_.end() && *next < file.removed_seq.value_or(0);
  }

 private:
  std::vector<int64_t> seqs_;  // Ascending.
  int64_t unplaced_below_ = 0;
};

}  // namespace

arrow::Result<bool> Janitor::HasExpired(const std::string& table_key) {
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  const LadderSplit split = SplitByLadder(*table->metadata, lake_.options().ladder,
                                          lake_.clock().NowMicros() / 1000, /*removed_max=*/1);
  return !split.removed.empty();
}

arrow::Result<int64_t> Janitor::ExpireSnapshots(const std::string& table_key) {
  int64_t expired = 0;
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  const int64_t rested_us = lake_.clock().NowMicros() - table->metadata->last_updated_ms * 1000;
  if (rested_us < kRestUs) return expired;
  ARROW_ASSIGN_OR_RAISE(bool has_expired, HasExpired(table_key));
  if (!has_expired) return expired;
  ARROW_ASSIGN_OR_RAISE(const auto lease, UpkeepLease::Take(lake_, table_key, owner_));
  while (lease && has_expired) {
    ExpireChange change(lake_, table_key, kSnapshotsPerCommit);
    ARROW_RETURN_NOT_OK(CommitUpkeep(lake_, change, lease->fence()));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kExpireCommitted));
    expired += change.removed_count();
    ARROW_ASSIGN_OR_RAISE(has_expired, HasExpired(table_key));
  }
  return expired;
}

arrow::Result<int64_t> Janitor::QueueRemoved(const std::string& table_key) {
  // The table is loaded first: what it keeps now it may keep longer, but nothing comes back.
  ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
  ARROW_ASSIGN_OR_RAISE(const auto kept, KeptSnapshots::Make(lake_.ledger(), *table));
  const int64_t not_before_us = lake_.clock().NowMicros() + lake_.options().unlink_grace_us;
  int64_t queued = 0;
  RemovedCursor cursor;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto page,
                          lake_.ledger().RemovedDataFiles(table_key, cursor, kPage));
    if (page.empty()) return queued;
    std::vector<UnlinkRecord> unlinks;
    for (const DataFileRecord& file : page) {
      if (kept.MayReferTo(file)) continue;
      if (!IsOwnFile(*table, file.file.path)) continue;
      ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(file.file.path));
      unlinks.push_back({.path = std::move(path),
                         .table_key = table_key,
                         .not_before_us = not_before_us,
                         .data_file_id = file.id});
    }
    if (!unlinks.empty()) ARROW_RETURN_NOT_OK(lake_.ledger().QueueUnlink(unlinks));
    queued += static_cast<int64_t>(unlinks.size());
    cursor = {.removed_seq = page.back().removed_seq.value_or(0), .id = page.back().id};
  }
}

arrow::Result<UnlinkReport> Janitor::UnlinkDue(std::stop_token stop) {
  UnlinkReport report;
  while (!stop.stop_requested()) {
    ARROW_ASSIGN_OR_RAISE(const auto due, lake_.ledger().DueUnlinks(kUnlinksAtOnce));
    if (due.empty()) break;
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kUnlinkBegin));
    std::vector<std::string> removed;
    std::vector<UnlinkRecord> postponed;
    for (const UnlinkRecord& file : due) {
      // One that is gone already is removed as well: the program ended before it could say so.
      if (lake_.files().Remove(file.path).ok()) {
        removed.push_back(file.path);
        ARROW_RETURN_NOT_OK(Reach(FailPoint::kUnlinkFileRemoved));
      } else {
        postponed.push_back(file);
        postponed.back().not_before_us = lake_.clock().NowMicros() + kPostponeUs;
      }
    }
    ARROW_RETURN_NOT_OK(lake_.ledger().RemoveUnlinks(removed));
    ARROW_RETURN_NOT_OK(lake_.ledger().QueueUnlink(postponed));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kUnlinkRecorded));
    report.removed += static_cast<int64_t>(removed.size());
    report.postponed += static_cast<int64_t>(postponed.size());
  }
  return report;
}

}  // namespace catchwater
