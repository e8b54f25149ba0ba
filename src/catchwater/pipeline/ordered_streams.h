/// \file
/// Feeds the apps that must see rows in the order of the source: lanes pass a gate, block by block.
///
///   lane: Pass(turn, epoch, rows) ...   the first block behind a frontier cuts the epoch before it
///   committer: Take(epoch) -> what each app made of the epoch, with its state at the frontier
///
/// An app that is switched off sees no rows from the next block on, and what it made of the epoch
/// is void. One that is switched on joins with the first block of an epoch: its rows wait until the
/// committer has built its state of all rows before (Join).
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

#include "catchwater/pipeline/app_meter.h"
#include "catchwater/pipeline/early_results.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/ordered_gate.h"
#include "catchwater/pipeline/stream_state.h"
#include "catchwater/pipeline/turn.h"
#include "catchwater/stream/timed_stream.h"

namespace catchwater {

/// Rows that an app has not seen yet.
struct WaitingBlock {
  std::shared_ptr<const OpenPartitions> partitions;  ///< Null: not known.
  Batch rows;
};

/// What one app made of one epoch.
struct StreamCut {
  Flows flows;
  arrow::RecordBatchVector results;
  arrow::RecordBatchVector late;
  EarlyRange early;                  ///< The numbers of the results, if they go early.
  std::vector<int64_t> answered_us;  ///< When the rows that led to results were received.
  bool has_rows = false;
  int64_t watermark_us = EventTime::kNone;
  PackedState state;  ///< Empty without rows, and where state is not kept.
  bool is_base = false;
  bool is_void = false;     ///< The app was off for some of it: nothing may be committed.
  bool is_joining = false;  ///< All its rows wait for Join.
  std::vector<WaitingBlock> waiting;
};

struct OrderedStream {
  enum class Feeding { kOn, kOff, kJoining };

  TimedStream* stream = nullptr;  ///< Borrowed, touched by nobody else while it is on.
  StateGrowth growth;             ///< Of its files so far.
  /// Whether the app is switched on. By any thread; empty: always.
  std::function<bool()> is_wanted{};
  AppMeter* meter = nullptr;           ///< Borrowed; null: nothing is measured.
  std::vector<EarlyResults*> early{};  ///< Ways ahead of the commit; borrowed.
  Feeding feeding = Feeding::kOn;
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
        open_(NewCuts()) {}

  /// Waits until all blocks before have passed. rows null: the block has none. epoch: how many
  /// frontiers lie before the block. \retval kCancelled on a stop
  arrow::Status Pass(const Turn& turn, int64_t epoch, const Batch* rows);

  /// What the apps made of the epoch, in their order. \pre all its blocks have passed; epochs are
  /// taken in order, each once
  arrow::Result<std::vector<StreamCut>> Take(int64_t epoch);

  /// What the i-th app makes from its last commit on is void, until it joins again.
  void TurnOff(size_t i);
  /// Gives the app the rows that wait, and all that come. stream: holds all rows before the cut,
  /// which was taken and is joining; it becomes what the app made of its epoch.
  arrow::Status Join(size_t i, OrderedStream stream, StreamCut* cut);

 private:
  arrow::Status Feed(const Turn& turn, int64_t epoch, const Batch* rows);
  void LookAtSwitches();
  arrow::Status AddTo(size_t i, const Batch& rows, StreamCut* cut);
  arrow::Status CatchUp(size_t i, StreamCut* cut);
  arrow::Status AddWaiting(size_t i, StreamCut* cut);
  arrow::Status CutBefore(int64_t epoch);
  arrow::Status SaveState(OrderedStream& stream, StreamCut* cut) const;
  std::vector<StreamCut> NewCuts() const;

  const bool keeps_state_;
  const TakeStreamResults take_results_;
  OrderedGate gate_;
  std::mutex mutex_;
  std::vector<OrderedStream> streams_;  // Guarded by mutex_, as all below.
  std::vector<StreamCut> open_;         // Of the epoch whose blocks pass now.
  bool has_open_rows_ = false;          // Rows of that epoch have passed.
  int64_t epoch_ = 0;
  std::map<int64_t, std::vector<StreamCut>> cuts_;
  std::shared_ptr<const OpenPartitions> partitions_;
};

}  // namespace catchwater
