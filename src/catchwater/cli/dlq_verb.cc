// `dlq`: what was refused, why, how to put it back or give it up.
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/cli/lake_session.h"
#include "catchwater/cli/lease_owner.h"
#include "catchwater/pipeline/build_plan.h"
#include "catchwater/pipeline/discard.h"
#include "catchwater/pipeline/replay.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

struct DlqArguments {
  std::string pipeline;
  std::string where;
  std::string id;
  std::string state = "open";
  bool is_dry_run = false;
};

constexpr const char* kStates[] = {"open", "replayed", "discarded"};

struct LetterTable {
  const BoundPipeline* pipeline = nullptr;  ///< Null: its file has an error; only reading goes.
  std::string pipeline_name;                ///< Empty: whatever pipelines the table has.
  std::string sql_name;                     ///< Quoted.
};

std::string SqlNameOf(const std::string& table_key) {
  const size_t dot = table_key.rfind('.');
  return QuoteSqlName(table_key.substr(0, dot)) + "." + QuoteSqlName(table_key.substr(dot + 1));
}

/// The dead letter tables of pipelines whose files have errors: what no other pipeline writes.
arrow::Status AddLeftOut(Workspace& workspace, const std::string& pipeline,
                         std::vector<LetterTable>* tables) {
  const std::string suffix = DeadLetterTableKey("");
  std::set<std::string> is_known;
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    if (bound.config.name == pipeline) return arrow::Status::OK();
    if (bound.config.lake) is_known.insert(DeadLetterTableKey(bound.config.lake->table));
  }
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  for (const auto& [table_key, location] : catalog.metadata_location) {
    if (!table_key.ends_with(suffix) || is_known.contains(table_key)) continue;
    tables->push_back({.pipeline_name = pipeline, .sql_name = SqlNameOf(table_key)});
  }
  return arrow::Status::OK();
}

/// The dead letter tables that exist, of the chosen pipeline or of all.
arrow::Result<std::vector<LetterTable>> LetterTables(Workspace& workspace,
                                                     const std::string& pipeline) {
  std::vector<LetterTable> tables;
  std::string known;
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    if (!bound.config.lake) continue;
    known += (known.empty() ? "" : ", ") + bound.config.name;
    if (!pipeline.empty() && bound.config.name != pipeline) continue;
    const std::string key = DeadLetterTableKey(bound.config.lake->table);
    ARROW_ASSIGN_OR_RAISE(const auto pointer, workspace.ledger().TablePointer(key));
    if (!pointer) continue;
    tables.push_back(
        {.pipeline = &bound, .pipeline_name = bound.config.name, .sql_name = SqlNameOf(key)});
  }
  if (workspace.lacks_pipelines()) ARROW_RETURN_NOT_OK(AddLeftOut(workspace, pipeline, &tables));
  if (tables.empty() && !pipeline.empty()) {
    return NotFound("Pipeline has no dead letter table: ", pipeline,
                    "\n  = note: pipelines with a lake: ", known);
  }
  return tables;
}

/// Whatever the condition says, letters of other pipelines are not among them.
std::string Selection(const LetterTable& table, const std::string& where) {
  const std::string& name = table.pipeline_name;
  return " FROM (SELECT * FROM " + table.sql_name +
         (name.empty() ? "" : " WHERE pipeline = " + QuoteSqlText(name)) + ") WHERE " +
         (where.empty() ? "true" : "(" + where + "\n)");
}

/// What is wrong with the condition is shown in the condition, not in the SQL around it.
SqlText TextOf(const std::string& sql, const std::string& where) {
  const size_t at = where.empty() ? sql.npos : sql.find("(" + where + "\n)");
  if (at == sql.npos) return {.sql = sql};
  return {.sql = sql,
          .condition = std::string_view(sql).substr(at + 1, where.size()),
          .source = "--where"};
}

arrow::Status Print(LakeQuery& query, Workspace& workspace, const SqlText& text, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query.Run(text));
  if (!as_json) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.ReadAll());
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    arrow::TableBatchReader reader(*rows);
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto batch, reader.Next());
      if (batch == nullptr) break;
      batches.push_back(std::move(batch));
    }
    std::cout << DrawTable(*result.schema(), batches, {.rows_max = 1'000});
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(auto codec, workspace.registry().MakeCodec("json"));
  ARROW_ASSIGN_OR_RAISE(auto encoder, codec->MakeEncoder(result.schema()));
  std::string bytes;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(encoder->Encode(*rows, &bytes));
  }
  ARROW_RETURN_NOT_OK(encoder->Finish(&bytes));
  std::cout << bytes;
  return arrow::Status::OK();
}

