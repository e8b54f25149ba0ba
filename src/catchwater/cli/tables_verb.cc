#include <iostream>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "catchwater/base/timestamp.h"
#include "catchwater/cli/text_grid.h"
#include "catchwater/cli/workspace.h"

namespace catchwater {
namespace {

/// Each snapshot's time is what `query --at` takes.
arrow::Status PrintSnapshots(Workspace& workspace, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  nlohmann::ordered_json snapshots = nlohmann::ordered_json::array();
  TextGrid grid({"table", "at", "snapshot", "operation", "rows"});
  for (const auto& [table_key, location] : catalog.metadata_location) {
    ARROW_ASSIGN_OR_RAISE(const auto table, workspace.lake().LoadAt(table_key, location));
    for (const auto& snapshot : table->metadata->snapshots) {
      std::string at;
      AppendTimestamp(snapshot->timestamp_ms * 1000, /*with_z=*/true, &at);
      const auto find = [&](const char* key) {
        const auto found = snapshot->summary.find(key);
        return found == snapshot->summary.end() ? std::string() : found->second;
      };
      const std::string operation = find("operation");
      const std::string rows = find("total-records");
      snapshots.push_back({{"table", table_key},
                           {"at", at},
                           {"snapshot", snapshot->snapshot_id},
                           {"operation", operation},
                           {"total_rows", rows}});
      grid.Add({table_key, at, std::to_string(snapshot->snapshot_id), operation, rows});
    }
  }
  std::cout << (as_json ? snapshots.dump(2) + "\n" : grid.Draw());
  return arrow::Status::OK();
}

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

void AddTablesVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("tables", "List the tables with their rows, files and columns");
  verb.Option("project", globals.project, "Project folder");
  auto lists_snapshots = std::make_shared<bool>(false);
  verb.Flag("--snapshots", *lists_snapshots, "List the moments that `query --at` can go to");
  verb.Runs([&globals, lists_snapshots] {
    return WithData(globals, [&](Workspace& workspace) {
      return *lists_snapshots ? PrintSnapshots(workspace, globals.json)
                              : PrintTables(workspace, globals.json);
    });
  });
}

}  // namespace catchwater
