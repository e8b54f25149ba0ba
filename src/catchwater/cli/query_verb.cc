#include <cstdio>
#include <iostream>
#include <memory>

#include <arrow/table.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/cli/lake_session.h"
#include "catchwater/sql/sql_text.h"

namespace catchwater {
namespace {

struct QueryArguments {
  std::string sql;
  std::string format;
  std::string output;
  std::string at;
  int64_t rows_max = 1'000;
};

/// Writes to standard output, or to a file that appears only when it is whole.
class Output {
 public:
  Output(Files& files, std::string path) : files_(files), path_(std::move(path)) {}

  arrow::Status Open() {
    if (path_.empty()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(files_.Remove(partial()));
    ARROW_ASSIGN_OR_RAISE(file_, files_.CreateNew(partial()));
    return arrow::Status::OK();
  }
  arrow::Status Write(const std::string& bytes) {
    if (file_ != nullptr) return file_->Write(bytes);
    std::cout << bytes;
    return std::cout ? arrow::Status::OK() : Unavailable("Standard output is closed");
  }
  arrow::Status Finish() {
    if (file_ == nullptr) {
      std::cout << std::flush;
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(file_->Sync());
    ARROW_RETURN_NOT_OK(file_->Close());
    return files_.Rename(partial(), path_);
  }

 private:
  std::string partial() const { return path_ + ".partial"; }

  Files& files_;
  const std::string path_;
  std::shared_ptr<WritableFile> file_;
};

arrow::Status WriteEncoded(SqlResult result, const Registry& registry, const std::string& format,
                           Output& output) {
  ARROW_ASSIGN_OR_RAISE(auto codec, registry.MakeCodec(format));
  ARROW_ASSIGN_OR_RAISE(auto encoder, codec->MakeEncoder(result.schema()));
  std::string bytes;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, result.Next());
    if (rows == nullptr) break;
    ARROW_RETURN_NOT_OK(encoder->Encode(*rows, &bytes));
    ARROW_RETURN_NOT_OK(output.Write(bytes));
    bytes.clear();
  }
  ARROW_RETURN_NOT_OK(encoder->Finish(&bytes));
  ARROW_RETURN_NOT_OK(output.Write(bytes));
  return output.Finish();
}

/// Keeps no more rows than are shown; the others are only counted.
arrow::Status WriteTable(SqlResult result, int64_t rows_max, Output& output) {
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  int64_t row_count = 0;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, result.Next());
    if (rows == nullptr) break;
    if (row_count < rows_max) batches.push_back(rows->Slice(0, rows_max - row_count));
    row_count += rows->num_rows();
  }
  ARROW_RETURN_NOT_OK(output.Write(DrawTable(*result.schema(), batches, {.rows_max = rows_max})));
  if (row_count > rows_max) {
    std::cerr << row_count - rows_max << " more rows; --rows shows more, --format csv all\n";
  }
  return output.Finish();
}

arrow::Status WriteParquet(LakeQuery& query, Files& files, std::string sql,
                           const std::string& path) {
  while (!sql.empty() && (sql.back() == ';' || sql.back() == ' ' || sql.back() == '\n')) {
    sql.pop_back();
  }
  const std::string partial = path + ".partial";
  const std::string begin = "COPY (";
  const std::string copy =
      begin + sql + "\n) TO " + QuoteSqlText(partial) + " (FORMAT parquet, COMPRESSION zstd)";
  auto copied = query.Run({.sql = copy,
                           .condition = std::string_view(copy).substr(begin.size(), sql.size()),
                           .may_write = true});
  if (!copied.ok()) {
    (void)files.Remove(partial);
    return copied.status();
  }
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, copied->Next());
    if (rows == nullptr) break;
  }
  return files.Rename(partial, path);
}

arrow::Status RunQuery(Workspace& workspace, const QueryArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(auto query, OpenLakeSession(workspace, arguments.at));
  if (arguments.format == "parquet") {
    return WriteParquet(*query, workspace.files(), arguments.sql, arguments.output);
  }
  ARROW_ASSIGN_OR_RAISE(SqlResult result, query->Run(arguments.sql));
  Output output(workspace.files(), arguments.output);
  ARROW_RETURN_NOT_OK(output.Open());
  if (arguments.format == "table") {
    return WriteTable(std::move(result), arguments.rows_max, output);
  }
  return WriteEncoded(std::move(result), workspace.registry(), arguments.format, output);
}

}  // namespace

void AddQueryVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("query", "Ask the tables by SQL");
  auto arguments = std::make_shared<QueryArguments>();
  verb.Option("sql", arguments->sql, "One statement; tables are named namespace.name").Required();
  verb.Option("--project", globals.project, "Project folder");
  verb.Option("--format", arguments->format, "table, csv, json or parquet (needs --output)")
      .OneOf({"table", "csv", "json", "parquet"});
  verb.Option("-o,--output", arguments->output, "Write to this file");
  verb.Option("--at", arguments->at, "Time travel: the tables as they were at this time");
  verb.Option("--rows", arguments->rows_max, "Most rows that a table shows").AtLeast(0);
  verb.Runs([&globals, arguments] {
    if (arguments->format.empty()) arguments->format = globals.json ? "json" : "table";
    if (arguments->format == "parquet" && arguments->output.empty()) {
      std::cerr << "error: --format parquet needs --output FILE\n";
      return ExitCode::kUsage;
    }
    return WithData(globals, ProjectUse::kReads,
                    [&](Workspace& workspace) { return RunQuery(workspace, *arguments); });
  });
}

}  // namespace catchwater
