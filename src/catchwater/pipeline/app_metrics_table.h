/// \file
/// The metrics of a pipeline's stream apps as rows of a table: one an app every so often, and one
/// at the end. Commits of its own, so that what fails here stops nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/commit.h"
#include "catchwater/lake/table_spec.h"
#include "catchwater/pipeline/app_report.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/runner.h"

namespace catchwater {

/// When a row is of.
struct AppMetricsTime {
  int64_t at_us = 0;
  int64_t since_us = 0;  ///< The start of the program: what is counted is counted from there.
};

/// A row an app. Columns: `pipeline`, `app`, `measured_at`, `since`, the numbers of AppReport,
/// `dropped` (by reason, a JSON object), `script_starts`.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> AppMetricsRows(
    const std::string& pipeline, const std::vector<AppReport>& reports, AppMetricsTime time);

TableSpec AppMetricsSpec(const std::string& table_key, const std::string& pipeline);

/// One thread.
class AppMetricsTable {
 public:
  /// reports: those of the apps now; empty: another process runs the pipeline.
  /// \pre the plan has app_metrics
  AppMetricsTable(std::shared_ptr<const PipelinePlan> plan, RunnerContext context, int64_t since_us,
                  std::function<std::vector<AppReport>()> reports);

  /// Writes until a stop, and then once more.
  void Run(std::stop_token stop);

 private:
  arrow::Status Write();
  arrow::Status Append(const std::vector<AppReport>& reports, const Fence& fence);

  const std::shared_ptr<const PipelinePlan> plan_;
  const RunnerContext context_;
  const int64_t since_us_;
  const std::function<std::vector<AppReport>()> reports_;
  Committer committer_;
};

}  // namespace catchwater
