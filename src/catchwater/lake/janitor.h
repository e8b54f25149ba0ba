/// \file
/// Removes what a table does not need any more: old snapshots, then the data files that only those
/// referred to, then the files of the unlink queue.
///
///   removed by a commit -> no kept snapshot refers to it -> queued -> readers' grace -> unlinked
///
/// Each step is found again after a crash: nothing is unlinked that is not in the queue, and it
/// leaves the queue only when it is gone.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

struct UnlinkReport {
  int64_t removed = 0;
  int64_t postponed = 0;  ///< Could not be removed now: tried again in an hour.
};

/// One thread at a time.
class Janitor {
 public:
  Janitor(Lake& lake, std::string owner) : lake_(lake), owner_(std::move(owner)) {}

  /// Takes out the snapshots that the ladder does not keep, if nothing came to the table for a
  /// minute. \return how many
  arrow::Result<int64_t> ExpireSnapshots(const std::string& table_key);
  /// Queues the removed data files that no kept snapshot refers to. \return how many
  arrow::Result<int64_t> QueueRemoved(const std::string& table_key);
  /// Unlinks the files of all tables whose grace is over.
  arrow::Result<UnlinkReport> UnlinkDue(std::stop_token stop);

 private:
  arrow::Result<bool> HasExpired(const std::string& table_key);

  Lake& lake_;
  const std::string owner_;
};

}  // namespace catchwater
