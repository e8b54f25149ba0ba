/// \file
/// Feeds the rows of one lane to the stream apps beside the lake: the rows that the lake takes.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/ordered_streams.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// An app that merges, as lanes see it.
struct MergingStream {
  const MergingOperator* model = nullptr;  ///< Of its parts. Borrowed, never changed.
  std::function<bool()> is_wanted;         ///< Whether it is switched on. By any thread.
  AppMeter* meter = nullptr;               ///< Borrowed; null: nothing is measured.
};

/// One a lane; one thread at a time.
class StreamLane {
 public:
  /// merging: in the order of the plan; ordered: the other apps, null: none. They outlive the lane.
  static arrow::Result<std::unique_ptr<StreamLane>> Make(std::vector<MergingStream> merging,
                                                         OrderedStreams* ordered) {
    std::unique_ptr<StreamLane> lane(new StreamLane(std::move(merging), ordered));
    ARROW_RETURN_NOT_OK(lane->Begin());
    return lane;
  }

  arrow::Status Add(const Batch& batch, const Turn& turn) {
    for (size_t i = 0; i < shares_.size(); ++i) {
      StreamShare& share = shares_[i];
      share.is_void |= !merging_[i].is_wanted();
      if (share.is_void) continue;
      ARROW_ASSIGN_OR_RAISE(const StreamTally tally,
                            AppMeter::Measure(merging_[i].meter, batch, /*is_ordered=*/false,
                                              [&] { return share.part->Add(batch); }));
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
  StreamLane(std::vector<MergingStream> merging, OrderedStreams* ordered)
      : merging_(std::move(merging)), ordered_(ordered) {}

  arrow::Status Begin() {
    shares_.clear();
    for (const MergingStream& stream : merging_) {
      ARROW_ASSIGN_OR_RAISE(auto part, stream.model->NewPart());
      shares_.push_back({.part = std::move(part), .flows = {}});
    }
    return arrow::Status::OK();
  }

  const std::vector<MergingStream> merging_;
  OrderedStreams* const ordered_;
  int64_t epoch_ = 0;
  std::vector<StreamShare> shares_;
};

}  // namespace catchwater
