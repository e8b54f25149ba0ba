/// \file
/// The program `catchwater`: one sub-command a verb.
#include <algorithm>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <malloc.h>

#include "catchwater/cli/help.h"
#include "catchwater/cli/verb.h"
#include "catchwater/config/diagnostic.h"

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

void AddVerbs(CLI::App& app, catchwater::VerbContext& context) {
  catchwater::AddInitVerb(app, context);
  catchwater::AddValidateVerb(app, context);
  catchwater::AddRunVerb(app, context);
  catchwater::AddStatusVerb(app, context);
  catchwater::AddQueryVerb(app, context);
  catchwater::AddTablesVerb(app, context);
  catchwater::AddLedgerVerb(app, context);
  catchwater::AddDlqVerb(app, context);
  catchwater::AddVerifyVerb(app, context);
  catchwater::AddSimulateVerb(app, context);
  catchwater::AddSchemaVerb(app, context);
  catchwater::AddDocVerb(app, context);
  catchwater::AddCompletionVerb(app, context);
  catchwater::AddVersionVerb(app, context);
}

/// The first word that is no option, if it is no verb: with what was probably meant.
std::string UnknownVerb(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> verbs;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verbs.push_back(verb->get_name());
  }
  if (argc < 2 || argv[1][0] == '-') return "";
  const std::string word = argv[1];
  if (std::find(verbs.begin(), verbs.end(), word) != verbs.end()) return "";
  const std::string_view nearest = catchwater::Nearest(word, verbs);
  std::string text = "error: there is no verb `" + word + "`\n";
  if (!nearest.empty()) text += "  = help: did you mean `" + std::string(nearest) + "`?\n";
  return text + "  = help: `catchwater --help` lists the verbs\n";
}

int RunProgram(int argc, char** argv) {
  using catchwater::ExitCode;
  CLI::App app{
      "Catchwater takes event and time-series data from where it is produced to where it "
      "is used, and proves that nothing was lost.",
      "catchwater"};
  app.formatter(std::make_shared<catchwater::HelpFormatter>());
  catchwater::VerbContext context;
  AddGlobalOptions(app, context.globals);
  app.require_subcommand(1);
  app.fallthrough();
  AddVerbs(app, context);
  if (const std::string text = UnknownVerb(app, argc, argv); !text.empty()) {
    std::cerr << text;
    return static_cast<int>(ExitCode::kUsage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);
    std::cerr << "error: " << error.what() << "\n  = help: add --help for examples and options\n";
    return static_cast<int>(ExitCode::kUsage);
  }
  return static_cast<int>(context.run());
}

/// One allocator that gives memory back: few arenas, and large blocks kept for the next batch
/// instead of being mapped and zeroed anew.
void SetUpMemory() {
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", /*overwrite=*/0);
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

}  // namespace

int main(int argc, char** argv) {
  SetUpMemory();
  try {
    return RunProgram(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << error.what() << "\n";
    return static_cast<int>(catchwater::ExitCode::kInternal);
  }
}
