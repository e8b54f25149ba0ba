/// \file
/// What became of the frames and rows of one source partition: counted where it happens, added up,
/// never derived from each other, so that the counts can disagree (docs/formats/ledger.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/batch/batch.h"
#include "catchwater/config/column_config.h"
#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// The most values of the entity column that a work file's row names.
inline constexpr size_t kEntitiesMax = 100;

/// Values that were not of their column's type, for the ledger.
struct Drift {
  ColumnContract contract = ColumnContract::kReject;
  int64_t row_count = 0;
  std::string example{};  ///< The reason of the first.
};
/// By column.
using Drifts = std::map<std::string, Drift>;

/// One thread at a time.
class PartitionFlow {
 public:
  void Count(Bucket bucket, const std::string& reason, int64_t row_count) {
    if (row_count != 0) counts_[{bucket, reason}] += row_count;
  }

  void WidenEventTime(int64_t us_min, int64_t us_max) {
    event_us_min_ = event_us_min_ ? std::min(*event_us_min_, us_min) : us_min;
    event_us_max_ = event_us_max_ ? std::max(*event_us_max_, us_max) : us_max;
  }

  /// Keeps one more name than the limit, so that "more than the limit" can be told.
  void AddEntity(std::string entity) {
    if (entities_.size() <= kEntitiesMax) entities_.insert(std::move(entity));
  }
  bool has_room_for_entities() const { return entities_.size() <= kEntitiesMax; }

  void Merge(const PartitionFlow& other) {
    for (const auto& [key, row_count] : other.counts_) counts_[key] += row_count;
    if (other.event_us_min_) WidenEventTime(*other.event_us_min_, *other.event_us_max_);
    for (const auto& entity : other.entities_) AddEntity(entity);
    MergeDrifts(other.drifts_);
  }

  void MergeDrifts(const Drifts& others) {
    for (const auto& [column, other] : others) {
      Drift& drift = drifts_[column];
      if (drift.row_count == 0) drift = {.contract = other.contract, .example = other.example};
      drift.row_count += other.row_count;
    }
  }
  const Drifts& drifts() const { return drifts_; }

  int64_t Total(Bucket bucket) const {
    int64_t total = 0;
    for (const auto& [key, row_count] : counts_) {
      if (key.first == bucket) total += row_count;
    }
    return total;
  }

  /// The lines that a commit adds to the account.
  void AppendAccount(int64_t partition_id, const std::string& consumer,
                     std::vector<RowAccount>* account) const {
    for (const auto& [key, row_count] : counts_) {
      account->push_back({.partition_id = partition_id,
                          .consumer = consumer,
                          .reason = key.second,
                          .bucket = key.first,
                          .row_count_added = row_count});
    }
  }

  const std::set<std::string>& entities() const { return entities_; }
  const std::optional<int64_t>& event_us_min() const { return event_us_min_; }
  const std::optional<int64_t>& event_us_max() const { return event_us_max_; }
  const std::map<std::pair<Bucket, std::string>, int64_t>& counts() const { return counts_; }

 private:
  std::map<std::pair<Bucket, std::string>, int64_t> counts_;
  std::optional<int64_t> event_us_min_;
  std::optional<int64_t> event_us_max_;
  std::set<std::string> entities_;
  Drifts drifts_;
};

/// By partition id.
using Flows = std::map<int64_t, PartitionFlow>;

}  // namespace catchwater