/// "open 3, replayed 1, discarded 0" over the letters of all tables.
arrow::Result<std::string> CountByState(LakeQuery& query, const std::vector<LetterTable>& tables,
                                        const std::string& where) {
  std::string letters;
  for (const LetterTable& table : tables) {
    letters += (letters.empty() ? "" : " UNION ALL ") + std::string("SELECT state") +
               Selection(table, where);
  }
  std::string columns;
  for (const char* state : kStates) {
    columns += (columns.empty() ? "SELECT " : ", ") + std::string("count(*) FILTER (state = '") +
               state + "')";
  }
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query.Run(columns + " FROM (" + letters + ")"));
  ARROW_ASSIGN_OR_RAISE(const auto table, result.ReadAll());
  ARROW_ASSIGN_OR_RAISE(const auto counts, table->CombineChunksToBatch());
  std::string text;
  for (size_t i = 0; i < std::size(kStates); ++i) {
    text += (i == 0 ? "" : ", ") + std::string(kStates[i]) + " ";
    AppendCell(*counts->column(static_cast<int>(i)), 0, &text);
  }
  return text;
}

arrow::Status List(Workspace& workspace, const DlqArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto tables, LetterTables(workspace, arguments.pipeline));
  ARROW_ASSIGN_OR_RAISE(auto query, OpenLakeSession(workspace, ""));
  const bool is_any = arguments.state == "all";
  std::string sql;
  for (const LetterTable& table : tables) {
    sql += (sql.empty() ? "" : " UNION ALL ") +
           std::string(
               "SELECT pipeline, rule, state, count(*) AS letters, min(dead_letter_id) AS "
               "example_id, min(reason) AS example, max(received_at) AS latest, "
               "max(state_at) AS state_at") +
           Selection(table, arguments.where) +
           (is_any ? "" : " AND state = " + QuoteSqlText(arguments.state)) +
           " GROUP BY pipeline, rule, state";
  }
  if (sql.empty()) {
    if (as_json) return arrow::Status::OK();
    std::cout << "no dead letters\n";
    return arrow::Status::OK();
  }
  sql += " ORDER BY letters DESC, pipeline, rule, state";
  ARROW_RETURN_NOT_OK(Print(*query, workspace, TextOf(sql, arguments.where), as_json));
  if (as_json) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const std::string counts, CountByState(*query, tables, arguments.where));
  std::cerr << "letters: " << counts << (is_any ? "" : "; --state all lists all") << "\n"
            << "Next: catchwater dlq show ID, then catchwater dlq replay or discard\n";
  return arrow::Status::OK();
}

/// Numbers as numbers, what is missing as null, all else as text.
Json CellJson(const arrow::Array& column) {
  if (column.IsNull(0)) return nullptr;
  if (column.type_id() == arrow::Type::INT64) {
    return static_cast<const arrow::Int64Array&>(column).Value(0);
  }
  if (column.type_id() == arrow::Type::INT32) {
    return static_cast<const arrow::Int32Array&>(column).Value(0);
  }
  std::string text;
  AppendCell(column, 0, &text);
  return text;
}

arrow::Status Show(Workspace& workspace, const DlqArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto tables, LetterTables(workspace, arguments.pipeline));
  ARROW_ASSIGN_OR_RAISE(auto query, OpenLakeSession(workspace, ""));
  const std::string is_it = "dead_letter_id = " + QuoteSqlText(arguments.id);
  for (const LetterTable& table : tables) {
    ARROW_ASSIGN_OR_RAISE(
        SqlResult result,
        query->Run("SELECT * REPLACE (coalesce(try(decode(raw)), raw::VARCHAR) AS raw)" +
                   Selection(table, is_it)));
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.ReadAll());
    if (rows->num_rows() == 0) continue;
    ARROW_ASSIGN_OR_RAISE(const auto batch, rows->CombineChunksToBatch());
    Json letter = Json::object();
    for (int i = 0; i < batch->num_columns(); ++i) {
      letter[batch->schema()->field(i)->name()] = CellJson(*batch->column(i));
    }
    letter["is_replayed"] = letter["state"] == "replayed";
    if (as_json) {
      std::cout << letter.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
      return arrow::Status::OK();
    }
    for (const auto& [name, value] : letter.items()) {
      std::string label = name;
      label.resize(16, ' ');
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      std::cout << label << (value.is_null() ? "" : text) << "\n";
    }
    return arrow::Status::OK();
  }
  return NotFound("There is no such dead letter: ", arguments.id,
                  "\n  = help: `catchwater dlq list` shows an id of each rule");
}

