#include "catchwater/pipeline/project_run.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/account_laws.h"

namespace catchwater {
namespace {

constexpr int64_t kFlushForReadMs = 5'000;
constexpr int64_t kSwitchUsMax = 5'000'000;  // Less than a verb waits for its answer.

}  // namespace

ProjectRun::ProjectRun(Plans plans, RunnerContext context, ProjectRunOptions options)
    : context_(std::move(context)),
      options_(std::move(options)),
      since_us_(context_.clock.NowMicros()) {
  if (context_.lake != nullptr && options_.maintains) {
    maintenance_ = std::make_unique<Maintenance>(*context_.lake, plans, options_.maintenance);
  }
  for (const auto& plan : plans) units_.push_back(Make(plan));
}

ProjectRun::~ProjectRun() = default;

std::shared_ptr<PipelineUnit> ProjectRun::Make(
    const std::shared_ptr<const PipelinePlan>& plan) const {
  return std::make_shared<PipelineUnit>(plan, context_, options_.runner, since_us_);
}

ProjectRun::Units ProjectRun::units() const {
  const std::lock_guard lock(mutex_);
  return units_;
}

void ProjectRun::SetUnits(Units units) {
  const std::lock_guard lock(mutex_);
  units_ = std::move(units);
}

void ProjectRun::KeepUp() {
  if (maintenance_ == nullptr) return;
  maintenance_thread_.emplace([this](std::stop_token end) { maintenance_->RunUntil(end); });
}

arrow::Status ProjectRun::Run(std::stop_token stop) {
  KeepUp();
  const arrow::Status result = RunPipelines(stop);
  maintenance_thread_.reset();
  ARROW_RETURN_NOT_OK(result);
  if (maintenance_ == nullptr) return arrow::Status::OK();
  const bool finishes = options_.runner.until_idle && !stop.stop_requested();
  return finishes ? maintenance_->RunOnce(stop, /*is_last=*/true) : maintenance_->CopyLedger();
}

void ProjectRun::Start(const std::shared_ptr<PipelineUnit>& unit) {
  unit->Start([this] {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  });
}

arrow::Status ProjectRun::RunPipelines(std::stop_token stop) {
  for (const auto& unit : units()) {
    if (unit->plan().lake) ARROW_RETURN_NOT_OK(RetireDeliveries(unit->plan()));
  }
  for (const auto& unit : units()) Start(unit);
  while (const auto plans = WaitForReload(stop)) Exchange(*plans);
  const Units all = units();
  if (stop.stop_requested()) {
    for (const auto& unit : all) unit->RequestStop();
  }
  arrow::Status result;
  for (const auto& unit : all) {
    const arrow::Status ended = unit->Join();
    if (result.ok()) result = ended;
  }
  return result;
}

void ProjectRun::Reload(Plans plans) {
  const std::lock_guard lock(mutex_);
  to_load_ = std::move(plans);
  changed_.notify_all();
}

std::optional<Plans> ProjectRun::WaitForReload(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, stop, [this] {
    return to_load_ || (!options_.goes_on && std::ranges::all_of(units_, &PipelineUnit::has_ended));
  });
  if (stop.stop_requested()) return std::nullopt;
  return std::exchange(to_load_, std::nullopt);
}

void ProjectRun::Exchange(const Plans& plans) {
  ReloadReport report;
  Units next;
  Units to_start;
  Units old = units();
  for (const auto& plan : plans) {
    const auto same =
        std::ranges::find(old, plan->name, [](const auto& unit) { return unit->plan().name; });
    const bool is_new = same == old.end();
    const bool stays = !is_new && (*same)->plan().fingerprint == plan->fingerprint &&
                       !((*same)->has_ended() && !(*same)->Join().ok());
    next.push_back(stays ? *same : Make(plan));
    if (!stays) {
      to_start.push_back(next.back());
      (is_new ? report.started : report.restarted).push_back(plan->name);
    }
    if (stays) old.erase(same);
  }
  for (const auto& unit : old) unit->RequestStop();
  for (const auto& unit : old) {
    // Why it failed, if so, was told; what it could not commit is read again.
    static_cast<void>(unit->Join());
    const bool goes_on = std::ranges::any_of(
        plans, [&](const auto& plan) { return plan->name == unit->plan().name; });
    if (!goes_on) report.ended.push_back(unit->plan().name);
  }
  SetUnits(std::move(next));
  if (maintenance_ != nullptr) {
    maintenance_thread_.reset();
    maintenance_->SetPlans(plans);
    KeepUp();
  }
  for (const auto& unit : to_start) {
    // What cannot be retired now holds data files until the next start.
    if (unit->plan().lake) static_cast<void>(RetireDeliveries(unit->plan()));
    Start(unit);
  }
  if (options_.on_reload) options_.on_reload(report);
}

