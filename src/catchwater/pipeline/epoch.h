/// \file
/// One flush of a pipeline: everything between two frontiers, gathered from all lanes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "catchwater/batch/position.h"
#include "catchwater/lake/commit.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/raw/raw_writer.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// How far the source was read in one partition when the frontier was drawn.
struct FrontierPart {
  Range range;               ///< from: where the epoch before ended.
  bool is_finished = false;  ///< The partition's end was reached.
  bool is_input_file = false;
  std::optional<Fence> fence{};  ///< Of the partition itself, where a group shares the source.
  int64_t frames_lost = 0;       ///< Gone before they could be read; the ledger says why.
  std::string lost_reason{};
  std::shared_ptr<const PartitionCopy> copy = nullptr;  ///< Null without a ledger.
};

/// When rows were received, in microseconds, and how many.
using Receipts = std::vector<std::pair<int64_t, int64_t>>;

/// What a lane made for one stream app that merges.
struct StreamShare {
  std::unique_ptr<MergingOperator> part;
  Flows flows;
  bool is_void = false;  ///< The app was off for some of the lane's rows.
};

/// What a lane made of its share of an epoch.
struct LaneOutput {
  std::vector<TableAppend> appends;
  Flows flows;
  int64_t row_count = 0;
  Receipts receipts;
  std::vector<StreamShare> streams;  ///< One an app that merges, in the order of the plan.
};

/// Any thread.
class Epoch {
 public:
  Epoch(int64_t number, int64_t drawn_us, std::vector<FrontierPart> frontier,
        std::vector<Event> events, int lane_count)
      : number_(number),
        drawn_us_(drawn_us),
        frontier_(std::move(frontier)),
        events_(std::move(events)),
        lanes_left_(lane_count) {}

  /// \return true if this was the last lane: the epoch is complete
  [[nodiscard]] bool Deliver(LaneOutput output) {
    std::lock_guard lock(mutex_);
    receipts_.insert(receipts_.end(), output.receipts.begin(), output.receipts.end());
    streams_.push_back(std::move(output.streams));
    outputs_.push_back(std::move(output));
    return --lanes_left_ == 0;
  }

  int64_t number() const { return number_; }
  /// When its frontier was drawn, on the monotonic clock.
  int64_t drawn_us() const { return drawn_us_; }
  const std::vector<FrontierPart>& frontier() const { return frontier_; }
  /// What else the ledger is to be told.
  const std::vector<Event>& events() const { return events_; }
  /// By lane. \pre complete
  const std::vector<std::vector<StreamShare>>& streams() const { return streams_; }

  /// Files with the bytes as received; before the epoch is handed to the lanes.
  void KeepRaw(std::vector<RawSegment> segments) { raw_ = std::move(segments); }

  /// \pre complete, as below
  std::vector<RawSegment>& raw() { return raw_; }
  const Receipts& receipts() const { return receipts_; }
  std::vector<LaneOutput> TakeOutputs() { return std::move(outputs_); }

 private:
  const int64_t number_;
  const int64_t drawn_us_;
  const std::vector<FrontierPart> frontier_;
  const std::vector<Event> events_;
  std::mutex mutex_;
  int lanes_left_;
  std::vector<LaneOutput> outputs_;
  std::vector<std::vector<StreamShare>> streams_;
  Receipts receipts_;
  std::vector<RawSegment> raw_;
};

}  // namespace catchwater
