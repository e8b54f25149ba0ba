/// \file
/// One pipeline at work with its sinks: what a reload starts and stops as a whole.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include <arrow/status.h>

#include "catchwater/pipeline/app_meter.h"
#include "catchwater/pipeline/app_metrics_table.h"
#include "catchwater/pipeline/runner.h"
#include "catchwater/pipeline/sink_feed.h"

namespace catchwater {

/// A thread for the pipeline and one for each of its sinks, from Start until they end. Start and
/// Join: one thread. The others: any thread.
class PipelineUnit {
 public:
  /// since_us: the start of the program.
  PipelineUnit(std::shared_ptr<const PipelinePlan> plan, const RunnerContext& context,
               const RunnerOptions& options, int64_t since_us);
  ~PipelineUnit();

  /// on_end is called by a thread of its own when the last of them has ended.
  void Start(std::function<void()> on_end);
  /// What was read is committed; the sinks get the rest in the next run.
  void RequestStop() { stop_.request_stop(); }
  bool has_ended() const { return left_ == 0; }
  /// Waits for the end. \return the first failure, the pipeline's before those of its sinks
  arrow::Status Join();

  const PipelinePlan& plan() const { return runner_.plan(); }
  PipelineRunner& runner() { return runner_; }
  /// Nothing more is sent of an app that is about to be switched off.
  void HoldApp(const std::string& app);
  /// After the runner took in switches: nothing of an app that is off comes after this.
  /// \return false if a commit or a target took longer than the time
  arrow::Result<bool> AwaitSwitches(const Clock& clock, int64_t timeout_us);
  std::vector<SinkReport> SinkReports() const;
  /// Of the stream apps beside a lake, in the order of the file.
  std::vector<AppReport> AppReports() const;

 private:
  void Ended(size_t index, arrow::Status status);
  /// How the script of the app stands.
  void AddScriptState(AppReport* report) const;
  /// The pipeline or one of its scripts is at its end: when all are, nothing comes for the sinks.
  void CommitsNoMore();

  const std::vector<std::unique_ptr<SinkFeed>> feeds_;
  PipelineRunner runner_;
  Telemetry* const telemetry_;                      // Null: nothing is measured.
  std::unique_ptr<AppMetricsTable> metrics_table_;  // Null: none is asked for.
  std::function<void()> on_end_;
  std::stop_source stop_;
  std::atomic<int64_t> left_ = 0;
  std::atomic<int64_t> working_ = 0;  // As left_, but for the last row of the metrics.
  std::atomic<int64_t> committing_ = 0;
  std::mutex mutex_;
  std::vector<arrow::Status> results_;  // Guarded by mutex_: the pipeline's, then the sinks'.
  std::jthread metrics_thread_;
  std::vector<std::jthread> threads_;
};

}  // namespace catchwater
