#include "catchwater/pipeline/project_run.h"

#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/account_laws.h"

namespace catchwater {
namespace {

constexpr int64_t kFlushForReadMs = 5'000;

}  // namespace

ProjectRun::ProjectRun(std::vector<std::shared_ptr<const PipelinePlan>> plans,
                       RunnerContext context, ProjectRunOptions options)
    : context_(std::move(context)), options_(std::move(options)) {
  if (context_.lake != nullptr && options_.maintains) {
    maintenance_ = std::make_unique<Maintenance>(*context_.lake, plans, options_.maintenance);
  }
  for (auto& plan : plans) {
    auto& feeds = feeds_[plan->name];
    for (const SinkPlan& sink : plan->sinks) {
      feeds.push_back(std::make_unique<SinkFeed>(plan, sink, context_));
    }
    runners_.push_back(
        std::make_unique<PipelineRunner>(std::move(plan), context_, options_.runner));
  }
}

ProjectRun::~ProjectRun() = default;

arrow::Status ProjectRun::Run(std::stop_token stop) {
  arrow::Status result;
  {
    std::optional<std::jthread> maintenance;
    if (maintenance_ != nullptr) {
      maintenance.emplace([this](std::stop_token end) { maintenance_->RunUntil(end); });
    }
    result = RunPipelines(stop);
  }
  ARROW_RETURN_NOT_OK(result);
  if (maintenance_ == nullptr) return arrow::Status::OK();
  const bool finishes = options_.runner.until_idle && !stop.stop_requested();
  return finishes ? maintenance_->RunOnce(stop, /*is_last=*/true) : maintenance_->CopyLedger();
}

arrow::Status ProjectRun::RunPipelines(std::stop_token stop) {
  for (const auto& runner : runners_) {
    if (runner->plan().lake) ARROW_RETURN_NOT_OK(RetireDeliveries(runner->plan()));
  }
  std::vector<arrow::Status> results(runners_.size());
  std::vector<std::vector<arrow::Status>> sink_results(runners_.size());
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < runners_.size(); ++i) {
      const auto& feeds = feeds_.at(runners_[i]->plan().name);
      sink_results[i].resize(feeds.size());
      for (size_t s = 0; s < feeds.size(); ++s) {
        threads.emplace_back([&, i, s] { sink_results[i][s] = feeds[s]->Run(stop); });
      }
      threads.emplace_back([&, i] {
        results[i] = runners_[i]->Run(stop);
        for (const auto& feed : feeds) feed->FinishWhenDelivered();
      });
    }
  }
  for (const arrow::Status& result : results) ARROW_RETURN_NOT_OK(result);
  for (const auto& of_pipeline : sink_results) {
    for (const arrow::Status& result : of_pipeline) ARROW_RETURN_NOT_OK(result);
  }
  return arrow::Status::OK();
}

arrow::Status ProjectRun::RetireDeliveries(const PipelinePlan& plan) {
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, context_.ledger->Deliveries(""));
  for (const DeliveryRecord& delivery : deliveries) {
    if (!delivery.sink.starts_with(plan.name + "/")) continue;
    bool is_known = false;
    for (const SinkPlan& sink : plan.sinks) {
      is_known |= delivery.sink == plan.name + "/" + sink.name &&
                  delivery.table_key == plan.lake->table.table_key;
    }
    if (is_known) continue;
    ARROW_RETURN_NOT_OK(context_.ledger->RemoveDelivery(delivery.sink, delivery.table_key));
  }
  return arrow::Status::OK();
}

CompactionReport ProjectRun::Compaction() const {
  return maintenance_ == nullptr ? CompactionReport{} : maintenance_->Report();
}

std::vector<RunnerReport> ProjectRun::Reports() const {
  std::vector<RunnerReport> reports;
  for (const auto& runner : runners_) reports.push_back(runner->Report());
  return reports;
}

std::vector<SinkReport> ProjectRun::SinkReports(const std::string& pipeline) const {
  std::vector<SinkReport> reports;
  const auto feeds = feeds_.find(pipeline);
  if (feeds == feeds_.end()) return reports;
  for (const auto& feed : feeds->second) reports.push_back(feed->Report());
  return reports;
}

bool ProjectRun::Flush(int64_t timeout_ms) {
  bool is_flushed = true;
  for (auto& runner : runners_) is_flushed &= runner->Flush(timeout_ms);
  return is_flushed;
}

