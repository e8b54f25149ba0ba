/// \file
/// Which small data files are merged, and when. Pure: from the pending files, the policy and the
/// time.
///
/// Files that an append made wait until `min_files` of a size tier are pending in a partition, and
/// where they come quickly for `gather_ms` more, or until the oldest is older than `max_age_ms`.
/// Files that a merge made wait until `fan_out` of a tier, or the target size, have come together:
/// so a byte is rewritten about log_fan_out(files) times, whatever the files' size. A partition
/// that nothing came to for `max_age_ms` is merged over all tiers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/ledger/records.h"

namespace catchwater {

struct CompactionPolicy {
  std::string table_key;
  int64_t min_files = 5;
  int64_t max_age_ms = 600'000;
  int64_t target_file_bytes = 128LL << 20;
  int64_t gather_ms = 60'000;  ///< At a commit a second a merge then takes 60 files, not 5.
  int64_t fan_out = 48;        ///< 60 x 48 x 48 is more than the seconds of a day: 3 rewrites.
  int64_t files_max = 64;      ///< In one merge.
  int64_t memory_bytes_max = 96LL << 20;  ///< For sorting.
  /// Nothing more will come for now: partitions with more than two pending files are merged.
  bool is_last = false;
};

/// Small files of one partition that are merged into one or few of the target size.
struct MergeGroup {
  std::string partition_key;
  int tier = 0;  ///< The least of its files'.
  std::vector<DataFileRecord> files;
};

/// Chooses what to merge from the pending files of a table, oldest groups first. A file is in at
/// most one group, a group has at least two.
std::vector<MergeGroup> PlanMerges(std::vector<DataFileRecord> pending,
                                   const CompactionPolicy& policy, int64_t now_us);

}  // namespace catchwater
