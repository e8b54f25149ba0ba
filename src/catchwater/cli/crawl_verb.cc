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
#include "catchwater/cli/open_store.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/external_crawl.h"
#include "catchwater/crawl/found_files.h"
#include "catchwater/crawl/object_crawl.h"
#include "catchwater/crawl/object_file.h"
#include "catchwater/crawl/parquet_crawl.h"
#include "catchwater/io/store_path.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;

struct CrawlArguments {
  std::string place;
  std::string name_space = "crawled";
  bool is_of_objects = false;
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

struct TableFiles {
  CrawlFormat format = CrawlFormat::kParquet;
  std::vector<CrawledFile> files;
};
using FilesByTable = std::map<std::string, TableFiles>;

/// Each folder is a table for each format of files in it.
arrow::Result<FilesByTable> ByTable(const std::vector<CrawledFile>& found, const std::string& root,
                                    const std::string& name_space) {
  FilesByTable tables;
  const std::string top = root.substr(root.rfind('/') + 1);
  for (const CrawledFile& file : found) {
    const auto format = FormatOfName(file.entry.path);
    if (!format) continue;
    std::string table_key = name_space + "." + NameFrom(file.folder.empty() ? top : file.folder);
    if (*format != CrawlFormat::kParquet) table_key += "_" + std::string(FormatName(*format));
    tables[table_key].format = *format;
    std::vector<CrawledFile>& files = tables[table_key].files;
    if (!files.empty() && files.front().folder != file.folder) {
      return ConfigError("Two folders give one name of a table; crawl one of them by itself with ",
                         "--namespace. Table and a file of each: ", table_key, ", ",
                         files.front().entry.path, ", ", file.entry.path);
    }
    files.push_back(file);
  }
  return tables;
}

/// A file is in one table only: a folder above or below one that was crawled has its files.
arrow::Status CheckOthersFiles(const FilesByTable& tables, const std::string& root,
                               const std::map<std::string, CrawlRecord>& records) {
  for (const auto& [table_key, record] : records) {
    if (record.root == root) continue;
    for (const auto& [name, table] : tables) {
      for (const CrawledFile& file : table.files) {
        if (!record.files.contains(file.entry.path)) continue;
        return ConfigError("Folder has files that are in a table of another crawl already; crawl ",
                           "that folder again, or others by themselves. File, table and folder: ",
                           file.entry.path, ", ", table_key, ", ", record.root);
      }
    }
  }
  return arrow::Status::OK();
}

/// CSV and JSON.
arrow::Result<CrawlReport> CrawlTexts(Workspace& workspace, const TableFiles& table,
                                      CrawlRecord* record) {
  if (workspace.lake().LoadTable(record->table_key).ok()) {
    return ConfigError("Table exists and is not of a crawl; give --namespace. Table: ",
                       record->table_key);
  }
  record->format = table.format;
  SqlOptions options;
  options.memory_bytes_max = workspace.project().settings.memory.sql.bytes;
  options.temp_directory = workspace.data_folder() + "/tmp";
  options.trusts_extensions = true;  // Set-up checked them; no statement of others runs here.
  ARROW_ASSIGN_OR_RAISE(const auto database, SqlDatabase::Open(options));
  if (IsStorePath(record->root)) {
    ARROW_RETURN_NOT_OK(database->LoadIcebergExtensions(Workspace::ExtensionFolder()));
    ARROW_ASSIGN_OR_RAISE(const SqlS3Options s3, SqlOptionsOf(workspace.store()));
    ARROW_RETURN_NOT_OK(database->UseS3(s3));
  }
  ARROW_ASSIGN_OR_RAISE(const auto sql, database->Connect());
  return CrawlExternal(*sql, table.files, record);
}

/// record: of the table, as far as there is one
arrow::Result<CrawlReport> CrawlTable(Workspace& workspace, const Fence& fence,
                                      const std::string& root, const TableFiles& table,
                                      CrawlRecord* record) {
  if (!record->root.empty() && record->root != root) {
    return ConfigError(
        "Table is of a crawl of another folder; give --namespace. Table and folder: ",
        record->table_key, ", ", record->root);
  }
  record->root = root;
  CrawlReport report;
  if (table.format == CrawlFormat::kParquet) {
    ARROW_ASSIGN_OR_RAISE(report, CrawlParquet(workspace.lake(), fence, table.files, record));
  } else {
    ARROW_ASSIGN_OR_RAISE(report, CrawlTexts(workspace, table, record));
  }
  if (report.added + report.changed + report.gone > 0) {
    ARROW_RETURN_NOT_OK(StoreCrawlRecord(workspace.files(), workspace.data_folder(), *record));
  }
  return report;
}

/// Files that are no records, in one table for the whole tree.
arrow::Result<CrawlReport> CrawlAllObjects(Workspace& workspace, const Fence& fence,
                                           const std::string& root, const std::string& name_space,
                                           std::vector<CrawledFile> found) {
  std::erase_if(found,
                [](const CrawledFile& file) { return FormatOfName(file.entry.path).has_value(); });
  const std::string top = root.substr(root.rfind('/') + 1);
  const ObjectCrawl crawl{.root = root, .table_key = name_space + "." + NameFrom(top) + "_objects"};
  ARROW_ASSIGN_OR_RAISE(const auto reader, ObjectReader::Make());
  return CrawlObjects(workspace.lake(), fence, *reader, crawl, found);
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
  if (arguments.is_of_objects) {
    ARROW_ASSIGN_OR_RAISE(CrawlReport report, CrawlAllObjects(workspace, lease->fence(), root,
                                                              arguments.name_space, found));
    return std::vector<CrawlReport>{std::move(report)};
  }
  ARROW_ASSIGN_OR_RAISE(auto records, LoadCrawlRecords(workspace.files(), workspace.data_folder()));
  ARROW_ASSIGN_OR_RAISE(FilesByTable tables, ByTable(found, root, arguments.name_space));
  ARROW_RETURN_NOT_OK(CheckOthersFiles(tables, root, records));
  for (const auto& [table_key, record] : records) {
    if (record.root == root) tables[table_key].format = record.format;  // All may be gone.
  }
  std::vector<CrawlReport> reports;
  for (const auto& [table_key, table] : tables) {
    CrawlRecord& record = records[table_key];
    record.table_key = table_key;
    auto report = CrawlTable(workspace, lease->fence(), root, table, &record);
    // What is wrong with one table is no reason to leave the others.
    if (!report.ok() && KindOf(report.status()) != ErrorKind::kConfig) return report.status();
    reports.push_back(
        report.ok() ? *std::move(report)
                    : CrawlReport{.table_key = table_key, .failure = report.status().message()});
  }
  return reports;
}

void Print(const std::vector<CrawlReport>& reports, bool as_json) {
  auto json = nlohmann::ordered_json::array();
  for (const CrawlReport& report : reports) {
    auto refused = nlohmann::ordered_json::array();
    for (const RefusedFile& file : report.refused) {
      refused.push_back({{"path", file.path}, {"reason", file.reason}});
    }
    json.push_back({{"table", report.table_key},
                    {"kind", KindName(report.format)},
                    {"files", report.files},
                    {"added", report.added},
                    {"changed", report.changed},
                    {"gone", report.gone},
                    {"refused", std::move(refused)},
                    {"failure", report.failure}});
    if (as_json) continue;
    for (const RefusedFile& file : report.refused) {
      std::cerr << "warning: left out: " << file.reason << "\n";
    }
    if (!report.failure.empty()) {
      std::cerr << "error: " << report.table_key << ": " << report.failure << "\n";
      continue;
    }
    const bool is_external = report.format != CrawlFormat::kParquet;
    std::cout << report.table_key << "  "
              << (is_external ? KindName(report.format) + ", " : std::string()) << "files "
              << report.files << ": added " << report.added << ", changed " << report.changed
              << ", gone " << report.gone << "\n";
  }
  if (as_json) std::cout << json.dump(2) << "\n";
  if (!as_json && reports.empty()) std::cout << "no Parquet, CSV or JSON files there\n";
}

ExitCode ExitCodeOf(const std::vector<CrawlReport>& reports) {
  ExitCode code = ExitCode::kOk;
  for (const CrawlReport& report : reports) {
    if (!report.failure.empty()) return ExitCode::kConfig;
    if (!report.refused.empty()) code = ExitCode::kFailed;
  }
  return code;
}

}  // namespace

void AddCrawlVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub(
      "crawl", "Make tables of Parquet, CSV and JSON files that are already there, in place");
  auto arguments = std::make_shared<CrawlArguments>();
  verb.Option("place", arguments->place, "Folder or s3://bucket/prefix").Required();
  verb.Option("--project", globals.project, "Project folder");
  verb.Option("--namespace", arguments->name_space, "Namespace of the tables");
  verb.Flag("--objects", arguments->is_of_objects,
            "Register files that are no records (images, PDF, text) in a table");
  verb.Runs([&globals, arguments] {
    Workspace workspace;
    if (auto code = workspace.LoadProject(globals)) return *code;
    const arrow::Status opened = workspace.OpenData(globals, /*may_create=*/true);
    if (!opened.ok()) return ReportFailure(opened);
    const auto reports = Crawl(workspace, *arguments);
    if (!reports.ok()) return ReportFailure(reports.status());
    Print(*reports, globals.json);
    return ExitCodeOf(*reports);
  });
}

}  // namespace catchwater