arrow::Result<ReadPoint> ProjectRun::TakeReadPoint() {
  for (auto& runner : runners_) {
    bool is_complete = true;
    {
      std::lock_guard lock(runner->read_point_mutex());
      is_complete = runner->Unflushed().is_complete;
    }
    if (!is_complete) runner->Flush(kFlushForReadMs);
  }
  // No commit of a pipeline can fall between the catalog and the unflushed rows.
  std::vector<std::unique_lock<std::mutex>> locks;
  for (auto& runner : runners_) locks.emplace_back(runner->read_point_mutex());
  ReadPoint point;
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, context_.ledger->Catalog());
  point.seq = catalog.seq;
  point.metadata_location = catalog.metadata_location;
  for (const auto& runner : runners_) {
    if (!runner->plan().lake) continue;
    UnflushedRows::View view = runner->Unflushed();
    if (!view.batches.empty()) {
      point.unflushed[runner->plan().lake->table.table_key] = std::move(view.batches);
    }
  }
  return point;
}

arrow::Status ProjectRun::FillInputGauges(const std::string& pipeline, Metrics& metrics) {
  Ledger& ledger = *context_.ledger;
  ARROW_ASSIGN_OR_RAISE(const WorkCounts inputs, ledger.InputCounts(pipeline));
  for (const auto& [state, count] :
       {std::pair{WorkState::kToProcess, inputs.to_process},
        std::pair{WorkState::kProcessing, inputs.processing},
        std::pair{WorkState::kDone, inputs.done}, std::pair{WorkState::kFailed, inputs.failed}}) {
    metrics.gauge(Metric::kInputFiles, {pipeline, WorkStateName(state)})
        .Set(static_cast<double>(count));
  }
  int64_t byte_count = 0;
  for (const WorkState state : {WorkState::kToProcess, WorkState::kProcessing}) {
    WorkQuery query;
    query.pipeline = pipeline;
    query.state = state;
    query.limit = INT64_MAX;
    ARROW_ASSIGN_OR_RAISE(const auto files, ledger.Inputs(query));
    for (const InputFileRecord& file : files) byte_count += file.byte_count;
  }
  metrics.gauge(Metric::kSourceLag, {pipeline}).Set(static_cast<double>(byte_count));
  return arrow::Status::OK();
}

arrow::Status ProjectRun::FillGauges(const PipelinePlan& plan, Metrics& metrics) {
  Ledger& ledger = *context_.ledger;
  ARROW_RETURN_NOT_OK(FillInputGauges(plan.name, metrics));
  ARROW_ASSIGN_OR_RAISE(const auto account, ledger.Account(plan.name));
  int64_t unaccounted = 0;
  for (const Unaccounted& broken : FindUnaccounted(account)) {
    unaccounted += std::abs(broken.frame_count) + std::abs(broken.row_count);
  }
  metrics.gauge(Metric::kUnaccountedRows, {plan.name}).Set(static_cast<double>(unaccounted));
  const std::string& table_key = plan.lake->table.table_key;
  ARROW_ASSIGN_OR_RAISE(const auto table, context_.lake->LoadTable(table_key));
  const Snapshot* snapshot = table->metadata->current_snapshot();
  if (snapshot == nullptr) return arrow::Status::OK();
  const auto total = [&](const char* name) {
    const auto found = snapshot->summary.find(name);
    return found == snapshot->summary.end() ? 0.0 : std::strtod(found->second.c_str(), nullptr);
  };
  metrics.gauge(Metric::kLakeFiles, {table_key}).Set(total("total-data-files"));
  metrics.gauge(Metric::kLakeBytes, {table_key}).Set(total("total-files-size"));
  metrics.gauge(Metric::kSnapshotTimestamp, {table_key})
      .Set(static_cast<double>(snapshot->timestamp_ms) / 1e3);
  return arrow::Status::OK();
}

arrow::Result<std::string> ProjectRun::MetricsText() {
  if (context_.telemetry == nullptr) return std::string();
  for (const auto& runner : runners_) {
    if (!runner->plan().lake) continue;
    // A table that is not made yet has no gauges.
    const arrow::Status filled = FillGauges(runner->plan(), context_.telemetry->metrics);
    if (!filled.ok() && KindOf(filled) != ErrorKind::kNotFound) return filled;
  }
  return context_.telemetry->metrics.ToPrometheusText();
}

}  // namespace catchwater
