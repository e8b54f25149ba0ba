#include "catchwater/stream/whole_input.h"

namespace catchwater {

arrow::Result<std::unique_ptr<WholeInput>> WholeInput::Make(
    const KeyedAggregateOptions& options, const std::shared_ptr<arrow::Schema>& schema) {
  ARROW_ASSIGN_OR_RAISE(KeyedAggregate aggregate, KeyedAggregate::Make(options, *schema));
  return std::unique_ptr<WholeInput>(new WholeInput(options, schema, std::move(aggregate)));
}

arrow::Result<StreamTally> WholeInput::Add(const Batch& batch) {
  ARROW_RETURN_NOT_OK(aggregate_.Add(batch));
  return StreamTally{.used = batch.rows->num_rows()};
}

arrow::Result<arrow::RecordBatchVector> WholeInput::AdvanceTo(int64_t watermark_us) {
  arrow::RecordBatchVector results;
  if (watermark_us != kEndOfInputUs) return results;
  ARROW_ASSIGN_OR_RAISE(results.emplace_back(), aggregate_.Finish());
  return results;
}

arrow::Result<std::unique_ptr<MergingOperator>> WholeInput::NewPart() const {
  ARROW_ASSIGN_OR_RAISE(auto part, Make(options_, input_));
  return part;
}

arrow::Status WholeInput::Merge(const MergingOperator& part) {
  aggregate_.Merge(static_cast<const WholeInput&>(part).aggregate_);
  return aggregate_.CheckState();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WholeInput::ResultsOf(
    const MergingOperator& part) const {
  return aggregate_.FinishKeysOf(static_cast<const WholeInput&>(part).aggregate_);
}

arrow::Status WholeInput::Load(std::string_view state) {
  ARROW_ASSIGN_OR_RAISE(KeyedAggregate loaded, KeyedAggregate::Make(options_, *input_));
  ARROW_RETURN_NOT_OK(loaded.LoadInto(state));
  aggregate_.Merge(loaded);
  return aggregate_.CheckState();
}

}  // namespace catchwater
