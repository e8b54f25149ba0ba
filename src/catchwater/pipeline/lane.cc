#include "catchwater/pipeline/lane.h"

#include <utility>

#include "catchwater/base/crash_note.h"
#include "catchwater/base/fail_point.h"

namespace catchwater {

Lane::Lane(LaneContext context, RowPath path, std::unique_ptr<Destination> destination)
    : context_(std::move(context)),
      path_(std::move(path)),
      destination_(std::move(destination)),
      entities_(context_.event_time_column, context_.entity_column) {}

arrow::Status Lane::Process(const LaneWork& work, std::stop_token stop) {
  const Origin& origin = work.block.origin;
  const PartitionInHand in_hand(origin.range.partition_id);
  if (work.is_input_file) ARROW_RETURN_NOT_OK(Reach(FailPoint::kInputInHand));
  PartitionFlow& flow = flows_[origin.range.partition_id];
  ARROW_ASSIGN_OR_RAISE(RowPathResult result,
                        path_.Process(work.block, work.sequence, &flow, stop));
  if (context_.telemetry != nullptr) context_.telemetry->BlockDecoded(result.decode_us);
  if (context_.apps != nullptr) context_.apps->Decoded(work.block, result.faults);
  const Turn turn{.sequence = work.sequence, .open = work.open, .stop = stop};
  if (result.rows.rows == nullptr || result.rows.rows->num_rows() == 0) {
    ARROW_RETURN_NOT_OK(destination_->Pass(turn));
  } else {
    ARROW_RETURN_NOT_OK(entities_.Collect(*result.rows.rows, &flow));
    ARROW_RETURN_NOT_OK(destination_->Add(result.rows, turn, &flow, &result.dead));
    result.lines.Fill(work.block, &result.dead);
    receipts_.emplace_back(origin.receive_us, result.rows.rows->num_rows());
  }
  if (!result.dead.empty()) {
    ARROW_RETURN_NOT_OK(destination_->AddDead({.pipeline = context_.pipeline,
                                               .source = context_.source,
                                               .origin = *work.partition_name,
                                               .partition_id = origin.range.partition_id,
                                               .receive_us = origin.receive_us},
                                              result.dead));
  }
  epoch_bytes_.store(destination_->epoch_bytes(), std::memory_order_relaxed);
  return arrow::Status::OK();
}

arrow::Result<LaneOutput> Lane::CloseEpoch() {
  LaneOutput output;
  ARROW_RETURN_NOT_OK(destination_->CloseEpoch(&output));
  output.flows = std::move(flows_);
  flows_.clear();
  output.receipts = std::move(receipts_);
  receipts_.clear();
  epoch_bytes_.store(0, std::memory_order_relaxed);
  return output;
}

}  // namespace catchwater
