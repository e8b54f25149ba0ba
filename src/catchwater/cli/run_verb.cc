#include <algorithm>
#include <atomic>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <signal.h>
#include <unistd.h>

#include "catchwater/base/duration.h"
#include "catchwater/base/error.h"
#include "catchwater/cli/account_view.h"
#include "catchwater/cli/crash_notes.h"
#include "catchwater/cli/failed_inputs.h"
#include "catchwater/cli/lease_owner.h"
#include "catchwater/cli/preview.h"
#include "catchwater/cli/progress.h"
#include "catchwater/cli/reload.h"
#include "catchwater/cli/stage_delays.h"
#include "catchwater/cli/step_findings.h"
#include "catchwater/cli/version.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/control/control_desk.h"
#include "catchwater/pipeline/control_server.h"
#include "catchwater/pipeline/project_run.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {
namespace {

struct RunArguments {
  bool until_idle = false;
  std::string for_text;
  int lanes = 0;
  bool no_maintenance = false;
  bool watches = false;
  bool shows_delays = false;
  std::string log_format = "text";
  std::string log_level = "warning";
  int64_t preview_rows = 0;
};

std::atomic<int> g_signal_count{0};
std::atomic<int> g_first_signal{0};
std::atomic<int> g_reload_count{0};

constexpr int64_t kWatchUs = 20'000;
constexpr int64_t kLookUs = 300'000;
constexpr int64_t kSortBytesMin = 16LL << 20;  // Below, what is merged falls into too many runs.

/// The first signal drains and commits, the second ends the process at once.
void OnSignal(int signal_number) {
  if (g_signal_count.fetch_add(1) > 0) _exit(static_cast<int>(ExitCode::kInterrupted));
  g_first_signal.store(signal_number);
}

void OnReloadSignal(int) { g_reload_count.fetch_add(1); }

/// SIGTERM is how a service is stopped: what was read is committed, nothing went wrong.
ExitCode CodeOfEnd() {
  return g_first_signal.load() == SIGINT ? ExitCode::kInterrupted : ExitCode::kOk;
}

/// What the thread beside a run looks at.
struct Watched {
  const Clock& clock;
  std::optional<int64_t> for_ms;
  std::optional<ProjectWatch> files;  ///< Nothing: SIGHUP alone reloads.
  Reloader& reloader;
  bool has_terminal = false;  ///< As the run began. When it is gone, SIGHUP says so.
};

/// Turns signals and `--for` into a stop, SIGHUP and changed files into a reload.
void Watch(Watched& watched, std::stop_source& run_stop, std::stop_token watch_stop) {
  const int64_t started_us = watched.clock.MonotonicMicros();
  int64_t looked_us = started_us;
  while (watched.clock.SleepMicros(kWatchUs, watch_stop)) {
    const int64_t now_us = watched.clock.MonotonicMicros();
    bool is_over = watched.for_ms && now_us - started_us >= *watched.for_ms * 1000;
    bool reloads = g_reload_count.exchange(0) > 0;
    if (reloads && watched.has_terminal && isatty(STDIN_FILENO) == 0) is_over = true;
    if (is_over || g_signal_count.load() > 0) {
      run_stop.request_stop();
      return;
    }
    if (watched.files && now_us - looked_us >= kLookUs) {
      looked_us = now_us;
      reloads |= watched.files->HasChanged();
    }
    if (reloads) watched.reloader.Reload();
  }
}

void PrintSinks(const std::vector<SinkReport>& sinks) {
  for (const SinkReport& sink : sinks) {
    std::cerr << "  sink " << sink.sink << ": " << sink.state << ", rows " << sink.rows
              << ", transactions " << sink.transactions;
    if (sink.resyncs > 0) std::cerr << ", resyncs " << sink.resyncs;
    if (!sink.last_error.empty()) std::cerr << "\n    " << sink.last_error;
    std::cerr << "\n";
  }
}

std::vector<SyncDelay> SyncsOf(const ProjectRun& run) {
  std::vector<SyncDelay> syncs;
  for (const RunnerReport& report : run.Reports()) {
    for (const SinkReport& sink : run.SinkReports(report.pipeline)) {
      syncs.push_back({.sink = sink.sink, .delay = sink.delay});
    }
  }
  return syncs;
}

void PrintReport(const ProjectRun& run) {
  for (const RunnerReport& report : run.Reports()) {
    std::cerr << "pipeline " << report.pipeline << ": " << report.state << ", rows " << report.rows
              << ", committed " << report.rows_committed << ", dead letters " << report.dead_letters
              << ", commits " << report.commits;
    if (report.restarts > 0) std::cerr << ", restarts " << report.restarts;
    std::cerr << "\n";
    for (const std::string& sample : report.dead_letter_samples) {
      std::cerr << "  dead letter " << sample << "\n";
    }
    for (const auto& [name, stream] : AddUp(report.stream_account).streams) {
      if (stream.used == stream.in) continue;  // All is well.
      std::cerr << "  stream " << name << ": rows in " << stream.in << ", used " << stream.used
                << ", late " << stream.late << ", from the future " << stream.future
                << ", filtered " << stream.filtered << "\n";
    }
    PrintSinks(run.SinkReports(report.pipeline));
  }
}

void PrintJson(const std::vector<RunnerReport>& reports, const CompactionReport& merges) {
  nlohmann::ordered_json pipelines = nlohmann::ordered_json::array();
  for (const RunnerReport& report : reports) {
    pipelines.push_back({{"pipeline", report.pipeline},
                         {"state", report.state},
                         {"frames", report.frames},
                         {"rows", report.rows},
                         {"rows_committed", report.rows_committed},
                         {"dead_letters", report.dead_letters},
                         {"dead_letter_samples", report.dead_letter_samples},
                         {"streams", StreamsJson(AddUp(report.stream_account))},
                         {"commits", report.commits},
                         {"commit_us",
                          {{"p50", report.commit_time.PercentileMicros(0.5)},
                           {"p99", report.commit_time.PercentileMicros(0.99)}}},
                         {"restarts", report.restarts},
                         {"last_error", report.last_error}});
  }
  const nlohmann::ordered_json summary{
      {"pipelines", std::move(pipelines)},
      {"merges", {{"files_in", merges.files_in}, {"files_out", merges.files_out}}}};
  std::cout << summary.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
            << "\n";
}

std::vector<std::string> NamesOf(const Workspace& workspace) {
  std::vector<std::string> names;
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    if (bound.config.lake) names.push_back(bound.config.name);
  }
  return names;
}

