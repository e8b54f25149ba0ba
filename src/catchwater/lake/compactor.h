/// \file
/// Merges small data files: the work files of a table. No second system, appends are never blocked.
///
///   to_process -> processing (under the lease compact/<table>) -> done, in the commit of the merge
///   a failed attempt: back to to_process with reason and back-off, after 3 attempts failed
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

struct CompactionPolicy {
  std::string table_key;
  int64_t min_files = 5;
  int64_t max_age_ms = 600'000;
  int64_t target_file_bytes = 128LL << 20;
  int64_t files_max = 64;                 ///< In one merge.
  int64_t memory_bytes_max = 96LL << 20;  ///< For sorting.
};

/// Small files of one partition and size tier that are due together.
struct MergeGroup {
  std::string partition_key;
  int tier = 0;
  std::vector<DataFileRecord> files;
};

/// Chooses what to merge from the pending files of a table, oldest groups first. Pure.
std::vector<MergeGroup> PlanMerges(std::vector<DataFileRecord> pending,
                                   const CompactionPolicy& policy, int64_t now_us);

struct CompactionReport {
  int64_t merges = 0;
  int64_t files_in = 0;
  int64_t files_out = 0;
  int64_t rows = 0;
  int64_t bytes_in = 0;
  int64_t failures = 0;
  std::vector<int64_t> waits_us;   ///< Of each merged file: from its commit to the claim.
  std::vector<int64_t> merges_us;  ///< Of each merge: from the claim to its commit.

  void Merge(const CompactionReport& other);
};

/// One thread at a time.
class Compactor {
 public:
  Compactor(Lake& lake, std::string owner, std::string spill_folder);

  /// Merges everything that is due now. A merge that fails is noted in the ledger; the others go
  /// on. Does nothing if another worker has the lease.
  arrow::Result<CompactionReport> Run(const CompactionPolicy& policy, std::stop_token stop);

 private:
  arrow::Status Merge(const CompactionPolicy& policy, const MergeGroup& group, const Fence& fence,
                      CompactionReport* report);
  arrow::Result<std::vector<WrittenFile>> WriteMerged(const CompactionPolicy& policy,
                                                      const TableState& table,
                                                      const MergeGroup& group,
                                                      const Fence& fence);
  arrow::Status CommitMerge(const MergeGroup& group, const Fence& fence,
                            const std::string& table_key, std::vector<WrittenFile> written,
                            int64_t claimed_us);

  Lake& lake_;
  const std::string owner_;
  const std::string spill_folder_;
};

}  // namespace catchwater
