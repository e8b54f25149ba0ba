/// \file
/// Aggregates of windows that come and go: cells with numbers that are taken again.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "catchwater/stream/aggregate_set.h"

namespace catchwater {

/// One thread at a time.
class CellStore {
 public:
  explicit CellStore(AggregateSet values) : values_(std::move(values)) {}

  /// A cell without values.
  uint32_t Take() {
    if (free_.empty()) return count_++;
    const uint32_t cell = free_.back();
    free_.pop_back();
    return cell;
  }
  void Release(std::span<const uint32_t> cells) {
    values_.Reset(cells);
    free_.insert(free_.end(), cells.begin(), cells.end());
  }
  /// cells: of each row.
  void Add(const Batch& rows, std::span<const uint32_t> cells) { values_.Add(rows, cells, count_); }
  void Merge(const AggregateSet& other, std::span<const uint32_t> from,
             std::span<const uint32_t> to) {
    values_.Merge(other, from, to, count_);
  }
  /// The cells are without values again; they stay taken.
  void Reset(std::span<const uint32_t> cells) { values_.Reset(cells); }

  const AggregateSet& values() const { return values_; }
  /// All numbers are below.
  uint32_t count() const { return count_; }
  uint32_t used_count() const { return count_ - static_cast<uint32_t>(free_.size()); }
  /// Of cells that are used: free ones will be taken again.
  int64_t byte_count() const {
    if (count_ == 0) return 0;
    return static_cast<int64_t>(static_cast<double>(values_.byte_count()) * used_count() / count_);
  }

 private:
  AggregateSet values_;
  uint32_t count_ = 0;
  std::vector<uint32_t> free_;
};

}  // namespace catchwater
