/// \file
/// The program `catchwater`: one sub-command a verb.
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "catchwater/cli/verb.h"

namespace {

void AddGlobalOptions(CLI::App& app, catchwater::GlobalOptions& globals) {
  app.add_option("--data", globals.data,
                 "Folder of ledger, lake and spool (default: `.catchwater` in the project)");
  app.add_option("--set", globals.overrides,
                 "Override a setting of the pipeline file, e.g. --set source.file.path=in.csv")
      ->allow_extra_args(false)
      ->take_all();
  app.add_flag("--json", globals.json, "Print JSON for programs");
}

int RunProgram(int argc, char** argv) {
  using catchwater::ExitCode;
  CLI::App app{"Catchwater takes event and time-series data from where it is produced to where it "
               "is used, and proves that nothing was lost.",
               "catchwater"};
  catchwater::VerbContext context;
  AddGlobalOptions(app, context.globals);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Examples:\n"
      "  catchwater init sensors my-project     a project that runs\n"
      "  catchwater run my-project --until-idle take what is there, then end\n"
      "  catchwater query \"SELECT count(*) FROM sensors.readings\"\n"
      "  catchwater verify                      prove that nothing was lost or doubled");
  catchwater::AddValidateVerb(app, context);
  catchwater::AddRunVerb(app, context);
  catchwater::AddStatusVerb(app, context);
  catchwater::AddQueryVerb(app, context);
  catchwater::AddTablesVerb(app, context);
  catchwater::AddVerifyVerb(app, context);
  catchwater::AddSchemaVerb(app, context);
  catchwater::AddDocVerb(app, context);
  catchwater::AddVersionVerb(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(context.run());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return RunProgram(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << error.what() << "\n";
    return static_cast<int>(catchwater::ExitCode::kInternal);
  }
}
