/// \file
/// What every verb of the command line shares.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace catchwater {

/// Source: docs/guide/command-line.md, exit codes.
enum class ExitCode : int {
  kOk = 0,
  kFailed = 1,       ///< It went wrong while running.
  kUsage = 2,        ///< The command line is wrong.
  kExpectation = 3,  ///< `verify` found a violation.
  kUnreachable = 4,  ///< Something that is needed does not answer.
  kInternal = 70,    ///< A bug.
  kConfig = 78,      ///< The configuration is wrong.
  kInterrupted = 130,
};

/// Options that every verb takes, before or after its name.
struct GlobalOptions {
  std::string project = ".";
  std::string data;                    ///< Overrides the project's data folder.
  std::vector<std::string> overrides;  ///< `--set path=value`
  bool json = false;
};

/// A verb adds its sub-command; the callback stores what to run.
struct VerbContext {
  GlobalOptions globals;
  std::function<ExitCode()> run;
};

void AddRunVerb(CLI::App& app, VerbContext& context);
void AddQueryVerb(CLI::App& app, VerbContext& context);
void AddStatusVerb(CLI::App& app, VerbContext& context);
void AddTablesVerb(CLI::App& app, VerbContext& context);
void AddValidateVerb(CLI::App& app, VerbContext& context);
void AddVerifyVerb(CLI::App& app, VerbContext& context);
void AddInitVerb(CLI::App& app, VerbContext& context);
void AddLedgerVerb(CLI::App& app, VerbContext& context);
void AddDlqVerb(CLI::App& app, VerbContext& context);
void AddSimulateVerb(CLI::App& app, VerbContext& context);
void AddSchemaVerb(CLI::App& app, VerbContext& context);
void AddDocVerb(CLI::App& app, VerbContext& context);
void AddVersionVerb(CLI::App& app, VerbContext& context);
void AddCompletionVerb(CLI::App& app, VerbContext& context);

}  // namespace catchwater
