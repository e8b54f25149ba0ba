/// \file
/// One try of running a pipeline, from opening the source at the ledger's positions to its end or
/// to the first error. Owns the lanes and their threads.
///
///   feeder (the calling thread) -> queue -> lane (decode, steps, encode) -> epoch -> committer
///
/// A flush draws a frontier: every lane ends its share of the epoch, the last one hands it to the
/// committer. At most kEpochsInFlightMax epochs are not committed: that bounds memory.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/bell.h"
#include "catchwater/base/bounded_queue.h"
#include "catchwater/base/clock.h"
#include "catchwater/pipeline/app_input.h"
#include "catchwater/pipeline/intake.h"
#include "catchwater/pipeline/lane.h"
#include "catchwater/pipeline/partition_book.h"
#include "catchwater/pipeline/pipeline_telemetry.h"

namespace catchwater {

struct AttemptOptions {
  bool until_idle = false;
  int64_t flush_every_ms = 10'000;
  int64_t flush_bytes = 128LL << 20;
  bool flushes_only_at_end = false;  ///< Without a lake: one epoch.
  int64_t queue_blocks_max = 4;      ///< A lane.
  int64_t queue_bytes_max = 24LL << 20;
  const PipelineTelemetry* telemetry = nullptr;  ///< Borrowed; null: nothing is told.
  AppInput* apps = nullptr;                      ///< The same.
  Bell* bell = nullptr;  ///< Borrowed: rung when the source has something; null: it is asked.
};

/// Commits an epoch. Called by one thread, epochs in order.
using CommitEpoch = std::function<arrow::Status(Epoch& epoch)>;
/// Gives up an epoch that was not committed: its files are of no use. Not called for one whose
/// commit was tried; CommitEpoch knows what became of that.
using DiscardEpoch = std::function<void(Epoch& epoch)>;

/// Built on one thread, which then calls Run; RequestFlush and WaitForFlush: any thread.
class Attempt {
 public:
  Attempt(AttemptOptions options, IntakeOptions intake, std::unique_ptr<Source> source,
          Ledger* ledger, const Clock& clock, std::vector<std::unique_ptr<Lane>> lanes,
          CommitEpoch commit, DiscardEpoch discard, std::unique_ptr<RawWriter> raw = nullptr);
  ~Attempt();

  /// Runs until the source is at its end, idle (until_idle), stopped, or something failed. A stop
  /// drains: what was read is committed.
  arrow::Status Run(std::stop_token stop);

  /// Asks for a commit of what was read so far. \return false if there is nothing to wait for
  bool FlushAndWait(int64_t timeout_ms);

  /// The source said that nothing will ever come again. \pre Run has returned
  bool is_at_end() const { return is_at_end_; }

  /// The input file with a block that failed as a whole, if that ended the attempt.
  std::optional<PartitionFailed> failed_input() const;

 private:
  arrow::Status Feed(std::stop_token stop);
  void TellNothingFound();
  arrow::Result<bool> FeedOnce(std::stop_token stop);
  arrow::Result<bool> Take(NextResult next, std::stop_token stop);
  arrow::Result<bool> Idle(std::stop_token stop, bool is_source_at_end, bool is_caught_up);
  /// Commits what was read and tells the source. \return false if the attempt failed
  arrow::Result<bool> Settle();
  arrow::Status OpenMore();
  arrow::Status Dispatch(Block block);
  void TellQueues() const;
  /// Why a flush is due now; null: it is not.
  const char* FlushReason() const;
  arrow::Status Flush(const char* reason);
  arrow::Status WaitForCommits(int64_t in_flight_max);
  arrow::Status AcknowledgeCommitted();
  void RunLane(size_t index);
  void RunCommitter();
  void Fail(arrow::Status status);
  bool has_failed() const;

  static constexpr int64_t kEpochsInFlightMax = 2;

  const AttemptOptions options_;
  std::unique_ptr<Source> source_;
  const Clock& clock_;
  PartitionBook book_;
  Intake intake_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  const CommitEpoch commit_;
  const DiscardEpoch discard_;
  std::vector<std::unique_ptr<BoundedQueue<LaneItem>>> queues_;
  BoundedQueue<std::shared_ptr<Epoch>> complete_;
  const std::unique_ptr<RawWriter> raw_;  ///< Null: bytes are not kept. Feeder only.
  std::stop_source abort_;                ///< Ends all threads at once after a failure.

  // Feeder only.
  uint64_t next_sequence_ = 0;
  int64_t epoch_started_us_ = 0;
  int64_t discovered_us_ = 0;
  std::string nothing_found_;  // As it was told.
  int64_t idle_rounds_ = 0;
  bool may_open_ = true;
  bool is_at_end_ = false;
  int64_t tried_to_open_us_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable_any progressed_;
  arrow::Status failure_;  // Guarded by mutex_, as all below.
  std::optional<PartitionFailed> failed_input_;
  int64_t epochs_started_ = 0;
  int64_t epochs_committed_ = 0;
  std::deque<std::shared_ptr<Epoch>> in_flight_;  // Started, commit not tried yet.
  std::vector<std::vector<FrontierPart>> to_acknowledge_;
  std::atomic<bool> is_flush_requested_{false};
  std::atomic<bool> has_unflushed_{false};
};

}  // namespace catchwater