/// What a replay takes: open letters first, as they were received, at most kReplayLettersMax and
/// about kReplayBytesMax. Letters that bear a mark are given, too: the replay counts them.
arrow::Result<std::vector<StoredLetter>> ReadLetters(LakeQuery& query, const LetterTable& table,
                                                     const std::string& where) {
  const std::string sql =
      "SELECT dead_letter_id, origin, raw, raw_bytes, epoch_us(received_at) AS at" +
      Selection(table, where) +
      " ORDER BY state <> 'open', partition_id, frame_ordinal, row_in_frame LIMIT " +
      std::to_string(kReplayLettersMax);
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query.Run(TextOf(sql, where)));
  std::vector<StoredLetter> letters;
  int64_t byte_count = 0;
  while (byte_count < kReplayBytesMax) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.Next());
    if (rows == nullptr) break;
    const auto& id = static_cast<const arrow::StringArray&>(*rows->column(0));
    const auto& origin = static_cast<const arrow::StringArray&>(*rows->column(1));
    const auto& raw = static_cast<const arrow::BinaryArray&>(*rows->column(2));
    const auto& raw_bytes = static_cast<const arrow::Int64Array&>(*rows->column(3));
    const auto& at = static_cast<const arrow::Int64Array&>(*rows->column(4));
    for (int64_t i = 0; i < rows->num_rows() && byte_count < kReplayBytesMax; ++i) {
      letters.push_back({.id = id.GetString(i),
                         .origin = origin.GetString(i),
                         .raw = raw.IsNull(i) ? "" : std::string(raw.GetView(i)),
                         .raw_bytes = raw_bytes.Value(i),
                         .receive_us = at.Value(i)});
      byte_count += static_cast<int64_t>(letters.back().raw.size());
    }
  }
  return letters;
}

/// Says on the terminal if letters are left for another replay.
arrow::Result<std::vector<StoredLetter>> ChooseLetters(LakeQuery& query, const LetterTable& table,
                                                       const DlqArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(auto letters, ReadLetters(query, table, arguments.where));
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query.Run("SELECT count(*) FILTER (state = 'open')" +
                                                    Selection(table, arguments.where)));
  ARROW_ASSIGN_OR_RAISE(const auto rows, result.Next());
  const int64_t open = static_cast<const arrow::Int64Array&>(*rows->column(0)).Value(0);
  const auto taken = static_cast<int64_t>(letters.size());
  if (open > taken) {
    std::cerr << "note: only the first " << taken << " of " << open
              << " letters are taken; run it again for the others\n";
  }
  return letters;
}

Json ToJson(const std::string& pipeline, const ReplayReport& report, bool is_dry_run) {
  Json failures = Json::array();
  for (const ReplayFailure& failure : report.failures) {
    failures.push_back({{"id", failure.id}, {"reason", failure.reason}});
  }
  return {{"pipeline", pipeline},
          {"dry_run", is_dry_run},
          {"letters", report.letters},
          {"already_replayed", report.already_replayed},
          {"already_discarded", report.already_discarded},
          {"replayed", report.replayed},
          {"rows", report.rows},
          {"taken_out", report.taken_out},
          {"failed", report.failed},
          {"failures", std::move(failures)},
          {"notes", report.notes}};
}

void PrintReport(const std::string& pipeline, const ReplayReport& report, bool is_dry_run) {
  std::cout << "pipeline " << pipeline << ": of " << report.letters << " letters "
            << report.already_replayed << " were replayed before, ";
  if (report.already_discarded > 0) std::cout << report.already_discarded << " are discarded, ";
  std::cout << report.replayed << (is_dry_run ? " would be good now" : " are good now") << " ("
            << report.rows << " rows in the table, " << report.taken_out << " taken out by steps), "
            << report.failed << " fail again and stay\n";
  for (const ReplayFailure& failure : report.failures) {
    std::cout << "  " << failure.id << "  " << failure.reason << "\n";
  }
  for (const std::string& note : report.notes) std::cerr << "note: " << note << "\n";
  if (is_dry_run) std::cerr << "Nothing was written.\n";
}

arrow::Status Replay(Workspace& workspace, const DlqArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto tables, LetterTables(workspace, arguments.pipeline));
  ARROW_ASSIGN_OR_RAISE(auto query, OpenLakeSession(workspace, ""));
  Json reports = Json::array();
  for (const LetterTable& table : tables) {
    ARROW_ASSIGN_OR_RAISE(const auto letters, ChooseLetters(*query, table, arguments));
    ARROW_ASSIGN_OR_RAISE(PipelinePlan plan,
                          BuildPlan(*table.pipeline, workspace.project().folder));
    ARROW_ASSIGN_OR_RAISE(const ReplayReport report,
                          ReplayLetters(std::make_shared<const PipelinePlan>(std::move(plan)),
                                        {.files = workspace.files(),
                                         .clock = workspace.clock(),
                                         .registry = workspace.registry(),
                                         .ledger = &workspace.ledger(),
                                         .lake = &workspace.lake(),
                                         .owner = LeaseOwner(),
                                         .console = std::cout},
                                        letters, {.is_dry_run = arguments.is_dry_run}));
    const std::string& name = table.pipeline->config.name;
    reports.push_back(ToJson(name, report, arguments.is_dry_run));
    if (!as_json) PrintReport(name, report, arguments.is_dry_run);
  }
  if (as_json) {
    std::cout << reports.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else if (tables.empty()) {
    std::cout << "no dead letters\n";
  }
  return arrow::Status::OK();
}

