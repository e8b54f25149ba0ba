/// \file
/// A keyed aggregation over the whole input (`window: all`): batch is a bounded stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/config/stream_config.h"
#include "catchwater/stream/aggregate_set.h"
#include "catchwater/stream/group_index.h"

namespace catchwater {

/// The key columns' fields. \retval kConfig if one is missing or cannot be a key
arrow::Result<arrow::FieldVector> KeyFields(const std::vector<std::string>& key,
                                            const arrow::Schema& input);
std::vector<std::shared_ptr<arrow::DataType>> TypesOf(const arrow::FieldVector& fields);

struct KeyedAggregateOptions {
  std::vector<std::string> key;
  std::vector<Aggregate> compute;
  std::string event_time_column;          ///< Orders `first` and `last`; empty: input order.
  int64_t state_bytes_max = 512LL << 20;  ///< Over it Add fails: too many different keys.
};

/// Pure. One thread at a time; a lane has one, and they merge in the end. The result does not
/// depend on how rows were cut into batches or dealt to lanes (floats: to rounding).
class KeyedAggregate {
 public:
  /// \retval kConfig if a column is missing or of a type that the aggregate does not take
  static arrow::Result<KeyedAggregate> Make(const KeyedAggregateOptions& options,
                                            const arrow::Schema& schema);

  /// \retval kBadData if the state grows beyond state_bytes_max
  arrow::Status Add(const Batch& batch);
  void Merge(const KeyedAggregate& other);

  /// One row a key, keys ascending (nulls first): the key columns, then the aggregates in order.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish() const;
  /// The same for the keys that the other one has. \pre each of them is here, too
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> FinishKeysOf(
      const KeyedAggregate& other) const;
  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  int64_t row_count() const { return row_count_; }

  /// The state as bytes. Source: docs/formats/stream_state.md.
  std::string Save() const;
  /// Reads it back. \pre nothing was added yet
  /// \retval kBadData if the bytes are damaged, or of other keys or aggregates
  arrow::Status LoadInto(std::string_view state);
  /// \retval kBadData if the state is larger than state_bytes_max
  arrow::Status CheckState() const;

 private:
  KeyedAggregate(KeyedAggregateOptions options, std::vector<std::shared_ptr<arrow::DataType>> keys,
                 AggregateSet aggregates)
      : options_(std::move(options)),
        groups_(std::move(keys)),
        aggregates_(std::move(aggregates)) {}
  std::string Meaning() const;
  /// One row a key, in the order of their numbers.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> AllGroups() const;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Sorted(
      const std::shared_ptr<arrow::RecordBatch>& rows) const;

  KeyedAggregateOptions options_;
  GroupIndex groups_;
  AggregateSet aggregates_;
  std::shared_ptr<arrow::Schema> schema_;
  int64_t row_count_ = 0;
};

}  // namespace catchwater