void PrintMerges(const CompactionReport& report) {
  if (report.merges == 0 && report.failures == 0) return;
  std::cerr << "merged " << report.files_in << " files into " << report.files_out << ", rows "
            << report.rows;
  if (report.failures > 0) std::cerr << ", failures " << report.failures;
  std::cerr << "\n";
}

arrow::Result<Plans> PlansOf(const Workspace& workspace) {
  return BuildPlans(workspace.project().pipelines, workspace.project().folder);
}

arrow::Status PrintPreviews(Workspace& workspace, int64_t row_count_max) {
  ARROW_ASSIGN_OR_RAISE(const Plans plans, PlansOf(workspace));
  for (const auto& plan : plans) {
    ARROW_ASSIGN_OR_RAISE(const Preview preview,
                          MakePreview(*plan, workspace.files(), workspace.clock(), row_count_max));
    std::cout << Render(*plan, preview);
  }
  std::cerr << "Nothing was written.\n";
  return arrow::Status::OK();
}

LogOptions LogOptionsOf(const RunArguments& arguments) {
  LogOptions options;
  options.format = arguments.log_format == "json" ? LogFormat::kJson : LogFormat::kLogfmt;
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError}) {
    if (LogLevelName(level) == arguments.log_level) options.level = level;
  }
  return options;
}

