/// \file
/// `window: all`: one window over everything, closed when the input ends.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "catchwater/stream/keyed_aggregate.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

class WholeInput final : public MergingOperator {
 public:
  /// \retval kConfig if a column is missing or of a type that an aggregate does not take
  static arrow::Result<std::unique_ptr<WholeInput>> Make(
      const KeyedAggregateOptions& options, const std::shared_ptr<arrow::Schema>& schema);

  const std::shared_ptr<arrow::Schema>& schema() const override { return aggregate_.schema(); }
  int key_column_count() const override { return static_cast<int>(options_.key.size()); }

  /// Every row is used: nothing is late before the end.
  arrow::Result<StreamTally> Add(const Batch& batch) override;
  /// Only kEndOfInputUs closes anything: then all results, which stay.
  arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Current() const override {
    return aggregate_.Finish();
  }
  arrow::Result<std::unique_ptr<MergingOperator>> NewPart() const override;
  arrow::Status Merge(const MergingOperator& part) override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> ResultsOf(
      const MergingOperator& part) const override;
  bool is_empty() const override { return aggregate_.row_count() == 0; }
  arrow::Result<std::string> Save() const override { return aggregate_.Save(); }
  arrow::Status Load(std::string_view state) override;

 private:
  WholeInput(KeyedAggregateOptions options, std::shared_ptr<arrow::Schema> input,
             KeyedAggregate aggregate)
      : options_(std::move(options)), input_(std::move(input)), aggregate_(std::move(aggregate)) {}

  const KeyedAggregateOptions options_;
  const std::shared_ptr<arrow::Schema> input_;
  KeyedAggregate aggregate_;
};

}  // namespace catchwater
