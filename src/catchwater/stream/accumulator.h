/// \file
/// One aggregate over all groups: `sum(passengers)` and the like. Partial results of lanes merge.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/config/stream_config.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {

/// Where a row stands in the order that `first` and `last` mean.
struct RowOrder {
  int64_t event_us = 0;  ///< 0 for all rows where there is no event time.
  int64_t partition_id = 0;
  uint64_t ordinal = 0;  ///< Of the block, then the row in it.

  auto operator<=>(const RowOrder&) const = default;
};

/// What an accumulator sees of a batch.
struct AccumulatorInput {
  const arrow::Array* column = nullptr;  ///< Null for count().
  std::span<const uint32_t> groups;      ///< Of each row.
  uint32_t group_count = 0;              ///< All group numbers are below.
  std::span<const RowOrder> orders;      ///< Of each row; empty unless needs_order().
};

/// Nulls are left out of every aggregate but count(). One thread at a time.
class Accumulator {
 public:
  virtual ~Accumulator() = default;

  /// \retval kConfig if the function does not take a column of the type
  static arrow::Result<std::unique_ptr<Accumulator>> Make(
      const Aggregate& aggregate, const std::shared_ptr<arrow::DataType>& column_type);

  virtual void Add(const AccumulatorInput& input) = 0;
  /// Adds some of the other's groups: from[i] there to to[i] here. Into a group without values it
  /// is a copy. \pre other was made by the same call of Make; both spans are of one length
  virtual void Merge(const Accumulator& other, std::span<const uint32_t> from,
                     std::span<const uint32_t> to, uint32_t group_count) = 0;
  /// The groups are as if nothing had been added to them.
  virtual void Reset(std::span<const uint32_t> groups) = 0;
  /// One value a group. \retval kBadData if a sum of integers does not fit in 64 bits
  virtual arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const = 0;

  /// As Finish, of an accumulator that two functions share (`sum` and `mean` of one column).
  virtual arrow::Result<std::shared_ptr<arrow::Array>> FinishAs(AggregateFunction /*function*/,
                                                                uint32_t group_count) const {
    return Finish(group_count);
  }

  virtual void Save(StateWriter* state) const = 0;
  /// Reads what Save wrote; the reader says whether it was whole. \pre nothing was added yet
  virtual void Load(StateReader* state, uint32_t group_count) = 0;

  /// AccumulatorInput::orders are wanted.
  virtual bool needs_order() const { return false; }
  virtual int64_t byte_count() const = 0;
};

}  // namespace catchwater
