/// \file
/// Feeds the rows of one lane to the stream apps beside the lake: the rows that the lake takes.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/ordered_streams.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// One a lane; one thread at a time.
class StreamLane {
 public:
  /// wholes: of the apps that merge, in the order of the plan; ordered: the others, null: none.
  /// They outlive the lane.
  static arrow::Result<std::unique_ptr<StreamLane>> Make(std::vector<const MergingOperator*> wholes,
                                                         OrderedStreams* ordered) {
    std::unique_ptr<StreamLane> lane(new StreamLane(std::move(wholes), ordered));
    ARROW_RETURN_NOT_OK(lane->Begin());
    return lane;
  }

  arrow::Status Add(const Batch& batch, const Turn& turn) {
    for (StreamShare& share : shares_) {
      ARROW_ASSIGN_OR_RAISE(const StreamTally tally, share.part->Add(batch));
      PartitionFlow& flow = share.flows[batch.origin.range.partition_id];
      flow.Count(Bucket::kRows, "", batch.rows->num_rows());
      flow.Count(Bucket::kUsed, "", tally.used);
    }
    return ordered_ == nullptr ? arrow::Status::OK() : ordered_->Pass(turn, epoch_, &batch);
  }
  /// A block without rows: its turn must pass, too.
  arrow::Status Pass(const Turn& turn) {
    return ordered_ == nullptr ? arrow::Status::OK() : ordered_->Pass(turn, epoch_, nullptr);
  }

  arrow::Status CloseEpoch(LaneOutput* output) {
    output->streams = std::move(shares_);
    ++epoch_;
    return Begin();
  }

 private:
  StreamLane(std::vector<const MergingOperator*> wholes, OrderedStreams* ordered)
      : wholes_(std::move(wholes)), ordered_(ordered) {}

  arrow::Status Begin() {
    shares_.clear();
    for (const MergingOperator* whole : wholes_) {
      ARROW_ASSIGN_OR_RAISE(auto part, whole->NewPart());
      shares_.push_back({.part = std::move(part), .flows = {}});
    }
    return arrow::Status::OK();
  }

  const std::vector<const MergingOperator*> wholes_;
  OrderedStreams* const ordered_;
  int64_t epoch_ = 0;
  std::vector<StreamShare> shares_;
};

}  // namespace catchwater
