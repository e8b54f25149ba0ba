/// \file
/// The program `catchwater`: one sub-command a verb.
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

#include <malloc.h>

#include "catchwater/cli/command.h"
#include "catchwater/cli/verb.h"
#include "catchwater/cli/version.h"

namespace {

void AddGlobalOptions(catchwater::Command& program, catchwater::GlobalOptions& globals) {
  program.Option("--data", globals.data,
                 "Folder of ledger, lake and spool (default: `.catchwater` in the project)");
  program.Option("--set", globals.overrides,
                 "Override a setting of the pipeline file, e.g. --set source.file.path=in.csv");
  program.Flag("--json", globals.json, "Print JSON for programs");
}

void AddVerbs(catchwater::Command& program, catchwater::GlobalOptions& globals) {
  catchwater::AddInitVerb(program, globals);
  catchwater::AddValidateVerb(program, globals);
  catchwater::AddRunVerb(program, globals);
  catchwater::AddStatusVerb(program, globals);
  catchwater::AddQueryVerb(program, globals);
  catchwater::AddTablesVerb(program, globals);
  catchwater::AddAppVerb(program, globals);
  catchwater::AddCrawlVerb(program, globals);
  catchwater::AddLedgerVerb(program, globals);
  catchwater::AddDlqVerb(program, globals);
  catchwater::AddVerifyVerb(program, globals);
  catchwater::AddSimulateVerb(program, globals);
  catchwater::AddSchemaVerb(program, globals);
  catchwater::AddDocVerb(program, globals);
  catchwater::AddCompletionVerb(program, globals);
  catchwater::AddVersionVerb(program, globals);
}

catchwater::ExitCode RunProgram(int argc, char** argv) {
  const auto program = catchwater::Command::MakeProgram(
      "catchwater",
      "Catchwater takes event and time-series data from where it is produced to where it "
      "is used, and proves that nothing was lost.");
  catchwater::GlobalOptions globals;
  AddGlobalOptions(*program, globals);
  program->Version(std::string("catchwater ") + catchwater::kVersion);
  program->RequireSub();
  AddVerbs(*program, globals);
  return program->Main(argc, argv);
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
    return static_cast<int>(RunProgram(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "internal error: " << error.what() << "\n";
    return static_cast<int>(catchwater::ExitCode::kInternal);
  }
}
