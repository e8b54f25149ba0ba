#include <algorithm>
#include <iostream>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/cli/account_view.h"
#include "catchwater/cli/failed_inputs.h"
#include "catchwater/cli/sink_status.h"
#include "catchwater/cli/work_files.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/pipeline/control_server.h"

namespace catchwater {
namespace {

constexpr int64_t kFilesShownMax = 1'000;  // Of each kind.

nlohmann::ordered_json ToJson(const WorkCounts& counts) {
  return {{"to_process", counts.to_process},
          {"processing", counts.processing},
          {"done", counts.done},
          {"failed", counts.failed},
          {"replaced", counts.replaced}};
}

bool HasAny(const WorkCounts& counts) {
  return counts.to_process + counts.processing + counts.done + counts.failed + counts.replaced > 0;
}

void PrintCounts(const char* label, const WorkCounts& counts) {
  std::cout << "  " << label << ": To Process " << counts.to_process << ", Processing "
            << counts.processing << ", Done " << counts.done << ", Failed " << counts.failed;
  if (counts.replaced > 0)
    std::cout << ", replaced or removed after they failed " << counts.replaced;
  std::cout << "\n";
}

/// Failed is what is failed now: not a file that was mended, replaced or removed since.
arrow::Result<WorkCounts> InputsNow(Workspace& workspace, const std::string& pipeline) {
  ARROW_ASSIGN_OR_RAISE(WorkCounts counts, workspace.ledger().InputCounts(pipeline));
  if (counts.failed == 0) return counts;
  ARROW_ASSIGN_OR_RAISE(const int64_t settled,
                        CountSettledInputs(workspace.ledger(), workspace.files(),
                                           workspace.project().folder, pipeline));
  const int64_t all = counts.failed + counts.replaced;
  counts.replaced = std::max(counts.replaced, settled);
  counts.failed = all - counts.replaced;
  return counts;
}

/// Open is what is neither put back nor given up.
nlohmann::ordered_json LettersJson(const AccountView& account, const DeadLetterCounts& marked) {
  return {{"open", account.dead_frames + account.dead_rows - marked.replayed - marked.discarded},
          {"replayed", marked.replayed},
          {"discarded", marked.discarded}};
}

void PrintLetters(const nlohmann::ordered_json& letters) {
  std::cout << "  dead letters: open " << letters["open"] << ", replayed " << letters["replayed"]
            << ", discarded " << letters["discarded"] << "\n";
}

/// What a running program says of its pipelines; an empty list: none runs.
arrow::Result<nlohmann::ordered_json> LiveReports(Workspace& workspace) {
  ARROW_ASSIGN_OR_RAISE(const auto text, AskStatus(workspace.control_socket()));
  return text ? nlohmann::ordered_json::parse(*text) : nlohmann::ordered_json::array();
}

nlohmann::ordered_json LiveOf(const nlohmann::ordered_json& reports, const std::string& pipeline) {
  for (const auto& report : reports) {
    if (report.value("pipeline", "") == pipeline) return report;
  }
  return nullptr;
}

void PrintLive(const nlohmann::ordered_json& live) {
  if (live.is_null()) return;
  std::cout << "  running: " << live.value("state", "") << ", rows committed since its start "
            << live.value("rows_committed", int64_t{0}) << ", commits "
            << live.value("commits", int64_t{0});
  const std::string error = live.value("last_error", "");
  if (!error.empty()) std::cout << ", last error: " << error;
  std::cout << "\n";
}

void PrintControl(const nlohmann::ordered_json& live) {
  if (!live.is_object() || !live.contains("control")) return;
  for (const auto& queue : live["control"]) {
    std::cout << "  control of " << queue.value("tenant", "") << ": " << queue.value("state", "")
              << ", done " << queue.value("done", int64_t{0}) << ", refused "
              << queue.value("refused", int64_t{0}) << "\n";
    const std::string error = queue.value("last_error", "");
    if (!error.empty()) std::cout << "    " << error << "\n";
  }
}

/// As `ledger list` shows them.
arrow::Result<WorkFileList> FilesOf(Ledger& ledger, const PipelineConfig& pipeline) {
  WorkQuery inputs;
  inputs.pipeline = pipeline.name;
  inputs.limit = kFilesShownMax;
  WorkQuery data;
  data.table_key = pipeline.lake->table;
  data.live_only = true;
  data.limit = kFilesShownMax;
  WorkFileList list;
  ARROW_RETURN_NOT_OK(AddInputFiles(ledger, inputs, &list));
  ARROW_RETURN_NOT_OK(AddDataFiles(ledger, data, &list));
  data.table_key = DeadLetterTableKey(pipeline.lake->table);
  ARROW_RETURN_NOT_OK(AddDataFiles(ledger, data, &list));
  return list;
}

arrow::Status PrintStatus(Workspace& workspace, bool as_json, bool files_only) {
  nlohmann::ordered_json report = nlohmann::ordered_json::array();
  ARROW_ASSIGN_OR_RAISE(const auto reports, LiveReports(workspace));
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    if (!bound.config.lake) continue;
    const std::string& name = bound.config.name;
    const nlohmann::ordered_json live = LiveOf(reports, name);
    ARROW_ASSIGN_OR_RAISE(const auto records, workspace.ledger().Account(name));
    ARROW_ASSIGN_OR_RAISE(const WorkCounts inputs, InputsNow(workspace, name));
    ARROW_ASSIGN_OR_RAISE(const WorkCounts files,
                          workspace.ledger().DataFileCounts(bound.config.lake->table));
    const std::string letter_table = DeadLetterTableKey(bound.config.lake->table);
    ARROW_ASSIGN_OR_RAISE(const WorkCounts letter_files,
                          workspace.ledger().DataFileCounts(letter_table));
    ARROW_ASSIGN_OR_RAISE(const PipelinePlan plan, BuildPlan(bound, workspace.project().folder));
    ARROW_ASSIGN_OR_RAISE(const auto sinks, SinkStatus(workspace.ledger(), plan, live,
                                                       workspace.clock().NowMicros()));
    ARROW_ASSIGN_OR_RAISE(const auto marked, workspace.ledger().CountMarks(name));
    const AccountView account = AddUp(records);
    const auto letters = LettersJson(account, marked);
    report.push_back({{"pipeline", name},
                      {"table", bound.config.lake->table},
                      {"input_files", ToJson(inputs)},
                      {"data_files", ToJson(files)},
                      {"dead_letter_files", ToJson(letter_files)},
                      {"frames", account.frames},
                      {"rows", account.rows},
                      {"in_lake", account.lake},
                      {"unaccounted", account.unaccounted()},
                      {"dead_letters", letters},
                      {"sinks", sinks},
                      {"running", live}});
    WorkFileList list;
    if (files_only) {
      ARROW_ASSIGN_OR_RAISE(list, FilesOf(workspace.ledger(), bound.config));
      if (as_json) report.back()["files"] = list.files;
    }
    if (as_json) continue;
    std::cout << "pipeline " << name << " -> " << bound.config.lake->table << "\n";
    PrintLive(live);
    // A source without files has no input files to speak of.
    if (HasAny(inputs)) PrintCounts("input files", inputs);
    PrintCounts("data files ", files);
    if (HasAny(letter_files)) PrintCounts("dead letter files", letter_files);
    std::cout << RenderSinks(sinks);
    PrintControl(live);
    if (files_only) {
      std::cout << DrawWorkFiles(list);
      if (list.is_cut) std::cerr << "there are more: `catchwater ledger list --limit N`\n";
      continue;
    }
    PrintLetters(letters);
    std::cout << Render(account);
  }
  if (as_json) std::cout << report.dump(2) << "\n";
  return arrow::Status::OK();
}

arrow::Status PrintMetrics(const Workspace& workspace) {
  ARROW_ASSIGN_OR_RAISE(const auto text, AskMetrics(workspace.control_socket()));
  if (!text) {
    return NotFound("No program runs on this data folder; start `catchwater run`. Socket: ",
                    workspace.control_socket());
  }
  std::cout << *text;
  return arrow::Status::OK();
}

}  // namespace

void AddStatusVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("status", "Show pipelines, work files and the row account");
  verb.Option("--project,project", globals.project, "Project folder");
  auto files_only = std::make_shared<bool>(false);
  verb.Flag("--files", *files_only, "Only the work files: how many in each state, and a list");
  auto metrics = std::make_shared<bool>(false);
  verb.Flag("--metrics", *metrics, "The metrics of the program that runs here, as Prometheus text");
  verb.Runs([&globals, files_only, metrics] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals, ProjectUse::kReads)) return *code;
    if (*metrics) {
      const arrow::Status printed = PrintMetrics(workspace);
      return printed.ok() ? ExitCode::kOk : ReportFailure(printed);
    }
    arrow::Status status = workspace.OpenData(globals, /*may_create=*/false);
    if (status.ok()) status = PrintStatus(workspace, globals.json, *files_only);
    return status.ok() ? ExitCode::kOk : ReportFailure(status);
  });
}

}  // namespace catchwater
