#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "catchwater/base/duration.h"
#include "catchwater/base/error.h"
#include "catchwater/cli/stage_delays.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/pipeline/control_server.h"
#include "catchwater/pipeline/project_run.h"

namespace catchwater {
namespace {

struct RunArguments {
  bool until_idle = false;
  std::string for_text;
  int lanes = 0;
  bool no_maintenance = false;
  bool shows_delays = false;
};

std::atomic<int> g_signal_count{0};

/// The first signal drains and commits, the second ends the process at once.
void OnSignal(int) {
  if (g_signal_count.fetch_add(1) > 0) _exit(static_cast<int>(ExitCode::kInterrupted));
}

/// Turns signals and `--for` into a stop.
void WatchForStop(const Clock& clock, std::optional<int64_t> for_ms, std::stop_source& run_stop,
                  std::stop_token watch_stop) {
  const int64_t started_us = clock.MonotonicMicros();
  while (clock.SleepMicros(20'000, watch_stop)) {
    const bool is_over =
        for_ms && clock.MonotonicMicros() - started_us >= *for_ms * 1000;
    if (is_over || g_signal_count.load() > 0) {
      run_stop.request_stop();
      return;
    }
  }
}

std::string LeaseOwner() {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return std::string(host) + "/" + std::to_string(getpid()) + "/" +
         Random::FromSystem().Uuid().substr(0, 8);
}

void PrintReport(const std::vector<RunnerReport>& reports) {
  for (const RunnerReport& report : reports) {
    std::cerr << "pipeline " << report.pipeline << ": " << report.state << ", rows "
              << report.rows << ", committed " << report.rows_committed << ", dead letters "
              << report.dead_letters << ", commits " << report.commits;
    if (report.restarts > 0) std::cerr << ", restarts " << report.restarts;
    std::cerr << "\n";
  }
}

void PrintMerges(const CompactionReport& report) {
  if (report.merges == 0 && report.failures == 0) return;
  std::cerr << "merged " << report.files_in << " files into " << report.files_out << ", rows "
            << report.rows;
  if (report.failures > 0) std::cerr << ", failures " << report.failures;
  std::cerr << "\n";
}

arrow::Status RunProject(Workspace& workspace, const RunArguments& arguments,
                         const GlobalOptions& globals) {
  std::optional<int64_t> for_ms;
  if (!arguments.for_text.empty()) {
    ARROW_ASSIGN_OR_RAISE(const Duration limit, ParseDuration(arguments.for_text));
    for_ms = limit.ms;
  }
  std::vector<std::shared_ptr<const PipelinePlan>> plans;
  bool needs_data = false;
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    ARROW_ASSIGN_OR_RAISE(PipelinePlan plan, BuildPlan(bound, workspace.project().folder));
    needs_data |= plan.lake.has_value();
    plans.push_back(std::make_shared<const PipelinePlan>(std::move(plan)));
  }
  if (needs_data) ARROW_RETURN_NOT_OK(workspace.OpenData(globals, /*may_create=*/true));

  const MemoryConfig& memory = workspace.project().settings.memory;
  ProjectRunOptions options;
  options.maintains = !arguments.no_maintenance;
  options.runner.until_idle = arguments.until_idle;
  options.runner.lane_count =
      arguments.lanes > 0 ? arguments.lanes
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.runner.writer_buffer_bytes = memory.writer.bytes;
  options.runner.queue_bytes = memory.queues.bytes;
  options.runner.unflushed_bytes_max = arguments.until_idle ? 0 : memory.arrow.bytes / 3;
  const std::string owner = LeaseOwner();
  options.maintenance.owner = owner;
  options.maintenance.spill_folder = workspace.data_folder() + "/tmp";
  ProjectRun run(std::move(plans),
                 {.files = workspace.files(),
                  .clock = workspace.clock(),
                  .registry = workspace.registry(),
                  .ledger = needs_data ? &workspace.ledger() : nullptr,
                  .lake = needs_data ? &workspace.lake() : nullptr,
                  .owner = owner,
                  .console = std::cout,
                  .is_terminal = isatty(STDOUT_FILENO) != 0},
                 options);
  std::unique_ptr<ControlServer> control;
  if (needs_data) {
    // A second run beside the first is served by the first.
    auto started = ControlServer::Start(workspace.control_socket(), run);
    if (started.ok()) control = *std::move(started);
    else if (KindOf(started.status()) != ErrorKind::kAlreadyExists) return started.status();
  }
  signal(SIGINT, OnSignal);
  signal(SIGTERM, OnSignal);
  std::stop_source run_stop;
  arrow::Status status;
  {
    std::jthread watcher([&](std::stop_token stop) {
      WatchForStop(workspace.clock(), for_ms, run_stop, stop);
    });
    status = run.Run(run_stop.get_token());
  }
  PrintReport(run.Reports());
  PrintMerges(run.Compaction());
  if (arguments.shows_delays && needs_data) {
    ARROW_ASSIGN_OR_RAISE(const StageDelays delays, MeasureStageDelays(workspace.ledger()));
    std::cout << Render(delays);
  }
  return status;
}

}  // namespace

void AddRunVerb(CLI::App& app, VerbContext& context) {
  auto* verb = app.add_subcommand("run", "Run the pipelines of a project");
  auto arguments = std::make_shared<RunArguments>();
  verb->add_option("project", context.globals.project, "Project folder or one pipeline file");
  verb->add_flag("--until-idle", arguments->until_idle,
                 "End when everything that is there was taken");
  verb->add_option("--for", arguments->for_text, "End after this time, e.g. 30s");
  verb->add_flag("--no-maintenance", arguments->no_maintenance,
                 "Leave merging and clean-up to another run");
  verb->add_flag("--delays", arguments->shows_delays,
                 "Print the delay of each stage at the end");
  verb->add_option("--lanes", arguments->lanes, "Threads that decode (default: one a core)");
  verb->callback([&context, arguments] {
    context.run = [&context, arguments] {
      Workspace workspace;
      if (auto code = workspace.LoadProject(context.globals)) return *code;
      const arrow::Status status = RunProject(workspace, *arguments, context.globals);
      if (!status.ok()) return ReportFailure(status);
      return g_signal_count.load() > 0 ? ExitCode::kInterrupted : ExitCode::kOk;
    };
  });
}

}  // namespace catchwater
