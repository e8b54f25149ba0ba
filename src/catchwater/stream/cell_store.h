/// \file
/// Aggregates of windows that come and go: cells with numbers that are taken again.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/stream/aggregate_set.h"
#include "catchwater/stream/state_bytes.h"

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
  /// The values of these cells, in their order.
  arrow::Result<AggregateSet> Copy(std::span<const uint32_t> cells) const {
    ARROW_ASSIGN_OR_RAISE(AggregateSet values, values_.NewEmpty());
    values.Merge(values_, cells, FirstNumbers(cells.size()), static_cast<uint32_t>(cells.size()));
    return values;
  }
  /// Adds values, in their order, to these cells.
  void Merge(const AggregateSet& values, std::span<const uint32_t> cells) {
    values_.Merge(values, FirstNumbers(cells.size()), cells, count_);
  }

  /// Appends the values of these cells: the end of a state.
  void Save(std::span<const uint32_t> cells, StateWriter* state) const {
    const auto values = Copy(cells);
    CATCHWATER_CHECK(values.ok(), "aggregates were made before");
    values->Save(state);
  }
  /// The values of so many cells, with which the state ends. \retval kBadData if it does not
  arrow::Result<AggregateSet> Load(StateReader* state, size_t cell_count) const {
    ARROW_ASSIGN_OR_RAISE(AggregateSet values, values_.NewEmpty());
    values.Load(state, static_cast<uint32_t>(cell_count));
    if (!state->is_at_end()) state->Fail();
    ARROW_RETURN_NOT_OK(state->status());
    return values;
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
  static std::vector<uint32_t> FirstNumbers(size_t count) {
    std::vector<uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), 0U);
    return numbers;
  }

  AggregateSet values_;
  uint32_t count_ = 0;
  std::vector<uint32_t> free_;
};

}  // namespace catchwater