ProjectRunOptions OptionsOf(const Workspace& workspace, const RunArguments& arguments,
                            Telemetry* telemetry) {
  const MemoryConfig& memory = workspace.project().settings.memory;
  ProjectRunOptions options;
  options.maintains = !arguments.no_maintenance;
  options.goes_on = arguments.watches;
  options.on_reload = [&log = telemetry->log](const ReloadReport& report) {
    PrintReload(report);
    log.Info("project.reloaded", {{"restarted", static_cast<int64_t>(report.restarted.size())},
                                  {"started", static_cast<int64_t>(report.started.size())},
                                  {"ended", static_cast<int64_t>(report.ended.size())}});
  };
  options.runner.until_idle = arguments.until_idle;
  options.runner.lane_count =
      arguments.lanes > 0 ? arguments.lanes
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.runner.writer_buffer_bytes = memory.writer.bytes;
  options.runner.queue_bytes = memory.queues.bytes;
  options.runner.unflushed_bytes_max = arguments.until_idle ? 0 : memory.arrow.bytes / 3;
  options.maintenance.telemetry = telemetry;
  options.maintenance.owner = LeaseOwner();
  options.maintenance.sort_bytes_max = std::max(kSortBytesMin, memory.writer.bytes / 4 * 3);
  options.maintenance.spill_folder = workspace.data_folder() + "/tmp";
  return options;
}

/// Runs until the end, a signal or the time is over.
arrow::Status RunWatched(Workspace& workspace, ProjectRun& run, Watched watched) {
  signal(SIGINT, OnSignal);
  signal(SIGTERM, OnSignal);
  // `nohup` asks to pass it over.
  if (signal(SIGHUP, OnReloadSignal) == SIG_IGN) signal(SIGHUP, SIG_IGN);
  std::stop_source run_stop;
  const std::jthread watcher(
      [&](std::stop_token stop) { Watch(watched, run_stop, std::move(stop)); });
  const Progress progress(workspace.clock(), run);
  return run.Run(run_stop.get_token());
}

