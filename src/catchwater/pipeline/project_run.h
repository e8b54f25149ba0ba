/// \file
/// All pipelines of a project at work: one thread each, maintenance beside them. They can be
/// exchanged for those of changed files while it runs.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/maintenance.h"
#include "catchwater/pipeline/pipeline_unit.h"
#include "catchwater/query/read_point.h"

namespace catchwater {

using Plans = std::vector<std::shared_ptr<const PipelinePlan>>;

/// Names of pipelines.
struct ReloadReport {
  std::vector<std::string> restarted;
  std::vector<std::string> started;
  std::vector<std::string> ended;
};

struct ProjectRunOptions {
  RunnerOptions runner;
  bool goes_on = false;  ///< When all pipelines have ended: others may come by a reload.
  std::function<void(const ReloadReport&)> on_reload;  ///< May be empty. By the thread of Run.
  bool maintains = true;  ///< Compaction, expiry and clean-up beside the pipelines.
  MaintenanceOptions maintenance;
};

/// Run: one thread. The others: any thread.
class ProjectRun {
 public:
  ProjectRun(Plans plans, RunnerContext context, ProjectRunOptions options);
  ~ProjectRun();

  /// Returns when all pipelines ended. A stop drains them. One that fails does not stop the others.
  /// \return the first failure
  arrow::Status Run(std::stop_token stop);

  /// Lets Run go on with these: what has another fingerprint or failed is drained and started anew,
  /// what is not among them is drained, the rest is not disturbed.
  void Reload(Plans plans);

  std::vector<RunnerReport> Reports() const;
  CompactionReport Compaction() const;
  /// Of the sinks of one pipeline, in the order of its file.
  std::vector<SinkReport> SinkReports(const std::string& pipeline) const;
  /// Of the stream apps of one pipeline beside a lake, in the order of its file.
  std::vector<AppReport> AppReports(const std::string& pipeline) const;

  /// All metrics as Prometheus text, with what only the ledger knows filled in now. Empty: there is
  /// no telemetry.
  arrow::Result<std::string> MetricsText();

  /// One instant over all tables with what the pipelines have not flushed; flushes a pipeline that
  /// holds more than it can show.
  arrow::Result<ReadPoint> TakeReadPoint();
  /// Before the switch is written that turns an app off: its sinks get nothing more, until
  /// TakeSwitches or for five seconds.
  void HoldApp(const std::string& pipeline, const std::string& app);
  /// Takes in which apps the ledger says are on, in all pipelines; when it returns, nothing more
  /// comes of those that are off. A target that does not answer is waited for five seconds.
  arrow::Status TakeSwitches();
  /// Commits what was read so far. \return false if the time ran out
  bool Flush(int64_t timeout_ms);

 private:
  arrow::Status FillInputGauges(const std::string& pipeline, Metrics& metrics);
  arrow::Status FillGauges(const PipelinePlan& plan, Metrics& metrics);

  using Units = std::vector<std::shared_ptr<PipelineUnit>>;

  Units units() const;
  void SetUnits(Units units);
  std::shared_ptr<PipelineUnit> Make(const std::shared_ptr<const PipelinePlan>& plan) const;
  void Start(const std::shared_ptr<PipelineUnit>& unit);
  /// Runs the pipelines to their end, then lets the sinks have the rest.
  arrow::Status RunPipelines(std::stop_token stop);
  /// \return the plans of a reload; nothing: all ended, or a stop was requested
  std::optional<Plans> WaitForReload(std::stop_token stop);
  void Exchange(const Plans& plans);
  void KeepUp();
  /// Forgets the delivery records of sinks that the pipelines do not have any more: they would
  /// hold data files back for ever.
  arrow::Status RetireDeliveries(const PipelinePlan& plan);

  RunnerContext context_;
  const ProjectRunOptions options_;
  const int64_t since_us_;
  std::unique_ptr<Maintenance> maintenance_;
  std::optional<std::jthread> maintenance_thread_;  // Of Run's thread.
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Units units_;  // Guarded by mutex_, as below.
  std::optional<Plans> to_load_;
};

}  // namespace catchwater
