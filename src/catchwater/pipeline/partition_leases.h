/// \file
/// The leases of a group source: one for each partition, `pipeline/<name>/<partition>`.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <arrow/result.h>

#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// Any thread. A lease that is lost shows in the next commit: its fence refuses it.
class PartitionLeases {
 public:
  PartitionLeases(Ledger& ledger, std::string pipeline, std::string owner, int64_t duration_ms)
      : ledger_(ledger),
        prefix_("pipeline/" + std::move(pipeline) + "/"),
        owner_(std::move(owner)),
        duration_ms_(duration_ms) {}

  /// \return nullopt while another member holds it
  arrow::Result<std::optional<Fence>> Acquire(const std::string& partition) {
    const std::string lease = prefix_ + partition;
    ARROW_ASSIGN_OR_RAISE(const auto epoch, ledger_.AcquireLease(lease, owner_, duration_ms_));
    if (!epoch) return std::nullopt;
    std::lock_guard lock(mutex_);
    held_[lease] = *epoch;
    return Fence{.lease = lease, .epoch = *epoch};
  }

  arrow::Status Release(const std::string& partition) {
    const std::string lease = prefix_ + partition;
    int64_t epoch = 0;
    {
      std::lock_guard lock(mutex_);
      const auto held = held_.find(lease);
      if (held == held_.end()) return arrow::Status::OK();
      epoch = held->second;
      held_.erase(held);
    }
    return ledger_.ReleaseLease(lease, epoch);
  }

  /// \return false if one of them was lost
  arrow::Result<bool> RenewAll() {
    bool is_held = true;
    for (const auto& [lease, epoch] : Held()) {
      ARROW_ASSIGN_OR_RAISE(const bool renewed, ledger_.RenewLease(lease, epoch, duration_ms_));
      // One that was released meanwhile is not lost.
      is_held &= renewed || !Held().contains(lease);
    }
    return is_held;
  }

  arrow::Status ReleaseAll() {
    arrow::Status first;
    for (const auto& [lease, epoch] : Held()) {
      const arrow::Status released = Release(lease.substr(prefix_.size()));
      if (first.ok()) first = released;
    }
    return first;
  }

 private:
  std::map<std::string, int64_t> Held() const {
    std::lock_guard lock(mutex_);
    return held_;
  }

  Ledger& ledger_;
  const std::string prefix_;
  const std::string owner_;
  const int64_t duration_ms_;
  mutable std::mutex mutex_;
  std::map<std::string, int64_t> held_;  // Epoch by lease.
};

}  // namespace catchwater
