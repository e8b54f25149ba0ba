#include "catchwater/pipeline/pipeline_unit.h"

#include <algorithm>
#include <utility>

namespace catchwater {

namespace {

using Feeds = std::vector<std::unique_ptr<SinkFeed>>;

Feeds MakeFeeds(const std::shared_ptr<const PipelinePlan>& plan, const RunnerContext& context) {
  Feeds feeds;
  for (const SinkPlan& sink : plan->sinks) {
    feeds.push_back(std::make_unique<SinkFeed>(plan, sink, context));
  }
  return feeds;
}

/// feeds outlive the runner.
RunnerContext WithFeeds(RunnerContext context, const Feeds& feeds) {
  context.on_commit = [&feeds] {
    for (const auto& feed : feeds) feed->LookForCommits();
  };
  for (const auto& feed : feeds) {
    if (feed->early() == nullptr) continue;
    context.early[feed->plan().stream].push_back(feed->early());
  }
  return context;
}

}  // namespace

PipelineUnit::PipelineUnit(std::shared_ptr<const PipelinePlan> plan, const RunnerContext& context,
                           const RunnerOptions& options, int64_t since_us)
    : feeds_(MakeFeeds(plan, context)),
      runner_(plan, WithFeeds(context, feeds_), options),
      telemetry_(context.telemetry) {
  if (!plan->app_metrics || telemetry_ == nullptr) return;
  metrics_table_ = std::make_unique<AppMetricsTable>(plan, context, since_us, [this] {
    const bool is_here = runner_.Report().state != "waiting_for_lease";
    return is_here ? AppReports() : std::vector<AppReport>();
  });
}

PipelineUnit::~PipelineUnit() { stop_.request_stop(); }

void PipelineUnit::Start(std::function<void()> on_end) {
  on_end_ = std::move(on_end);
  results_.resize(feeds_.size() + 1);
  left_ = static_cast<int64_t>(results_.size());
  working_ = left_.load();
  if (metrics_table_ != nullptr) {
    metrics_thread_ = std::jthread([this](std::stop_token ended) { metrics_table_->Run(ended); });
  }
  committing_ = 1 + std::ranges::count_if(feeds_, &SinkFeed::is_script);
  for (size_t i = 0; i < feeds_.size(); ++i) {
    threads_.emplace_back([this, i] {
      arrow::Status status = feeds_[i]->Run(stop_.get_token());
      if (feeds_[i]->is_script()) CommitsNoMore();
      Ended(i + 1, std::move(status));
    });
  }
  threads_.emplace_back([this] {
    arrow::Status status = runner_.Run(stop_.get_token());
    for (const auto& feed : feeds_) {
      if (feed->is_script()) feed->FinishWhenDelivered();
    }
    CommitsNoMore();
    Ended(0, std::move(status));
  });
}

void PipelineUnit::CommitsNoMore() {
  if (--committing_ > 0) return;
  for (const auto& feed : feeds_) {
    if (!feed->is_script()) feed->FinishWhenDelivered();
  }
}

void PipelineUnit::Ended(size_t index, arrow::Status status) {
  {
    const std::lock_guard lock(mutex_);
    results_[index] = std::move(status);
  }
  // Who ends last waits for the last row of the metrics.
  if (--working_ == 0 && metrics_thread_.joinable()) {
    metrics_thread_.request_stop();
    metrics_thread_.join();
  }
  if (--left_ == 0) on_end_();
}

arrow::Status PipelineUnit::Join() {
  threads_.clear();
  for (const arrow::Status& result : results_) ARROW_RETURN_NOT_OK(result);
  return arrow::Status::OK();
}

void PipelineUnit::HoldApp(const std::string& app) {
  for (const auto& feed : feeds_) {
    if (feed->plan().stream == app) feed->Hold();
  }
}

arrow::Result<bool> PipelineUnit::AwaitSwitches(const Clock& clock, int64_t timeout_us) {
  const int64_t end_us = clock.MonotonicMicros() + timeout_us;
  const auto left_us = [&] { return std::max<int64_t>(0, end_us - clock.MonotonicMicros()); };
  bool is_settled = runner_.AwaitCommit(left_us());
  for (const auto& feed : feeds_) {
    ARROW_ASSIGN_OR_RAISE(const bool is_quiet, feed->TakeSwitch(left_us()));
    is_settled &= is_quiet;
  }
  return is_settled;
}

void PipelineUnit::AddScriptState(AppReport* report) const {
  for (const auto& feed : feeds_) {
    if (!feed->is_script() || feed->plan().stream != report->app) continue;
    const SinkReport script = feed->Report();
    report->script_state = script.state;
    report->last_error = script.last_error;
  }
}

std::vector<AppReport> PipelineUnit::AppReports() const {
  std::vector<AppReport> reports;
  if (telemetry_ == nullptr || !plan().lake) return reports;
  for (const StreamPlan& stream : plan().streams) {
    reports.push_back(AppMeter::ReportOf(telemetry_->metrics, plan().name, stream.config.name));
    if (stream.config.script) AddScriptState(&reports.back());
  }
  return reports;
}

std::vector<SinkReport> PipelineUnit::SinkReports() const {
  std::vector<SinkReport> reports;
  for (const auto& feed : feeds_) reports.push_back(feed->Report());
  return reports;
}

}  // namespace catchwater
