/// \file
/// Files in a table's folder that nothing refers to: what a killed writer left behind.
///
/// Invariants:
/// 1. Dead epochs are fenced first. A file of ours goes only if its epoch was dead before the
///    table's pointer was read: no commit can refer to it any more, and none does.
/// 2. A file of a live epoch is never touched, however old it looks: its writer may commit it.
/// 3. A file without a lease, of a lease or an epoch that the ledger does not know, or with a name
///    of another program, is not touched before it is old.
#pragma once

#include <cstdint>
#include <map>
#include <stop_token>
#include <string>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/file_names.h"

namespace catchwater {

struct OrphanOptions {
  int64_t foreign_age_us = 3LL * 86'400'000'000;
};

struct OrphanReport {
  int64_t files_seen = 0;
  int64_t files_removed = 0;
  int64_t bytes_removed = 0;
};

/// Which epochs can commit nothing any more. Immutable.
class DeadEpochs {
 public:
  /// Takes leases that expired away from their owners, so that those epochs are dead.
  static arrow::Result<DeadEpochs> Fence(Lake& lake, const std::string& owner);
  bool Contains(const WriterTag& tag) const;

 private:
  std::map<uint32_t, int64_t> alive_from_;  // By hash of the lease: the least epoch that is alive.
};

/// Removes the orphans of one table. \pre `dead` was made before this call
arrow::Result<OrphanReport> RemoveOrphans(Lake& lake, const DeadEpochs& dead,
                                          const std::string& table_key,
                                          const OrphanOptions& options, std::stop_token stop);

/// Removes sorted runs that a killed merge left in the folder for temporary files.
arrow::Status RemoveStaleRuns(Files& files, const Clock& clock, const std::string& spill_folder);

}  // namespace catchwater
