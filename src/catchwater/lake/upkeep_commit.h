/// \file
/// What the commits of upkeep (retention, expiry) share: a lease of the table for the time of the
/// work, and a commit of one change under it.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/lake/table_change.h"

namespace catchwater {

/// The lease `upkeep/<table>` until the end of the object. One thread at a time.
class UpkeepLease {
 public:
  /// nullopt: another worker has it and does the work.
  static arrow::Result<std::optional<UpkeepLease>> Take(Lake& lake, const std::string& table_key,
                                                        const std::string& owner);
  UpkeepLease(UpkeepLease&& other) noexcept
      : lake_(std::exchange(other.lake_, nullptr)), fence_(std::move(other.fence_)) {}
  UpkeepLease& operator=(UpkeepLease&&) = delete;
  ~UpkeepLease();

  const Fence& fence() const { return fence_; }

 private:
  UpkeepLease(Lake* lake, Fence fence) : lake_(lake), fence_(std::move(fence)) {}

  Lake* lake_;  // Null: moved from.
  Fence fence_;
};

/// Commits one change under the fence. \retval kConflict if it was refused: plan it anew
arrow::Status CommitUpkeep(Lake& lake, TableChange& change, const Fence& fence);

}  // namespace catchwater