arrow::Status RunProject(Workspace& workspace, const RunArguments& arguments,
                         const GlobalOptions& globals) {
  if (arguments.watches && arguments.until_idle) {
    return ConfigError("`--watch` goes on for ever; leave out `--until-idle`");
  }
  std::optional<int64_t> for_ms;
  if (!arguments.for_text.empty()) {
    ARROW_ASSIGN_OR_RAISE(const Duration limit, ParseDuration(arguments.for_text));
    for_ms = limit.ms;
  }
  ARROW_ASSIGN_OR_RAISE(Plans plans, PlansOf(workspace));
  const bool needs_data = std::any_of(plans.begin(), plans.end(),
                                      [](const auto& plan) { return plan->lake.has_value(); });
  if (needs_data) ARROW_RETURN_NOT_OK(workspace.OpenData(globals, /*may_create=*/true));
  Metrics metrics;
  metrics.gauge(Metric::kBuildInfo, {kVersion}).Set(1);
  Log log(LogOptionsOf(arguments), workspace.clock(), &metrics);
  Telemetry telemetry{.log = log, .metrics = metrics};
  const ProjectRunOptions options = OptionsOf(workspace, arguments, &telemetry);
  if (needs_data) {
    ARROW_RETURN_NOT_OK(StartCrashNotes(workspace.ledger(), workspace.files(),
                                        workspace.data_folder(), options.maintenance.owner));
  }
  ProjectRun run(std::move(plans),
                 {.files = workspace.files(),
                  .clock = workspace.clock(),
                  .registry = workspace.registry(),
                  .ledger = needs_data ? &workspace.ledger() : nullptr,
                  .lake = needs_data ? &workspace.lake() : nullptr,
                  .data_folder = needs_data ? workspace.data_folder() : "",
                  .telemetry = &telemetry,
                  .owner = options.maintenance.owner,
                  .console = std::cout,
                  .is_terminal = isatty(STDOUT_FILENO) != 0},
                 options);
  std::optional<ControlDesk> desk;
  std::unique_ptr<ControlServer> control;
  if (needs_data) {
    desk.emplace(ControlDeskContext{
        .run = run, .lake = workspace.lake(), .clock = workspace.clock(), .telemetry = telemetry});
    ARROW_RETURN_NOT_OK(desk->Set(workspace.project().pipelines, workspace.project().folder));
    // A second run beside the first is served by the first.
    auto started = ControlServer::Start(
        workspace.control_socket(), run,
        [&desk](const std::string& pipeline) { return desk->Reports(pipeline); });
    if (started.ok())
      control = *std::move(started);
    else if (KindOf(started.status()) != ErrorKind::kAlreadyExists)
      return started.status();
  }
  Reloader reloader(workspace, globals, run, log, desk ? &*desk : nullptr);
  const arrow::Status status = RunWatched(
      workspace, run,
      {.clock = workspace.clock(),
       .for_ms = for_ms,
       .files = arguments.watches ? std::optional<ProjectWatch>(globals.project) : std::nullopt,
       .reloader = reloader,
       .has_terminal = isatty(STDIN_FILENO) != 0});
  if (desk) desk->Stop();
  if (globals.json) PrintJson(run.Reports(), run.Compaction());
  PrintReport(run);
  PrintMerges(run.Compaction());
  std::vector<FailedInputs> failed_inputs;
  if (needs_data) {
    ARROW_ASSIGN_OR_RAISE(failed_inputs,
                          FindFailedInputs(workspace.ledger(), workspace.files(),
                                           workspace.project().folder, NamesOf(workspace)));
    PrintFailedInputs(std::cerr, failed_inputs);
  }
  if (arguments.shows_delays && needs_data) {
    ARROW_ASSIGN_OR_RAISE(const StageDelays delays, MeasureStageDelays(workspace.ledger()));
    std::cout << Render(delays, SyncsOf(run));
  }
  // A run that ends because all was taken must not look well if it was not.
  return status.ok() && arguments.until_idle ? StatusOf(failed_inputs) : status;
}

void AddLogOptions(Command& verb, RunArguments& arguments) {
  verb.Option("--log-format", arguments.log_format,
              "Of the log records on standard error (default: text)")
      .OneOf({"text", "json"});
  verb.Option("--log-level", arguments.log_level,
              "Records below it are not written (default: warning)")
      .OneOf({"debug", "info", "warning", "error"});
}

}  // namespace

void AddRunVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("run", "Run the pipelines of a project");
  auto arguments = std::make_shared<RunArguments>();
  verb.Option("--project,project", globals.project, "Project folder or one pipeline file");
  verb.Flag("--until-idle", arguments->until_idle, "End when everything that is there was taken");
  verb.Option("--for", arguments->for_text, "End after this time, e.g. 30s");
  verb.Option("--preview", arguments->preview_rows,
              "Show so many rows and what is refused; write nothing")
      .Within(1, 10'000);
  verb.Flag("--no-maintenance", arguments->no_maintenance,
            "Leave merging and clean-up to another run");
  verb.Flag("--watch", arguments->watches,
            "Take in pipeline files that change, come or go; without it SIGHUP does");
  verb.Flag("--delays", arguments->shows_delays, "Print the delay of each stage at the end");
  AddLogOptions(verb, *arguments);
  verb.Option("--lanes", arguments->lanes, "Threads that decode (default: one a core)");
  verb.Runs([&globals, arguments] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals)) return *code;
    if (auto code = RefuseBadSteps(workspace, globals)) return *code;
    const arrow::Status status = arguments->preview_rows > 0
                                     ? PrintPreviews(workspace, arguments->preview_rows)
                                     : RunProject(workspace, *arguments, globals);
    if (!status.ok()) return ReportFailure(status);
    return CodeOfEnd();
  });
}

}  // namespace catchwater
