/// \file
/// All pipelines of a project at work: one thread each, maintenance beside them.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/maintenance.h"
#include "catchwater/pipeline/runner.h"
#include "catchwater/pipeline/sink_feed.h"
#include "catchwater/query/read_point.h"

namespace catchwater {

struct ProjectRunOptions {
  RunnerOptions runner;
  bool maintains = true;  ///< Compaction, expiry and clean-up beside the pipelines.
  MaintenanceOptions maintenance;
};

/// Run: one thread. The others: any thread.
class ProjectRun {
 public:
  ProjectRun(std::vector<std::shared_ptr<const PipelinePlan>> plans, RunnerContext context,
             ProjectRunOptions options);
  ~ProjectRun();

  /// Returns when all pipelines ended. A stop drains them. One that fails does not stop the others.
  /// \return the first failure
  arrow::Status Run(std::stop_token stop);

  std::vector<RunnerReport> Reports() const;
  CompactionReport Compaction() const;
  /// Of the sinks of one pipeline, in the order of its file.
  std::vector<SinkReport> SinkReports(const std::string& pipeline) const;

  /// All metrics as Prometheus text, with what only the ledger knows filled in now. Empty: there is
  /// no telemetry.
  arrow::Result<std::string> MetricsText();

  /// One instant over all tables with what the pipelines have not flushed; flushes a pipeline that
  /// holds more than it can show.
  arrow::Result<ReadPoint> TakeReadPoint();
  /// Commits what was read so far. \return false if the time ran out
  bool Flush(int64_t timeout_ms);

 private:
  arrow::Status FillInputGauges(const std::string& pipeline, Metrics& metrics);
  arrow::Status FillGauges(const PipelinePlan& plan, Metrics& metrics);

  RunnerContext context_;
  const ProjectRunOptions options_;
  /// Runs the pipelines to their end, then lets the sinks have the rest.
  arrow::Status RunPipelines(std::stop_token stop);
  /// Forgets the delivery records of sinks that the pipelines do not have any more: they would
  /// hold data files back for ever.
  arrow::Status RetireDeliveries(const PipelinePlan& plan);

  std::vector<std::unique_ptr<PipelineRunner>> runners_;
  std::map<std::string, std::vector<std::unique_ptr<SinkFeed>>> feeds_;  // By pipeline.
  std::unique_ptr<Maintenance> maintenance_;
};

}  // namespace catchwater
