#include <iostream>

#include <nlohmann/json.hpp>

#include "catchwater/cli/account_view.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/lake/verify_table.h"

namespace catchwater {
namespace {

struct VerifyArguments {
  bool is_deep = false;
};

/// Rows that other programs added are in no pipeline's account: they are said, not a violation.
void PrintTable(const TableVerdict& verdict, int64_t foreign_commits) {
  std::cout << "table " << verdict.table_key << ": " << verdict.rows_in_files << " rows in "
            << verdict.data_files << (verdict.data_files == 1 ? " file" : " files");
  if (foreign_commits > 0) {
    std::cout << ", of them " << verdict.foreign_rows << " rows in " << foreign_commits
              << " commits by other programs";
  }
  std::cout << "\n";
}

arrow::Result<std::vector<std::string>> Verify(Workspace& workspace,
                                               const VerifyArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(std::vector<std::string> violations, workspace.ledger().CheckInvariants());
  nlohmann::ordered_json report;
  report["pipelines"] = nlohmann::ordered_json::object();
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    if (!bound.config.lake) continue;
    const std::string& name = bound.config.name;
    ARROW_ASSIGN_OR_RAISE(const auto records, workspace.ledger().Account(name));
    const AccountView account = AddUp(records);
    const int64_t unaccounted = account.unaccounted_frames() + account.unaccounted_rows();
    if (unaccounted != 0) {
      violations.push_back("Account of pipeline " + name +
                           " does not add up, rows: " + std::to_string(unaccounted));
    }
    for (const auto& [stream, view] : account.streams) {
      if (view.unaccounted() == 0) continue;
      violations.push_back("Account of stream " + stream + " of pipeline " + name +
                           " does not add up, rows: " + std::to_string(view.unaccounted()));
    }
    report["pipelines"][name] = {{"frames", account.frames},
                                 {"rows", account.rows},
                                 {"in_lake", account.lake},
                                 {"dead_letters", account.dead_frames + account.dead_rows},
                                 {"filtered", account.filtered},
                                 {"dropped", account.dropped},
                                 {"deduplicated", account.deduplicated},
                                 {"unaccounted", unaccounted},
                                 {"streams", StreamsJson(account)}};
    if (!as_json) std::cout << "pipeline " << name << "\n" << Render(account);
  }
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  for (const auto& [table_key, location] : catalog.metadata_location) {
    ARROW_ASSIGN_OR_RAISE(
        const TableVerdict verdict,
        VerifyTable(workspace.lake(), table_key, {.reads_footers = arguments.is_deep}));
    violations.insert(violations.end(), verdict.violations.begin(), verdict.violations.end());
    ARROW_ASSIGN_OR_RAISE(const TableRowCounts counts, workspace.ledger().RowCounts(table_key));
    report["tables"][table_key] = {{"rows", verdict.rows_in_files},
                                   {"data_files", verdict.data_files},
                                   {"foreign_rows", verdict.foreign_rows},
                                   {"foreign_commits", counts.foreign_commits}};
    if (!as_json) PrintTable(verdict, counts.foreign_commits);
  }
  report["violations"] = violations;
  if (as_json) std::cout << report.dump(2) << "\n";
  return violations;
}

}  // namespace

void AddVerifyVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("verify", "Prove that nothing was lost or doubled");
  auto arguments = std::make_shared<VerifyArguments>();
  verb.Option("--project,project", globals.project, "Project folder");
  verb.Flag("--deep", arguments->is_deep, "Open every data file and count its rows");
  verb.Footer("Exit code 0: everything adds up; 3: a violation was found.");
  verb.Runs([&globals, arguments] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals)) return *code;
    const arrow::Status opened = workspace.OpenData(globals, /*may_create=*/false);
    if (!opened.ok()) return ReportFailure(opened);
    const auto violations = Verify(workspace, *arguments, globals.json);
    if (!violations.ok()) return ReportFailure(violations.status());
    for (const std::string& violation : *violations)
      std::cerr << "violation: " << violation << "\n";
    if (!globals.json) {
      std::cout << (violations->empty() ? "verify: everything adds up\n"
                                        : "verify: violations found\n");
    }
    return violations->empty() ? ExitCode::kOk : ExitCode::kExpectation;
  });
}

}  // namespace catchwater
