/// \file
/// What every verb of the command line shares.
#pragma once

#include <string>
#include <vector>

#include "catchwater/cli/command.h"

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

/// Each adds its verb to the program. Both outlive what they are given.
void AddRunVerb(Command& program, GlobalOptions& globals);
void AddQueryVerb(Command& program, GlobalOptions& globals);
void AddStatusVerb(Command& program, GlobalOptions& globals);
void AddCrawlVerb(Command& program, GlobalOptions& globals);
void AddTablesVerb(Command& program, GlobalOptions& globals);
void AddValidateVerb(Command& program, GlobalOptions& globals);
void AddVerifyVerb(Command& program, GlobalOptions& globals);
void AddInitVerb(Command& program, GlobalOptions& globals);
void AddLedgerVerb(Command& program, GlobalOptions& globals);
void AddAppVerb(Command& program, GlobalOptions& globals);
void AddDlqVerb(Command& program, GlobalOptions& globals);
void AddSimulateVerb(Command& program, GlobalOptions& globals);
void AddSchemaVerb(Command& program, GlobalOptions& globals);
void AddDocVerb(Command& program, GlobalOptions& globals);
void AddVersionVerb(Command& program, GlobalOptions& globals);
void AddCompletionVerb(Command& program, GlobalOptions& globals);

}  // namespace catchwater
