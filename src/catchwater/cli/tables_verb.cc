#include <iostream>

#include <nlohmann/json.hpp>

#include "catchwater/cli/workspace.h"

namespace catchwater {
namespace {

arrow::Status PrintTables(Workspace& workspace, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  nlohmann::ordered_json tables = nlohmann::ordered_json::array();
  for (const auto& [table_key, location] : catalog.metadata_location) {
    ARROW_ASSIGN_OR_RAISE(const auto table, workspace.lake().LoadAt(table_key, location));
    nlohmann::ordered_json columns = nlohmann::ordered_json::object();
    for (const IcebergField& field : table->metadata->schema().fields) {
      columns[field.name] = TypeText(field.type);
    }
    tables.push_back({{"table", table_key},
                      {"rows", table->record_count()},
                      {"data_files", table->data_file_count()},
                      {"snapshots", table->metadata->snapshots.size()},
                      {"columns", columns},
                      {"metadata", location}});
  }
  if (as_json) {
    std::cout << tables.dump(2) << "\n";
    return arrow::Status::OK();
  }
  for (const auto& table : tables) {
    std::cout << table["table"].get<std::string>() << "  " << table["rows"] << " rows in "
              << table["data_files"] << " files, " << table["snapshots"] << " snapshots\n";
    for (const auto& [name, type] : table["columns"].items()) {
      std::cout << "    " << name << " " << type.get<std::string>() << "\n";
    }
  }
  return arrow::Status::OK();
}

}  // namespace

void AddTablesVerb(CLI::App& app, VerbContext& context) {
  auto* verb = app.add_subcommand("tables", "List the tables with their rows, files and columns");
  verb->add_option("project", context.globals.project, "Project folder");
  verb->callback([&context] {
    context.run = [&context] {
      Workspace workspace;
      if (auto code = workspace.LoadProject(context.globals)) return *code;
      arrow::Status status = workspace.OpenData(context.globals, /*may_create=*/false);
      if (status.ok()) status = PrintTables(workspace, context.globals.json);
      return status.ok() ? ExitCode::kOk : ReportFailure(status);
    };
  });
}

}  // namespace catchwater
