#include "catchwater/cli/step_findings.h"

#include <iostream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "catchwater/control/control_desk.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/pipeline/check_steps.h"
#include "catchwater/pipeline/lake_tables.h"

namespace catchwater {
namespace {

/// The lake is opened when its first table is asked for: most projects need none.
class WorkspaceTables final : public TableReader {
 public:
  WorkspaceTables(Workspace& workspace, const GlobalOptions& globals)
      : workspace_(workspace), globals_(globals) {}

  arrow::Result<std::shared_ptr<arrow::Table>> ReadTable(
      const std::string& table_key, const std::vector<std::string>& columns) override {
    ARROW_RETURN_NOT_OK(Open());
    return LakeTables(workspace_.lake()).ReadTable(table_key, columns);
  }
  arrow::Result<std::string> Version(const std::string& table_key) override {
    ARROW_RETURN_NOT_OK(Open());
    return LakeTables(workspace_.lake()).Version(table_key);
  }

 private:
  arrow::Status Open() {
    if (workspace_.has_data()) return arrow::Status::OK();
    return workspace_.OpenData(globals_, /*may_create=*/false);
  }

  Workspace& workspace_;
  const GlobalOptions& globals_;
};

}  // namespace

arrow::Result<StepFindings> FindBadSteps(Workspace& workspace, const GlobalOptions& globals,
                                         const std::vector<BoundPipeline>& pipelines) {
  StepFindings findings;
  WorkspaceTables tables(workspace, globals);
  for (const BoundPipeline& bound : pipelines) {
    ARROW_ASSIGN_OR_RAISE(const PipelinePlan plan, BuildPlan(bound, workspace.project().folder));
    const int64_t errors_before = findings.diagnostics.error_count();
    const arrow::Status checked = CheckSteps(plan,
                                             {.files = workspace.files(),
                                              .clock = workspace.clock(),
                                              .table_reader = plan.lake ? &tables : nullptr},
                                             findings.diagnostics);
    ControlDesk::Check(bound, findings.diagnostics);
    if (!checked.ok()) {
      findings.unchecked.push_back("pipeline " + plan.name +
                                   ": not checked from here on: " + checked.message());
    }
    if (findings.diagnostics.error_count() == errors_before) findings.valid.push_back(plan.name);
  }
  return findings;
}

std::optional<ExitCode> RefuseBadSteps(Workspace& workspace, const GlobalOptions& globals) {
  const auto findings = FindBadSteps(workspace, globals, workspace.project().pipelines);
  if (!findings.ok()) return ReportFailure(findings.status());
  if (!findings->diagnostics.has_errors()) return std::nullopt;
  if (globals.json) std::cout << ToJson(findings->diagnostics).dump(2) << "\n";
  if (!globals.json) {
    std::cerr << Render(findings->diagnostics, RenderOptionsFor(STDERR_FILENO));
  }
  return ExitCode::kConfig;
}

}  // namespace catchwater
