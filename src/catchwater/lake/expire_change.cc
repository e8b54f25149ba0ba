#include "catchwater/lake/expire_change.h"

#include <algorithm>
#include <set>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/evolve.h"
#include "catchwater/lake/snapshot_ladder.h"

namespace catchwater {
namespace {

/// Manifests of the removed snapshots that no kept one refers to. Looks at all kept lists, so it is
/// right for branches and roll-backs too.
arrow::Result<std::set<std::string>> UnreferencedManifests(Lake& lake, const LadderSplit& split) {
  std::set<std::string> candidates;
  for (const auto& snapshot : split.removed) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(snapshot->manifest_list));
    for (const ManifestFile& row : *rows) candidates.insert(row.path);
  }
  for (const auto& snapshot : split.kept) {
    if (candidates.empty()) break;
    ARROW_ASSIGN_OR_RAISE(const auto rows, lake.manifests().List(snapshot->manifest_list));
    for (const ManifestFile& row : *rows) candidates.erase(row.path);
  }
  return candidates;
}

}  // namespace

arrow::Result<std::optional<PreparedChange>> ExpireChange::Prepare(
    const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) {
  removed_count_ = 0;
  if (base == nullptr) return NotFound("Table does not exist: ", table_key_);
  LadderSplit split =
      SplitByLadder(*base->metadata, lake_.options().ladder, stamp.now_us / 1000, removed_max_);
  if (split.removed.empty()) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(std::set<std::string> gone_uris, UnreferencedManifests(lake_, split));
  std::set<int64_t> gone_ids;
  std::set<std::string> lists;
  for (const auto& snapshot : split.removed) {
    gone_ids.insert(snapshot->snapshot_id);
    gone_uris.insert(snapshot->manifest_list);
    lists.insert(snapshot->manifest_list);
  }

  TableMetadata next = *base->metadata;
  next.last_updated_ms = std::max(stamp.now_us / 1000, next.last_updated_ms);
  next.snapshots = std::move(split.kept);
  std::erase_if(next.snapshot_log, [&gone_ids](const SnapshotLogEntry& entry) {
    return gone_ids.contains(entry.snapshot_id);
  });
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        WriteNextMetadata(lake_, table_key_, base, std::move(next), stamp));
  prepared.swap.operation = "metadata";
  for (const std::string& uri : gone_uris) {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(uri));
    prepared.superseded.push_back(
        {.path = std::move(path),
         .table_key = table_key_,
         .not_before_us =
             stamp.now_us + (lists.contains(uri)
                                 ? std::max(lake_.options().unlink_grace_us, kNotesKeptUs)
                                 : lake_.options().unlink_grace_us)});
  }
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kExpireMetadataWritten));
  removed_count_ = static_cast<int64_t>(gone_ids.size());
  return prepared;
}

}  // namespace catchwater
