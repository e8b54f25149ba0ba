/// \file
/// Feeds one sink from a table of its pipeline, on a thread of its own, whatever happens to the
/// target: a sink that is down or blocked stops neither the lake nor the other sinks.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include <arrow/result.h>

#include "catchwater/base/bell.h"
#include "catchwater/base/random.h"
#include "catchwater/pipeline/delay_histogram.h"
#include "catchwater/pipeline/delivery.h"
#include "catchwater/pipeline/early_results.h"
#include "catchwater/pipeline/feed_clock.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/runner.h"
#include "catchwater/pipeline/sending_time.h"

namespace catchwater {

/// What a sink got since the start; a copy.
struct SinkReport {
  std::string sink;  ///< Without the pipeline.
  std::string kind;  ///< e.g. `postgres`
  /// waiting (for the table, or another process feeds it) | off (its app is) | following |
  /// catching_up | resync | down | blocked
  std::string state;
  std::string last_error;
  int64_t rows = 0;
  int64_t files = 0;
  int64_t transactions = 0;
  int64_t resyncs = 0;
  int64_t lag_ms = 0;    ///< Age of the oldest commit that it lacks; 0: it has all.
  DelayHistogram delay;  ///< By row, from its commit until the target had it; without resyncs.
};

/// Run: one thread. The others: any thread.
class SinkFeed {
 public:
  /// \pre the context has ledger and lake
  SinkFeed(std::shared_ptr<const PipelinePlan> plan, SinkPlan sink, RunnerContext context);

  /// Delivers until a stop, or until FinishWhenDelivered was called and nothing is left.
  /// \return an error only after FinishWhenDelivered: why the sink could not get the rest
  arrow::Status Run(std::stop_token stop);
  /// No more commits will come.
  void FinishWhenDelivered() {
    is_finishing_ = true;
    bell_.Ring();
  }
  /// This process has committed something, maybe to the table.
  void LookForCommits() {
    has_commit_ = true;
    bell_.Ring();
  }
  /// The way of results ahead of their commit; null: they wait for it.
  EarlyResults* early() { return early_.get(); }
  /// If the app whose results these are was switched off: ends what is being sent. What the target
  /// took of it comes again, under the same ids, when the app is on.
  /// \return false if a target kept it for longer than the time
  arrow::Result<bool> TakeSwitch(int64_t timeout_us);
  /// Ends what is being sent and begins nothing, as if the app were off, until TakeSwitch or for
  /// five seconds: for the time in which a switch is written.
  void Hold();
  SinkReport Report() const;
  const SinkPlan& plan() const { return sink_; }
  bool is_script() const { return sink_.is_script; }

 private:
  enum class Ending {
    kDone,   // Nothing is left and nothing will come.
    kAgain,  // The sink must be opened again.
    kOff,    // The app is switched off.
  };
  arrow::Result<bool> TakeLease(std::stop_token stop);
  /// Nobody else will deliver what this process has committed.
  arrow::Result<bool> IsNeeded();
  /// False while the app whose results these are is switched off.
  arrow::Result<bool> IsOn();
  arrow::Result<bool> HasTable(std::stop_token stop);
  /// \return false if the lease was lost or a stop was requested
  arrow::Result<bool> FollowUnderLease(std::stop_token stop);
  arrow::Status Follow(std::stop_token stop);
  arrow::Result<Ending> FollowWhileOn(std::stop_token stop);
  arrow::Result<Ending> FollowOpened(Delivery& delivery, std::stop_token stop);
  arrow::Result<std::unique_ptr<Delivery>> OpenDelivery();
  /// After a stop: waits for the last commit, and moves the mark over what the target has of it.
  arrow::Status SettleSent();
  /// \return false if there is no more to try
  arrow::Result<bool> Recover(const arrow::Status& failure, std::stop_token stop);
  arrow::Status NoteFailure(const arrow::Status& failure, bool is_blocked);
  arrow::Result<std::unique_ptr<Sink>> MakeSink(std::shared_ptr<arrow::Schema> schema);
  bool Sleep(int64_t duration_us, std::stop_token stop);
  /// Waits for the time, or for a commit if asked to, and meanwhile sends what comes ahead of one.
  arrow::Status Rest(Delivery& delivery, int64_t duration_us, bool until_commit,
                     std::stop_token stop);
  void SetState(std::string state);
  void Note(const DeliveryStep& step);

  const std::shared_ptr<const PipelinePlan> plan_;
  const SinkPlan sink_;
  const RunnerContext context_;
  const std::string table_key_;
  const std::string name_;  // pipeline/name
  Random random_ = Random::FromSystem();
  Fence fence_;
  int failures_ = 0;          // In a row.
  std::string noted_reason_;  // As it stands in the ledger.
  std::atomic<bool> is_finishing_ = false;
  std::stop_token delivery_stop_;  // Of the delivery that is open.
  FeedClock sink_clock_;
  std::atomic<int64_t> held_until_us_ = 0;
  Bell bell_;
  std::atomic<bool> has_commit_ = false;  // Since the last look.
  const std::unique_ptr<EarlyResults> early_;
  SendingTime sending_;  // From before a sink is opened until after it is closed.
  mutable std::mutex mutex_;
  SinkReport report_;  // Guarded by mutex_.
};

}  // namespace catchwater
