/// \file
/// Coverage: how many readings of each key a period should have, by its learned cadence, and has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/stream/detect/cadence.h"
#include "catchwater/stream/detect/waiting_rows.h"
#include "catchwater/stream/group_index.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

struct CoverageOptions {
  std::vector<std::string> key;
  int64_t period_us = 3'600'000'000;
  std::string event_time_column;
  int64_t keys_max = 10'000'000;
};

/// A row for each key and period, also for those without a reading, when the watermark has passed
/// the period. Columns: the key, period_start, period_end, expected (null: the cadence is not known
/// yet), received, missing, revision, retracted. Pure. One thread at a time.
/// Invariants:
/// 1. Periods are aligned to 1970 in UTC and closed in their order, each once.
/// 2. A key is expected from its first reading on.
class Coverage final : public OrderedOperator {
 public:
  /// \retval kConfig if a column is missing or a key column has the name of a column of ours
  static arrow::Result<std::unique_ptr<OrderedOperator>> Make(
      CoverageOptions options, const std::shared_ptr<arrow::Schema>& input);

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  int key_column_count() const override { return static_cast<int>(options_.key.size()); }
  std::vector<std::string> result_key() const override;

  arrow::Result<StreamTally> Add(const Batch& batch) override;
  arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) override;
  /// Puts out the open period as it is: what comes later counts for the next one.
  arrow::Result<arrow::RecordBatchVector> End() override;

  arrow::Result<std::string> Save() const override;
  arrow::Status Load(std::string_view state) override;
  void BeginRevisionsAfter(int64_t revision) override { revision_base_ = revision; }
  int64_t byte_count() const override;

 private:
  struct Key {
    Cadence cadence;
    int64_t first_us = 0;
    int64_t received = 0;  // In the open period.
  };

  Coverage(CoverageOptions options, GroupIndex keys, std::shared_ptr<arrow::Schema> schema)
      : options_(std::move(options)), keys_(std::move(keys)), schema_(std::move(schema)) {}

  arrow::Status ReleaseBefore(int64_t time_us, arrow::RecordBatchVector* batches);
  arrow::Status ClosePeriodsBefore(int64_t time_us, arrow::RecordBatchVector* batches);
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ClosePeriod();

  const CoverageOptions options_;
  GroupIndex keys_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::vector<Key> of_key_;
  WaitingRows waiting_{/*number_count=*/0};
  int64_t period_us_ = INT64_MIN;  // Where the open period begins; INT64_MIN: none is open.
  int64_t released_us_ = INT64_MIN;
  int64_t revision_base_ = 0;
};

}  // namespace catchwater