arrow::Status ProjectRun::RetireDeliveries(const PipelinePlan& plan) {
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, context_.ledger->Deliveries(""));
  for (const DeliveryRecord& delivery : deliveries) {
    if (!delivery.sink.starts_with(plan.name + "/")) continue;
    bool is_known = false;
    for (const SinkPlan& sink : plan.sinks) {
      is_known |=
          delivery.sink == plan.name + "/" + sink.name && delivery.table_key == sink.table_key;
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
  for (const auto& unit : units()) reports.push_back(unit->runner().Report());
  return reports;
}

std::vector<SinkReport> ProjectRun::SinkReports(const std::string& pipeline) const {
  for (const auto& unit : units()) {
    if (unit->plan().name == pipeline) return unit->SinkReports();
  }
  return {};
}

std::vector<AppReport> ProjectRun::AppReports(const std::string& pipeline) const {
  for (const auto& unit : units()) {
    if (unit->plan().name == pipeline) return unit->AppReports();
  }
  return {};
}

void ProjectRun::HoldApp(const std::string& pipeline, const std::string& app) {
  for (const auto& unit : units()) {
    if (unit->plan().name == pipeline) unit->HoldApp(app);
  }
}

arrow::Status ProjectRun::TakeSwitches() {
  const Units all = units();
  for (const auto& unit : all) ARROW_RETURN_NOT_OK(unit->runner().TakeSwitches());
  const int64_t end_us = context_.clock.MonotonicMicros() + kSwitchUsMax;
  for (const auto& unit : all) {
    const int64_t left_us = std::max<int64_t>(0, end_us - context_.clock.MonotonicMicros());
    ARROW_ASSIGN_OR_RAISE(const bool is_settled, unit->AwaitSwitches(context_.clock, left_us));
    if (is_settled || context_.telemetry == nullptr) continue;
    context_.telemetry->log.Warning("app.still_sending", {{"object", unit->plan().name}});
  }
  return arrow::Status::OK();
}

bool ProjectRun::Flush(int64_t timeout_ms) {
  bool is_flushed = true;
  for (const auto& unit : units()) is_flushed &= unit->runner().Flush(timeout_ms);
  return is_flushed;
}

arrow::Result<ReadPoint> ProjectRun::TakeReadPoint() {
  const Units all = units();
  for (const auto& unit : all) {
    bool is_complete = true;
    {
      std::lock_guard lock(unit->runner().read_point_mutex());
      is_complete = unit->runner().Unflushed().is_complete;
    }
    if (!is_complete) unit->runner().Flush(kFlushForReadMs);
  }
  // No commit of a pipeline can fall between the catalog and the unflushed rows.
  std::vector<std::unique_lock<std::mutex>> locks;
  for (const auto& unit : all) locks.emplace_back(unit->runner().read_point_mutex());
  ReadPoint point;
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, context_.ledger->Catalog());
  point.seq = catalog.seq;
  point.metadata_location = catalog.metadata_location;
  for (const auto& unit : all) {
    if (!unit->plan().lake) continue;
    UnflushedRows::View view = unit->runner().Unflushed();
    if (!view.batches.empty()) {
      point.unflushed[unit->plan().lake->table.table_key] = std::move(view.batches);
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
  metrics.gauge(Metric::kSourceLag, {pipeline}).Set(static_cast<double>(inputs.open_bytes));
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
  for (const auto& unit : units()) {
    if (!unit->plan().lake) continue;
    // A table that is not made yet has no gauges.
    const arrow::Status filled = FillGauges(unit->plan(), context_.telemetry->metrics);
    if (!filled.ok() && KindOf(filled) != ErrorKind::kNotFound) return filled;
  }
  return context_.telemetry->metrics.ToPrometheusText();
}

}  // namespace catchwater
