#include "catchwater/lake/snapshot_ladder.h"

#include <algorithm>
#include <limits>
#include <set>

namespace catchwater {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

/// The rung that a snapshot stands on: of each (unit, number) only the youngest stays. unit 0: its
/// own rung; -1: too old.
struct Rung {
  int64_t unit = 0;
  int64_t number = 0;
  bool operator==(const Rung&) const = default;
};

Rung RungOf(const SnapshotLadder& ladder, int64_t timestamp_ms, int64_t now_ms) {
  const int64_t age_ms = now_ms - timestamp_ms;
  if (age_ms <= ladder.all_ms) return {.unit = 0};
  if (age_ms <= ladder.by_minute_ms) return {.unit = kMinuteMs, .number = timestamp_ms / kMinuteMs};
  if (age_ms <= ladder.by_hour_ms) return {.unit = kHourMs, .number = timestamp_ms / kHourMs};
  return {.unit = -1};
}

}  // namespace

LadderSplit SplitByLadder(const TableMetadata& metadata, const SnapshotLadder& ladder,
                          int64_t now_ms, int64_t removed_max) {
  std::set<int64_t> named;
  for (const auto& [name, ref] : metadata.refs) named.insert(ref.snapshot_id);
  if (metadata.current_snapshot_id) named.insert(*metadata.current_snapshot_id);

  std::vector<bool> is_kept(metadata.snapshots.size());
  Rung last{.unit = -2, .number = kNever};
  int64_t kept_count = 0;
  // Youngest first, so that the first of a rung is the one that stays.
  for (size_t i = metadata.snapshots.size(); i > 0; --i) {
    const Snapshot& snapshot = *metadata.snapshots[i - 1];
    const Rung rung = RungOf(ladder, snapshot.timestamp_ms, now_ms);
    const bool is_first = rung.unit == 0 || (rung.unit > 0 && !(rung == last));
    const bool has_room = kept_count < ladder.count_max;
    is_kept[i - 1] = named.contains(snapshot.snapshot_id) || (is_first && has_room);
    if (is_kept[i - 1]) ++kept_count;
    last = rung;
  }
  LadderSplit split;
  for (size_t i = 0; i < is_kept.size(); ++i) {
    const bool is_full = static_cast<int64_t>(split.removed.size()) >= removed_max;
    (is_kept[i] || is_full ? split.kept : split.removed).push_back(metadata.snapshots[i]);
  }
  return split;
}

bool IsLinearHistory(const TableMetadata& metadata) {
  for (const auto& [name, ref] : metadata.refs) {
    if (ref.is_branch && name != "main") return false;
  }
  std::set<int64_t> logged;
  for (const SnapshotLogEntry& entry : metadata.snapshot_log) {
    if (!logged.insert(entry.snapshot_id).second) return false;  // Current twice: a roll-back.
  }
  int64_t sequence_number = -1;
  for (const auto& snapshot : metadata.snapshots) {
    // Staged or abandoned snapshots were never current.
    if (!logged.contains(snapshot->snapshot_id)) return false;
    if (snapshot->sequence_number < sequence_number) return false;
    sequence_number = snapshot->sequence_number;
  }
  return true;
}

}  // namespace catchwater
