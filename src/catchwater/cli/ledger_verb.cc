// `ledger`: the work files (list, retry) and the ledger's own repair (rebuild).
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/cli/data_home.h"
#include "catchwater/cli/work_files.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/lake/rebuild.h"
#include "catchwater/ledger/names.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

struct LedgerArguments {
  std::string state;
  std::string pipeline;
  std::string table;
  std::string path;
  bool inputs_only = false;
  bool data_only = false;
  bool with_removed = false;
  int64_t limit = 1'000;
};

arrow::Result<WorkQuery> QueryOf(const LedgerArguments& arguments) {
  WorkQuery query;
  query.pipeline = arguments.pipeline;
  query.table_key = arguments.table;
  query.path_contains = arguments.path;
  query.live_only = !arguments.with_removed;
  query.limit = arguments.limit;
  if (!arguments.state.empty()) {
    ARROW_ASSIGN_OR_RAISE(query.state, WorkStateFromName(arguments.state));
  }
  return query;
}

arrow::Status List(Workspace& workspace, const LedgerArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const WorkQuery query, QueryOf(arguments));
  WorkFileList list;
  if (!arguments.data_only && arguments.table.empty()) {
    ARROW_RETURN_NOT_OK(AddInputFiles(workspace.ledger(), query, &list));
  }
  if (!arguments.inputs_only && arguments.pipeline.empty()) {
    ARROW_RETURN_NOT_OK(AddDataFiles(workspace.ledger(), query, &list));
  }
  if (as_json) {
    std::cout << list.files.dump(2) << "\n";
    return arrow::Status::OK();
  }
  std::cout << DrawWorkFiles(list);
  std::cerr << list.files.size() << " work files"
            << (list.is_cut ? " shown, there are more: --limit N shows more\n" : "\n");
  return arrow::Status::OK();
}

arrow::Status Retry(Workspace& workspace, const LedgerArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const WorkQuery query, QueryOf(arguments));
  ARROW_ASSIGN_OR_RAISE(const int64_t count, workspace.ledger().Retry(query));
  if (as_json) {
    std::cout << Json{{"retried", count}}.dump() << "\n";
  } else {
    std::cout << count << " failed work files are To Process again\n";
  }
  return arrow::Status::OK();
}

void PrintRebuilt(const RebuildReport& report) {
  std::cout << (report.copy.empty() ? "no copy was found" : "rebuilt from " + report.copy) << "\n";
  if (!report.set_aside.empty()) std::cout << "the old ledger lies at " << report.set_aside << "\n";
  for (const RebuiltTable& table : report.tables) {
    std::cout << "table " << table.table_key << ": rolled forward, rows "
              << table.rows_rolled_forward << ", files added " << table.files_added
              << ", files removed " << table.files_removed << "\n";
  }
  std::cout << "commits made again from the lake: " << report.commits_restored
            << ", positions moved: " << report.positions_moved << "\n";
  for (const std::string& sentence : report.not_rebuilt) {
    std::cout << "not rebuilt: " << sentence << "\n";
  }
  std::cerr << "Next: catchwater verify\n";
}

Json ToJson(const RebuildReport& report) {
  Json tables = Json::array();
  for (const RebuiltTable& table : report.tables) {
    tables.push_back({{"table", table.table_key},
                      {"metadata", table.metadata_location},
                      {"rows_rolled_forward", table.rows_rolled_forward},
                      {"files_added", table.files_added},
                      {"files_removed", table.files_removed}});
  }
  return {{"copy", report.copy},
          {"set_aside", report.set_aside},
          {"tables", std::move(tables)},
          {"commits_restored", report.commits_restored},
          {"positions_moved", report.positions_moved},
          {"not_rebuilt", report.not_rebuilt}};
}

ExitCode Rebuild(const GlobalOptions& globals) {
  Workspace workspace;
  if (auto code = workspace.LoadProject(globals)) return *code;
  if (workspace.files().Stat(workspace.data_folder()).ok()) {
    const arrow::Status is_home = CheckDataHome(workspace.files(), workspace.clock(),
                                                workspace.data_folder(), workspace.warehouse());
    if (!is_home.ok()) return ReportFailure(is_home);
  }
  const auto report = RebuildLedger(workspace.files(), workspace.clock(), workspace.data_folder(),
                                    workspace.warehouse());
  if (!report.ok()) return ReportFailure(report.status());
  if (globals.json) {
    std::cout << ToJson(*report).dump(2) << "\n";
  } else {
    PrintRebuilt(*report);
  }
  return ExitCode::kOk;
}

using LedgerCall = arrow::Status (*)(Workspace&, const LedgerArguments&, bool as_json);

void AddLedgerCommand(Command& verb, GlobalOptions& globals, const char* name, const char* summary,
                      LedgerCall call, bool is_list) {
  Command& command = verb.Sub(name, summary);
  auto arguments = std::make_shared<LedgerArguments>();
  command.Option("--project,project", globals.project, "Project folder");
  command.Option("--pipeline", arguments->pipeline, "Only input files of this pipeline");
  command.Option("--table", arguments->table, "Only data files of this table");
  command.Option("--path", arguments->path, "Only paths that contain this text");
  if (is_list) {
    command.Option("--state", arguments->state, "to_process, processing, done or failed")
        .OneOf({"to_process", "processing", "done", "failed"});
    command.Flag("--inputs", arguments->inputs_only, "Only input files");
    command.Flag("--data-files", arguments->data_only, "Only data files");
    command.Flag("--removed", arguments->with_removed, "Data files that are merged away too");
    command.Option("--limit", arguments->limit, "Most rows of each kind").AtLeast(1);
  }
  command.Runs([&globals, arguments, call] {
    return WithData(globals, ProjectUse::kReads, [&](Workspace& workspace) {
      return call(workspace, *arguments, globals.json);
    });
  });
}

}  // namespace

void AddLedgerVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("ledger", "List work files, retry failed ones, rebuild it");
  verb.RequireSub();
  AddLedgerCommand(verb, globals, "list", "List input files and data files with their states", List,
                   /*is_list=*/true);
  AddLedgerCommand(verb, globals, "retry", "Put failed work files back to To Process", Retry,
                   /*is_list=*/false);
  Command& rebuild = verb.Sub(
      "rebuild", "Make a lost or damaged ledger again from its newest copy and the tables");
  rebuild.Option("--project,project", globals.project, "Project folder");
  rebuild.Runs([&globals] { return Rebuild(globals); });
}

}  // namespace catchwater
