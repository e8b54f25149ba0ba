// `ledger`: the work files (list, retry) and the ledger's own repair (rebuild).
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/cli/data_home.h"
#include "catchwater/cli/text_grid.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/lake/rebuild.h"

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

struct StateWords {
  WorkState state;
  const char* word;   ///< As given on the command line.
  const char* label;  ///< As people read it.
};

constexpr StateWords kStates[] = {{WorkState::kToProcess, "to_process", "To Process"},
                                  {WorkState::kProcessing, "processing", "Processing"},
                                  {WorkState::kDone, "done", "Done"},
                                  {WorkState::kFailed, "failed", "Failed"}};

const char* LabelOf(WorkState state) {
  for (const StateWords& words : kStates) {
    if (words.state == state) return words.label;
  }
  return "";
}

WorkQuery QueryOf(const LedgerArguments& arguments) {
  WorkQuery query;
  query.pipeline = arguments.pipeline;
  query.table_key = arguments.table;
  query.path_contains = arguments.path;
  query.live_only = !arguments.with_removed;
  query.limit = arguments.limit;
  for (const StateWords& words : kStates) {
    if (arguments.state == words.word) query.state = words.state;
  }
  return query;
}

Json TimeOrNull(const std::optional<int64_t>& us) {
  if (!us) return nullptr;
  std::string text;
  AppendTimestamp(*us, /*with_z=*/true, &text);
  return text;
}

Json ToJson(const InputFileRecord& file) {
  return {{"kind", "input"},
          {"path", file.path},
          {"pipeline", file.pipeline},
          {"state", LabelOf(file.state)},
          {"attempts", file.attempts},
          {"reason", file.reason},
          {"bytes", file.byte_count},
          {"entities", file.entities},
          {"event_min", TimeOrNull(file.event_us_min)},
          {"event_max", TimeOrNull(file.event_us_max)},
          {"started", TimeOrNull(file.started_us)},
          {"finished", TimeOrNull(file.finished_us)}};
}

Json ToJson(const DataFileRecord& record) {
  return {{"kind", "data"},
          {"path", record.file.path},
          {"table", record.table_key},
          {"state", LabelOf(record.state)},
          {"attempts", record.attempts},
          {"reason", record.reason},
          {"bytes", record.file.byte_count},
          {"rows", record.file.row_count},
          {"partition", record.file.partition_key},
          {"event_min", TimeOrNull(record.file.event_us_min)},
          {"event_max", TimeOrNull(record.file.event_us_max)},
          {"started", TimeOrNull(record.added_us)},
          {"finished", TimeOrNull(record.finished_us)}};
}

std::string EntitiesText(const Json& file) {
  if (!file.contains("entities")) return std::string(file.value("partition", ""));
  const auto& names = file["entities"];
  if (names.empty()) return "";
  std::string text = names[0].get<std::string>();
  if (names.size() > 1) text += " +" + std::to_string(names.size() - 1);
  return text;
}

std::string TextOf(const Json& file, const char* key) {
  return file[key].is_null() ? "" : file[key].get<std::string>();
}

std::string Draw(const Json& files) {
  TextGrid grid({"state", "path", "tries", "entities, partition", "events from", "events to",
                 "started", "finished", "reason"});
  for (const Json& file : files) {
    grid.Add({TextOf(file, "state"), TextOf(file, "path"),
              std::to_string(file["attempts"].get<int>()), EntitiesText(file),
              TextOf(file, "event_min"), TextOf(file, "event_max"), TextOf(file, "started"),
              TextOf(file, "finished"), TextOf(file, "reason")});
  }
  return grid.Draw();
}

arrow::Status List(Workspace& workspace, const LedgerArguments& arguments, bool as_json) {
  const WorkQuery query = QueryOf(arguments);
  Json files = Json::array();
  if (!arguments.data_only && arguments.table.empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto inputs, workspace.ledger().Inputs(query));
    for (const InputFileRecord& file : inputs) files.push_back(ToJson(file));
  }
  if (!arguments.inputs_only && arguments.pipeline.empty()) {
    ARROW_ASSIGN_OR_RAISE(const auto data, workspace.ledger().DataFiles(query));
    for (const DataFileRecord& file : data) files.push_back(ToJson(file));
  }
  if (as_json) {
    std::cout << files.dump(2) << "\n";
  } else {
    std::cout << Draw(files);
    std::cerr << files.size() << " work files\n";
  }
  return arrow::Status::OK();
}

arrow::Status Retry(Workspace& workspace, const LedgerArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const int64_t count, workspace.ledger().Retry(QueryOf(arguments)));
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
    const arrow::Status is_home = CheckDataHome(workspace.files(), workspace.data_folder());
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
  command.Option("project", globals.project, "Project folder");
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
    return WithData(
        globals, [&](Workspace& workspace) { return call(workspace, *arguments, globals.json); });
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
  rebuild.Option("project", globals.project, "Project folder");
  rebuild.Runs([&globals] { return Rebuild(globals); });
}

}  // namespace catchwater
