#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/cli/step_findings.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/pipeline/connect_check.h"
#include "catchwater/security/secret.h"

namespace catchwater {
namespace {

std::string_view CodeOf(const arrow::Status& status) {
  switch (KindOf(status)) {
    case ErrorKind::kDenied:
      return "E2021";
    case ErrorKind::kNotFound:
      return "E2022";
    case ErrorKind::kUnavailable:
    case ErrorKind::kThrottled:
      return "E2020";
    default:
      return "E2023";
  }
}

/// The place of the setting that the message names in backticks, else of the component.
Place PlaceOf(const ConfigNode& config, const std::string& message) {
  for (const ConfigEntry& entry : config.entries()) {
    if (message.find("`" + entry.key + "`") != message.npos) return entry.value.place();
  }
  return config.place();
}

void Report(const ConnectFault& fault, Diagnostics& diagnostics) {
  const std::string message = MaskSecrets(fault.status.message());
  diagnostics.Error(CodeOf(fault.status), PlaceOf(fault.config, message),
                    fault.component + ": " + message);
}

/// Asks everything outside that the pipelines name; adds all that is wrong.
arrow::Status Connect(Workspace& workspace, Diagnostics& diagnostics) {
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    ARROW_ASSIGN_OR_RAISE(const PipelinePlan plan, BuildPlan(bound, workspace.project().folder));
    ARROW_ASSIGN_OR_RAISE(const auto faults,
                          CheckConnections(plan, {.files = workspace.files(),
                                                  .clock = workspace.clock(),
                                                  .registry = workspace.registry(),
                                                  .console = std::cout,
                                                  .data_folder = workspace.data_folder()}));
    for (const ConnectFault& fault : faults) Report(fault, diagnostics);
    if (faults.empty()) std::cerr << "pipeline " << plan.name << ": everything answers\n";
  }
  return arrow::Status::OK();
}

/// One document of what loading found and what came after it.
void PrintJson(const Diagnostics& loaded, const Diagnostics& later) {
  auto document = ToJson(loaded);
  const auto more = ToJson(later);
  for (const auto& item : more["diagnostics"]) document["diagnostics"].push_back(item);
  for (const char* count : {"error_count", "warning_count"}) {
    document[count] = document[count].get<int64_t>() + more[count].get<int64_t>();
  }
  std::cout << document.dump(2) << "\n";
}

ExitCode Validate(const GlobalOptions& globals, bool connects) {
  Workspace workspace;
  if (auto code = workspace.LoadProject(globals)) return *code;
  const auto found = FindBadSteps(workspace, globals, workspace.project().pipelines);
  if (!found.ok()) return ReportFailure(found.status());
  for (const std::string& name : found->valid) std::cerr << "pipeline " << name << ": valid\n";
  for (const std::string& sentence : found->unchecked) std::cerr << sentence << "\n";
  Diagnostics diagnostics = found->diagnostics;
  const bool has_bad_steps = diagnostics.has_errors();
  if (connects && !has_bad_steps) {
    const arrow::Status status = Connect(workspace, diagnostics);
    if (!status.ok()) return ReportFailure(status);
  }
  if (globals.json) {
    PrintJson(workspace.diagnostics(), diagnostics);
  } else if (diagnostics.has_errors()) {
    std::cerr << Render(diagnostics, RenderOptionsFor(STDERR_FILENO));
  }
  if (has_bad_steps) return ExitCode::kConfig;
  return diagnostics.has_errors() ? ExitCode::kUnreachable : ExitCode::kOk;
}

}  // namespace

void AddValidateVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("validate", "Check the project's files and say what is wrong");
  verb.Option("--project,project", globals.project, "Project folder or one pipeline file");
  auto connects = std::make_shared<bool>(false);
  verb.Flag("--connect", *connects,
            "Ask every source and sink too: does it answer, let us in, fit? Changes nothing");
  verb.Runs([&globals, connects] { return Validate(globals, *connects); });
}

}  // namespace catchwater
