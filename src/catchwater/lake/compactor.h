/// \file
/// Merges small data files: the work files of a table. No second system, appends are never blocked.
///
///   to_process -> processing (under the lease compact/<table>) -> done, in the commit of the merge
///   a failed attempt: back to to_process with reason and back-off, after 3 attempts failed
///
/// A merge that loses the pointer to an append is put on top of it; its data file stays.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/merge_plan.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

struct CompactionReport {
  int64_t merges = 0;
  int64_t files_in = 0;
  int64_t files_out = 0;
  int64_t rows = 0;
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;
  int64_t failures = 0;
  bool is_disk_full = false;  ///< So the rest was left: the files stay work, no attempt is counted.
  std::vector<int64_t> waits_us;   ///< Of each merged file: from its commit to the claim.
  std::vector<int64_t> merges_us;  ///< Of each merge: from the claim to its commit.

  void Merge(const CompactionReport& other);
};

/// One thread at a time.
class Compactor {
 public:
  /// owner: of the lease; spill_folder: for what does not fit into memory_bytes_max.
  Compactor(Lake& lake, std::string owner, std::string spill_folder);

  /// Merges everything that is due now. A merge that fails is noted in the ledger; the others go
  /// on. Takes over files of a worker that was killed, after its lease. Does nothing if another
  /// worker has the lease, and writes nothing if nothing is due.
  /// \retval kCommitUnknown if the ledger could not even settle a merge
  arrow::Result<CompactionReport> Run(const CompactionPolicy& policy, std::stop_token stop);

 private:
  arrow::Result<std::vector<MergeGroup>> Plan(const CompactionPolicy& policy);
  arrow::Result<bool> HasCrashed(const std::string& table_key);
  arrow::Result<bool> HasRowDeletes(const std::string& table_key);
  arrow::Status RunUnder(const Fence& fence, const CompactionPolicy& policy, std::stop_token stop,
                         CompactionReport* report);
  arrow::Status Merge(const CompactionPolicy& policy, const MergeGroup& group, const Fence& fence,
                      CompactionReport* report);
  arrow::Result<std::vector<WrittenFile>> WriteMerged(const CompactionPolicy& policy,
                                                      const MergeGroup& group, const Fence& fence);
  arrow::Status CommitMerge(const MergeGroup& group, const Fence& fence,
                            const std::string& table_key, const std::vector<WrittenFile>& written,
                            int64_t claimed_us);
  arrow::Status KeepLease(const Fence& fence);

  Lake& lake_;
  const std::string owner_;
  const std::string spill_folder_;
  int64_t renewed_us_ = 0;  // When the lease was last renewed.
};

}  // namespace catchwater
