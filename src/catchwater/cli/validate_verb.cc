#include <iostream>

#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/build_plan.h"

namespace catchwater {

void AddValidateVerb(CLI::App& app, VerbContext& context) {
  auto* verb = app.add_subcommand("validate", "Check the project's files and say what is wrong");
  verb->add_option("project", context.globals.project, "Project folder or one pipeline file");
  verb->callback([&context] {
    context.run = [&context] {
      Workspace workspace;
      if (auto code = workspace.LoadProject(context.globals)) return *code;
      for (const BoundPipeline& bound : workspace.project().pipelines) {
        const auto plan = BuildPlan(bound, workspace.project().folder);
        if (!plan.ok()) return ReportFailure(plan.status());
        std::cerr << "pipeline " << bound.config.name << ": valid\n";
      }
      return ExitCode::kOk;
    };
  });
}

}  // namespace catchwater
