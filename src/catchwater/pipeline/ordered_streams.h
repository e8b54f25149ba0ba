/// \file
/// Feeds the apps that must see rows in the order of the source: lanes pass a gate, block by block.
///
///   lane: Pass(turn, epoch, rows) ...   the first block behind a frontier cuts the epoch before it
///   committer: Take(epoch) -> what each app made of the epoch, with its state at the frontier
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/ordered_gate.h"
#include "catchwater/pipeline/stream_state.h"
#include "catchwater/pipeline/turn.h"
#include "catchwater/stream/timed_stream.h"

namespace catchwater {

/// What one app made of one epoch.
struct StreamCut {
  Flows flows;
  arrow::RecordBatchVector results;
  arrow::RecordBatchVector late;
  bool has_rows = false;
  int64_t watermark_us = EventTime::kNone;
  std::string state;  ///< Empty without rows, and where state is not kept.
  bool is_base = false;
};

struct OrderedStream {
  TimedStream* stream = nullptr;  ///< Borrowed, touched by nobody else meanwhile.
  StateGrowth growth;             ///< Of its files so far.
};

/// Takes the results of the i-th app as they come, by the lane whose turn it is.
using TakeStreamResults =
    std::function<arrow::Status(size_t i, const arrow::RecordBatchVector& results)>;

/// Any thread.
class OrderedStreams {
 public:
  /// take_results null: results wait in the cut of their epoch.
  OrderedStreams(std::vector<OrderedStream> streams, bool keeps_state,
                 TakeStreamResults take_results = nullptr)
      : keeps_state_(keeps_state),
        take_results_(std::move(take_results)),
        streams_(std::move(streams)),
        open_(streams_.size()) {}

  /// Waits until all blocks before have passed. rows null: the block has none. epoch: how many
  /// frontiers lie before the block. \retval kCancelled on a stop
  arrow::Status Pass(const Turn& turn, int64_t epoch, const Batch* rows);

  /// What the apps made of the epoch, in their order. \pre all its blocks have passed; epochs are
  /// taken in order, each once
  arrow::Result<std::vector<StreamCut>> Take(int64_t epoch);

 private:
  arrow::Status Feed(const Turn& turn, int64_t epoch, const Batch* rows);
  arrow::Status AddTo(size_t i, const Batch& rows);
  arrow::Status CutBefore(int64_t epoch);
  arrow::Status SaveState(OrderedStream& stream, StreamCut* cut) const;

  const bool keeps_state_;
  const TakeStreamResults take_results_;
  OrderedGate gate_;
  std::mutex mutex_;
  std::vector<OrderedStream> streams_;  // Guarded by mutex_, as all below.
  std::vector<StreamCut> open_;         // Of the epoch whose blocks pass now.
  int64_t epoch_ = 0;
  std::map<int64_t, std::vector<StreamCut>> cuts_;
  std::shared_ptr<const OpenPartitions> partitions_;
};

}  // namespace catchwater
