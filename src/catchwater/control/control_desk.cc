#include "catchwater/control/control_desk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/security/secret.h"

namespace catchwater {
namespace {

constexpr std::string_view kOwner = "the queue of `control`";
constexpr int64_t kPollUs = 200'000;
constexpr int64_t kBackOffUsMin = 500'000;
constexpr int64_t kBackOffUsMax = 30'000'000;

arrow::Result<AmqpControlOptions> OptionsOf(const ControlConfig& config,
                                            const std::string& pipeline,
                                            const std::string& project_folder) {
  AmqpControlConfig amqp;
  Diagnostics diagnostics;
  if (!ReadConfig(config.amqp, kOwner, diagnostics, amqp)) {
    return WithContext(diagnostics.ToStatus(), "pipeline `" + pipeline + "`");
  }
  AmqpControlOptions options{.queue = amqp.queue, .create = amqp.create};
  ARROW_ASSIGN_OR_RAISE(
      options.connection,
      amqp.broker.Options(project_folder, "catchwater " + pipeline + " control " + config.tenant));
  return options;
}

}  // namespace

bool ControlFeed::IsRunningHere() const {
  const std::vector<RunnerReport> reports = context_.run.Reports();
  const auto found = std::ranges::find(reports, report_.pipeline, &RunnerReport::pipeline);
  return found != reports.end() && found->state == "running";
}

void ControlFeed::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    if (!IsRunningHere()) {
      SetState("waiting");
      context_.clock.SleepMicros(kPollUs, stop);
      continue;
    }
    const arrow::Status ended = ServeAmqpControl(
        options_, context_.clock, [this] { SetState("answering"); },
        [this](std::string_view request) { return Answer(request); }, stop);
    // Cancelled: the pipeline is elsewhere now, and the message is for who runs it.
    if (ended.ok() || KindOf(ended) == ErrorKind::kCancelled) continue;
    NoteFailure(ended);
    const int64_t wait_us = std::min(kBackOffUsMax, kBackOffUsMin << std::min(failures_++, 6));
    const double jitter = random_.Uniform() * static_cast<double>(wait_us);
    context_.clock.SleepMicros(wait_us / 2 + static_cast<int64_t>(jitter), stop);
  }
}

arrow::Result<std::string> ControlFeed::Answer(std::string_view request) {
  if (!IsRunningHere()) return Cancelled("The pipeline does not run here");
  auto answered = control_.Answer(request);
  Count(!answered.ok() ? "failed" : answered->is_refused ? "refused" : "done");
  ARROW_ASSIGN_OR_RAISE(TenantAnswer answer, std::move(answered));
  const std::lock_guard lock(mutex_);
  ++(answer.is_refused ? report_.refused : report_.done);
  return std::move(answer.text);
}

void ControlFeed::Count(const char* outcome) const {
  context_.telemetry.metrics
      .counter(Metric::kControlRequests, {report_.pipeline, report_.tenant, outcome})
      .Add();
}

void ControlFeed::NoteFailure(const arrow::Status& failure) {
  const ErrorKind kind = KindOf(failure);
  const bool heals = kind == ErrorKind::kUnavailable || kind == ErrorKind::kThrottled ||
                     kind == ErrorKind::kConflict || kind == ErrorKind::kCommitUnknown;
  const std::lock_guard lock(mutex_);
  report_.state = heals ? "down" : "blocked";
  report_.last_error = MaskSecrets(failure.message());
  context_.telemetry.log.Warning(
      "control.failed",
      {{"object", report_.pipeline + "/" + report_.tenant}, {"error", report_.last_error}});
}

void ControlFeed::SetState(const char* state) {
  const std::lock_guard lock(mutex_);
  report_.state = state;
  if (report_.state != "answering") return;
  report_.last_error.clear();
  failures_ = 0;
}

ControlReport ControlFeed::Report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

arrow::Result<std::unique_ptr<ControlFeed>> ControlDesk::Make(
    const ControlConfig& config, const std::string& pipeline,
    const std::string& project_folder) const {
  ARROW_ASSIGN_OR_RAISE(AmqpControlOptions options, OptionsOf(config, pipeline, project_folder));
  TenantControl control(
      {.pipeline = pipeline,
       .apps = config.apps,
       .ledger = context_.lake.ledger(),
       .new_uuid = [&lake = context_.lake] { return lake.NewUuid(); },
       .hold_app = [&run = context_.run,
                    pipeline](const std::string& app) { run.HoldApp(pipeline, app); },
       .take_switches = [&run = context_.run] { return run.TakeSwitches(); },
       .reports = [&run = context_.run, pipeline] { return run.AppReports(pipeline); }});
  ControlReport report{
      .pipeline = pipeline, .tenant = config.tenant, .queue = options.queue, .state = "waiting"};
  return std::make_unique<ControlFeed>(std::move(report), std::move(options), std::move(control),
                                       context_);
}

void ControlDesk::Check(const BoundPipeline& pipeline, Diagnostics& diagnostics) {
  for (const ControlConfig& config : pipeline.config.control) {
    AmqpControlConfig amqp;
    static_cast<void>(ReadConfig(config.amqp, kOwner, diagnostics, amqp));
  }
}

arrow::Status ControlDesk::Set(const std::vector<BoundPipeline>& pipelines,
                               const std::string& project_folder) {
  std::vector<std::unique_ptr<ControlFeed>> feeds;
  for (const BoundPipeline& pipeline : pipelines) {
    for (const ControlConfig& config : pipeline.config.control) {
      ARROW_ASSIGN_OR_RAISE(auto feed, Make(config, pipeline.config.name, project_folder));
      feeds.push_back(std::move(feed));
    }
  }
  Stop();
  const std::lock_guard lock(mutex_);
  feeds_ = std::move(feeds);
  for (const auto& feed : feeds_) {
    threads_.emplace_back([one = feed.get()](std::stop_token stop) { one->Run(stop); });
  }
  return arrow::Status::OK();
}

nlohmann::ordered_json ControlDesk::Reports(const std::string& pipeline) const {
  nlohmann::ordered_json told = nlohmann::ordered_json::array();
  const std::lock_guard lock(mutex_);
  for (const auto& feed : feeds_) {
    const ControlReport report = feed->Report();
    if (report.pipeline != pipeline) continue;
    told.push_back({{"tenant", report.tenant},
                    {"queue", report.queue},
                    {"state", report.state},
                    {"done", report.done},
                    {"refused", report.refused},
                    {"last_error", report.last_error}});
  }
  return told;
}

void ControlDesk::Stop() {
  std::vector<std::jthread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
  }
  for (std::jthread& thread : threads) thread.request_stop();
}

}  // namespace catchwater
