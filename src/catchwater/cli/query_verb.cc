#include <iostream>
#include <memory>

#include <arrow/table.h>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/control_server.h"
#include "catchwater/query/lake_query.h"

namespace catchwater {
namespace {

struct QueryArguments {
  std::string sql;
  std::string format;
  std::string at;
  int64_t rows_max = 1'000;
};

arrow::Result<ReadPoint> CurrentReadPoint(Workspace& workspace, const QueryArguments& arguments) {
  if (arguments.at.empty()) {
    // A running program sees rows that are in no commit yet.
    ARROW_ASSIGN_OR_RAISE(auto live, AskReadPoint(workspace.control_socket()));
    if (live) return *std::move(live);
  }
  ReadPoint point;
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  point.seq = catalog.seq;
  point.metadata_location = catalog.metadata_location;
  if (!arguments.at.empty()) {
    const LocalTime time = ToUtc(ParseIso(arguments.at));
    if (time.fault != TimeFault::kNone) {
      return ConfigError("Time of --at cannot be read, ", TimeFaultText(time.fault), ": ",
                         arguments.at);
    }
    point.as_of_us = time.us;
  }
  return point;
}

arrow::Status PrintEncoded(SqlResult result, const Registry& registry, const std::string& format) {
  ARROW_ASSIGN_OR_RAISE(auto codec, registry.MakeCodec(format));
  ARROW_ASSIGN_OR_RAISE(auto encoder, codec->MakeEncoder(result.schema()));
  std::string bytes;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(encoder->Encode(*rows, &bytes));
    std::cout << bytes;
    bytes.clear();
  }
  ARROW_RETURN_NOT_OK(encoder->Finish(&bytes));
  std::cout << bytes << std::flush;
  return arrow::Status::OK();
}

arrow::Status PrintTable(SqlResult result, int64_t rows_max) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, result.Next());
    if (rows == nullptr) break;
    batches.push_back(std::move(rows));
  }
  std::cout << DrawTable(*result.schema(), batches, {.rows_max = rows_max}) << std::flush;
  return arrow::Status::OK();
}

arrow::Status RunQuery(Workspace& workspace, const QueryArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(ReadPoint point, CurrentReadPoint(workspace, arguments));
  LakeQueryOptions options;
  options.sql.threads = 2;
  options.sql.memory_bytes_max = workspace.project().settings.memory.sql.bytes;
  options.sql.temp_directory = workspace.data_folder() + "/tmp";
  options.extension_folder = Workspace::ExtensionFolder();
  ARROW_ASSIGN_OR_RAISE(auto query,
                        LakeQuery::Open(workspace.lake(), std::move(point), options));
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query->Run(arguments.sql));
  if (arguments.format == "table") return PrintTable(std::move(result), arguments.rows_max);
  return PrintEncoded(std::move(result), workspace.registry(), arguments.format);
}

}  // namespace

void AddQueryVerb(CLI::App& app, VerbContext& context) {
  auto* verb = app.add_subcommand("query", "Ask the tables by SQL");
  auto arguments = std::make_shared<QueryArguments>();
  verb->add_option("sql", arguments->sql, "One statement; tables are named namespace.name")
      ->required();
  verb->add_option("--project", context.globals.project, "Project folder");
  verb->add_option("--format", arguments->format, "table, csv or json")
      ->check(CLI::IsMember({"table", "csv", "json"}));
  verb->add_option("--at", arguments->at, "Time travel: the tables as they were at this time");
  verb->add_option("--rows", arguments->rows_max, "Most rows that a table shows");
  verb->callback([&context, arguments] {
    context.run = [&context, arguments] {
      if (arguments->format.empty()) arguments->format = context.globals.json ? "json" : "table";
      Workspace workspace;
      if (auto code = workspace.LoadProject(context.globals)) return *code;
      arrow::Status status = workspace.OpenData(context.globals, /*may_create=*/false);
      if (status.ok()) status = RunQuery(workspace, *arguments);
      return status.ok() ? ExitCode::kOk : ReportFailure(status);
    };
  });
}

}  // namespace catchwater