arrow::Status Discard(Workspace& workspace, const DlqArguments& arguments, bool as_json) {
  if (arguments.where.empty() && !arguments.is_dry_run) {
    return ConfigError(
        "`dlq discard` gives letters up for good: say which with --where\n"
        "  = help: `--where true` means all that are open; --dry-run tells how many they are");
  }
  ARROW_ASSIGN_OR_RAISE(const auto tables, LetterTables(workspace, arguments.pipeline));
  ARROW_ASSIGN_OR_RAISE(auto query, OpenLakeSession(workspace, ""));
  Json reports = Json::array();
  for (const LetterTable& table : tables) {
    ARROW_ASSIGN_OR_RAISE(const auto letters, ChooseLetters(*query, table, arguments));
    std::vector<std::string> ids;
    for (const StoredLetter& letter : letters) ids.push_back(letter.id);
    const std::string& name = table.pipeline->config.name;
    ARROW_ASSIGN_OR_RAISE(
        const DiscardReport report,
        DiscardLetters(
            workspace.lake(), ids,
            {.pipeline = name, .owner = LeaseOwner(), .is_dry_run = arguments.is_dry_run}));
    reports.push_back({{"pipeline", name},
                       {"dry_run", arguments.is_dry_run},
                       {"letters", report.letters},
                       {"already_replayed", report.already_replayed},
                       {"already_discarded", report.already_discarded},
                       {"discarded", report.discarded}});
    if (as_json) continue;
    std::cout << "pipeline " << name << ": of " << report.letters << " letters "
              << report.already_replayed << " were replayed and " << report.already_discarded
              << " discarded before, " << report.discarded
              << (arguments.is_dry_run ? " would be discarded\n" : " are discarded now\n");
  }
  if (as_json) {
    std::cout << reports.dump(2) << "\n";
  } else if (tables.empty()) {
    std::cout << "no dead letters\n";
  } else if (arguments.is_dry_run) {
    std::cerr << "Nothing was written.\n";
  }
  return arrow::Status::OK();
}

using DlqCall = arrow::Status (*)(Workspace&, const DlqArguments&, bool as_json);

Command& AddDlqCommand(Command& verb, GlobalOptions& globals, const char* name, const char* summary,
                       std::shared_ptr<DlqArguments> arguments, DlqCall call) {
  Command& command = verb.Sub(name, summary);
  // The word of `show` is the letter.
  command.Option(call == Show ? "--project" : "--project,project", globals.project,
                 "Project folder");
  command.Option("--pipeline", arguments->pipeline, "Only this pipeline's letters");
  command.Runs([&globals, arguments, call] {
    const bool reads = call == List || call == Show;
    return WithData(
        globals, reads ? ProjectUse::kReads : ProjectUse::kRuns,
        [&](Workspace& workspace) { return call(workspace, *arguments, globals.json); });
  });
  return command;
}

}  // namespace

void AddDlqVerb(Command& program, GlobalOptions& globals) {
  Command& verb =
      program.Sub("dlq", "Dead letters: what was refused, putting it back or giving it up");
  verb.RequireSub();
  auto arguments = std::make_shared<DlqArguments>();
  const char* where = "SQL over the letters, e.g. \"rule = 'validate.range'\"";
  Command& list =
      AddDlqCommand(verb, globals, "list", "Count the open letters by rule", arguments, List);
  list.Option("--where", arguments->where, where);
  list.Option("--state", arguments->state, "open (default), replayed, discarded or all")
      .OneOf({"open", "replayed", "discarded", "all"});
  AddDlqCommand(verb, globals, "show", "Show one letter with its place, reason and bytes",
                arguments, Show)
      .Option("id", arguments->id, "The letter, e.g. 7:1024:0")
      .Required();
  Command& replay = AddDlqCommand(
      verb, globals, "replay", "Send letters through the pipeline as it is now", arguments, Replay);
  replay.Option("--where", arguments->where, where);
  replay.Flag("--dry-run", arguments->is_dry_run, "Say what would happen; write nothing");
  Command& discard = AddDlqCommand(verb, globals, "discard",
                                   "Accept letters as lost: they stay, and are not open any more",
                                   arguments, Discard);
  discard.Option("--where", arguments->where, where);
  discard.Flag("--dry-run", arguments->is_dry_run, "Say what would happen; write nothing");
}

}  // namespace catchwater
