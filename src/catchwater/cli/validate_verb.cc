#include <iostream>

#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/build_plan.h"

namespace catchwater {

void AddValidateVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("validate", "Check the project's files and say what is wrong");
  verb.Option("project", globals.project, "Project folder or one pipeline file");
  verb.Runs([&globals] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals)) return *code;
    for (const BoundPipeline& bound : workspace.project().pipelines) {
      const auto plan = BuildPlan(bound, workspace.project().folder);
      if (!plan.ok()) return ReportFailure(plan.status());
      std::cerr << "pipeline " << bound.config.name << ": valid\n";
    }
    return ExitCode::kOk;
  });
}

}  // namespace catchwater
