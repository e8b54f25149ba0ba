/// \file
/// The aggregates of one stream over numbered groups: what windows and whole inputs have in common.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/config/stream_config.h"
#include "catchwater/stream/accumulator.h"

namespace catchwater {

/// One thread at a time.
class AggregateSet {
 public:
  /// event_time_column: orders `first` and `last`; empty: input order.
  /// \retval kConfig if a column is missing or of a type that an aggregate does not take
  static arrow::Result<AggregateSet> Make(std::vector<Aggregate> compute,
                                          const arrow::Schema& input,
                                          std::string event_time_column);
  /// The same aggregates without values.
  arrow::Result<AggregateSet> NewEmpty() const;

  /// groups: of each row, below group_count.
  void Add(const Batch& batch, std::span<const uint32_t> groups, uint32_t group_count);
  /// Adds the other's groups from[i] to to[i].
  void Merge(const AggregateSet& other, std::span<const uint32_t> from,
             std::span<const uint32_t> to, uint32_t group_count);
  void Reset(std::span<const uint32_t> groups);

  /// One column an aggregate, one value a group.
  arrow::Result<arrow::ArrayVector> Finish(uint32_t group_count) const;
  const arrow::FieldVector& fields() const { return fields_; }

  void Save(StateWriter* state) const;
  /// \pre nothing was added yet
  void Load(StateReader* state, uint32_t group_count);
  /// What must be the same for a saved state to be of use.
  std::string Meaning() const;
  int64_t byte_count() const;

 private:
  std::vector<Aggregate> compute_;
  std::vector<std::shared_ptr<arrow::DataType>> types_;  // Of the columns; null: none.
  std::string event_time_column_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  std::vector<size_t> input_of_;        // Of each accumulator: the aggregate that it was made for.
  std::vector<size_t> accumulator_of_;  // Of each aggregate; some share one.
  arrow::FieldVector fields_;
  bool needs_order_ = false;
  std::vector<RowOrder> orders_;
};

}  // namespace catchwater
