/// \file
/// Feeds the rows of one lane to the stream apps beside the lake: the rows that the lake takes.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/epoch.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// One a lane; one thread at a time.
class StreamLane {
 public:
  /// wholes: of the apps, in the order of the plan; they outlive the lane.
  static arrow::Result<std::unique_ptr<StreamLane>> Make(
      std::vector<const StreamOperator*> wholes) {
    std::unique_ptr<StreamLane> lane(new StreamLane(std::move(wholes)));
    ARROW_RETURN_NOT_OK(lane->Begin());
    return lane;
  }

  arrow::Status Add(const Batch& batch) {
    for (StreamShare& share : shares_) {
      ARROW_ASSIGN_OR_RAISE(const StreamTally tally, share.part->Add(batch));
      PartitionFlow& flow = share.flows[batch.origin.range.partition_id];
      flow.Count(Bucket::kRows, "", batch.rows->num_rows());
      flow.Count(Bucket::kUsed, "", tally.used);
      flow.Count(Bucket::kLate, "", tally.late);
      flow.Count(Bucket::kFuture, "", tally.future);
      flow.Count(Bucket::kFiltered, "", tally.filtered);
    }
    return arrow::Status::OK();
  }

  arrow::Status CloseEpoch(LaneOutput* output) {
    output->streams = std::move(shares_);
    return Begin();
  }

 private:
  explicit StreamLane(std::vector<const StreamOperator*> wholes) : wholes_(std::move(wholes)) {}

  arrow::Status Begin() {
    shares_.clear();
    for (const StreamOperator* whole : wholes_) {
      ARROW_ASSIGN_OR_RAISE(auto part, whole->NewPart());
      shares_.push_back({.part = std::move(part), .flows = {}});
    }
    return arrow::Status::OK();
  }

  const std::vector<const StreamOperator*> wholes_;
  std::vector<StreamShare> shares_;
};

}  // namespace catchwater
