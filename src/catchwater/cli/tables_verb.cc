#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "catchwater/base/timestamp.h"
#include "catchwater/cli/text_grid.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/crawl_report.h"
#include "catchwater/crawl/external_crawl.h"

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

/// What `contract: evolve` did to tables, oldest first.
arrow::Status PrintChanges(Workspace& workspace, bool as_json) {
  constexpr int64_t kPage = 10'000;
  nlohmann::ordered_json changes = nlohmann::ordered_json::array();
  TextGrid grid({"table", "at", "column", "change", "type", "by"});
  for (int64_t after_seq = 0;;) {
    ARROW_ASSIGN_OR_RAISE(const auto events, workspace.ledger().Feed(after_seq, kPage));
    if (events.empty()) break;
    for (const Event& event : events) {
      after_seq = std::max(after_seq, event.seq);
      if (event.kind != "schema_change") continue;
      const auto body = nlohmann::json::parse(event.body_json, nullptr, false);
      if (body.is_discarded()) continue;
      const std::string type =
          (body.contains("from") ? body.value("from", "") + " -> " : "") + body.value("type", "");
      changes.push_back({{"table", event.object}});
      changes.back().update(body);
      grid.Add({event.object, body.value("at", ""), body.value("column", ""),
                body.value("change", ""), type, body.value("by", "")});
    }
  }
  std::cout << (as_json ? changes.dump(2) + "\n" : grid.Draw());
  return arrow::Status::OK();
}

std::string Counted(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

/// Live data files by partition.
arrow::Result<std::map<std::string, int64_t>> FilesByPartition(Workspace& workspace,
                                                               const std::string& table_key) {
  WorkQuery query;
  query.table_key = table_key;
  query.live_only = true;
  query.limit = INT64_MAX;
  ARROW_ASSIGN_OR_RAISE(const auto files, workspace.ledger().DataFiles(query));
  std::map<std::string, int64_t> counts;
  for (const DataFileRecord& file : files) ++counts[file.file.partition_key];
  return counts;
}

void PrintTable(const nlohmann::ordered_json& table) {
  std::cout << table["table"].get<std::string>() << "  ";
  if (table["kind"] != "iceberg") {
    std::cout << table["kind"].get<std::string>() << ", " << Counted(table["files"], "file")
              << " below " << table["root"].get<std::string>() << "\n";
  } else {
    std::cout << Counted(table["rows"], "row") << " in " << Counted(table["data_files"], "file")
              << ", " << Counted(table["partitions"], "partition") << " with at most "
              << Counted(table["files_a_partition_max"], "file") << ", "
              << Counted(table["snapshots"], "snapshot") << "\n";
  }
  for (const auto& [name, type] : table["columns"].items()) {
    std::cout << "    " << name << " " << type.get<std::string>() << "\n";
  }
}

/// CSV and JSON files that a crawl found.
arrow::Status AddExternalTables(Workspace& workspace, nlohmann::ordered_json* tables) {
  ARROW_ASSIGN_OR_RAISE(const auto records,
                        LoadCrawlRecords(workspace.files(), workspace.data_folder()));
  for (const auto& [table_key, record] : records) {
    if (record.format == CrawlFormat::kParquet) continue;  // The catalog has it.
    nlohmann::ordered_json columns = nlohmann::ordered_json::object();
    for (const auto& [name, type] : ExternalColumns(record)) columns[name] = type;
    tables->push_back({{"table", table_key},
                       {"kind", KindName(record.format)},
                       {"files", record.files.size()},
                       {"columns", columns},
                       {"root", record.root}});
  }
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
    ARROW_ASSIGN_OR_RAISE(const auto files, FilesByPartition(workspace, table_key));
    int64_t files_max = 0;
    for (const auto& [partition, count] : files) files_max = std::max(files_max, count);
    tables.push_back({{"table", table_key},
                      {"kind", "iceberg"},
                      {"rows", table->record_count()},
                      {"data_files", table->data_file_count()},
                      {"partitions", files.size()},
                      {"files_a_partition_max", files_max},
                      {"snapshots", table->metadata->snapshots.size()},
                      {"columns", columns},
                      {"metadata", location}});
  }
  ARROW_RETURN_NOT_OK(AddExternalTables(workspace, &tables));
  if (as_json) {
    std::cout << tables.dump(2) << "\n";
    return arrow::Status::OK();
  }
  for (const auto& table : tables) PrintTable(table);
  return arrow::Status::OK();
}

}  // namespace

void AddTablesVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("tables", "List the tables with their rows, files and columns");
  verb.Option("--project,project", globals.project, "Project folder");
  auto lists_snapshots = std::make_shared<bool>(false);
  verb.Flag("--snapshots", *lists_snapshots, "List the moments that `query --at` can go to");
  auto lists_changes = std::make_shared<bool>(false);
  verb.Flag("--changes", *lists_changes,
            "List the columns that `contract: evolve` added or widened");
  verb.Runs([&globals, lists_snapshots, lists_changes] {
    return WithData(globals, ProjectUse::kReads, [&](Workspace& workspace) {
      if (*lists_changes) return PrintChanges(workspace, globals.json);
      return *lists_snapshots ? PrintSnapshots(workspace, globals.json)
                              : PrintTables(workspace, globals.json);
    });
  });
}

}  // namespace catchwater
