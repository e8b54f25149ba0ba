#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/cli/lease_owner.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/found_files.h"
#include "catchwater/crawl/parquet_crawl.h"
#include "catchwater/io/store_path.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

struct CrawlArguments {
  std::string place;
  std::string name_space = "crawled";
};

std::string RootOf(const std::string& place) {
  std::string root = IsStorePath(place) ? place : fs::absolute(place).lexically_normal().string();
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  return root;
}

/// Letters, digits and `_`.
std::string NameFrom(std::string text) {
  for (char& c : text) {
    const bool is_good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_good) c = '_';
  }
  return text;
}

/// Each folder with Parquet files is a table.
std::map<std::string, std::vector<CrawledFile>> ByTable(const std::vector<CrawledFile>& found,
                                                        const std::string& root,
                                                        const std::string& name_space) {
  std::map<std::string, std::vector<CrawledFile>> tables;
  const std::string top = root.substr(root.rfind('/') + 1);
  for (const CrawledFile& file : found) {
    if (!IsParquetName(file.entry.path)) continue;
    tables[name_space + "." + NameFrom(file.folder.empty() ? top : file.folder)].push_back(file);
  }
  return tables;
}

arrow::Result<std::vector<CrawlReport>> Crawl(Workspace& workspace,
                                              const CrawlArguments& arguments) {
  const std::string root = RootOf(arguments.place);
  if (root == workspace.warehouse() || root.starts_with(workspace.warehouse() + "/")) {
    return ConfigError("Folder of the project's own tables cannot be crawled: ", root);
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto found,
      ListTree(workspace.files(), root, {workspace.warehouse(), workspace.data_folder()}));
  ARROW_ASSIGN_OR_RAISE(const auto lease,
                        UpkeepLease::Take(workspace.lake(), "crawl", LeaseOwner()));
  if (!lease) return Conflict("Another crawl is running in this project; try again when it ended");
  ARROW_ASSIGN_OR_RAISE(auto records, LoadCrawlRecords(workspace.files(), workspace.data_folder()));
  auto tables = ByTable(found, root, arguments.name_space);
  for (const auto& [table_key, record] : records) {
    if (record.root == root) tables[table_key];  // All of its files may be gone.
  }
  std::vector<CrawlReport> reports;
  for (const auto& [table_key, files] : tables) {
    CrawlRecord& record = records[table_key];
    record.table_key = table_key;
    if (!record.root.empty() && record.root != root) {
      return ConfigError(
          "Table is of a crawl of another folder; give --namespace. Table and folder: ", table_key,
          ", ", record.root);
    }
    record.root = root;
    ARROW_ASSIGN_OR_RAISE(CrawlReport report,
                          CrawlParquet(workspace.lake(), lease->fence(), files, &record));
    if (report.added + report.changed + report.gone > 0) {
      ARROW_RETURN_NOT_OK(StoreCrawlRecord(workspace.files(), workspace.data_folder(), record));
    }
    reports.push_back(std::move(report));
  }
  return reports;
}

void Print(const std::vector<CrawlReport>& reports, bool as_json) {
  auto json = nlohmann::ordered_json::array();
  for (const CrawlReport& report : reports) {
    json.push_back({{"table", report.table_key},
                    {"files", report.files},
                    {"added", report.added},
                    {"changed", report.changed},
                    {"gone", report.gone}});
    if (as_json) continue;
    std::cout << report.table_key << "  files " << report.files << ": added " << report.added
              << ", changed " << report.changed << ", gone " << report.gone << "\n";
  }
  if (as_json) std::cout << json.dump(2) << "\n";
  if (!as_json && reports.empty()) std::cout << "no Parquet files there\n";
}

}  // namespace

void AddCrawlVerb(Command& program, GlobalOptions& globals) {
  Command& verb =
      program.Sub("crawl", "Make tables of Parquet files that are already there, in place");
  auto arguments = std::make_shared<CrawlArguments>();
  verb.Option("place", arguments->place, "Folder or s3://bucket/prefix").Required();
  verb.Option("--project", globals.project, "Project folder");
  verb.Option("--namespace", arguments->name_space, "Namespace of the tables");
  verb.Runs([&globals, arguments] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals)) return *code;
    const arrow::Status opened = workspace.OpenData(globals, /*may_create=*/true);
    if (!opened.ok()) return ReportFailure(opened);
    const auto reports = Crawl(workspace, *arguments);
    if (!reports.ok()) return ReportFailure(reports.status());
    Print(*reports, globals.json);
    return ExitCode::kOk;
  });
}

}  // namespace catchwater
