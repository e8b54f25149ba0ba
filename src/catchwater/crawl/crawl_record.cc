#include "catchwater/crawl/crawl_record.h"

#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kRecordBytesMax = 512LL << 20;

std::string FolderOf(const std::string& data_folder) { return data_folder + "/crawl"; }

arrow::Result<CrawlRecord> Parse(const std::string& text, const std::string& path) {
  try {
    const auto json = nlohmann::json::parse(text);
    CrawlRecord record{.table_key = json.at("table"), .root = json.at("root"), .files = {}};
    const std::string format = json.value("format", std::string(FormatName(record.format)));
    for (const CrawlFormat one : {CrawlFormat::kCsv, CrawlFormat::kJson}) {
      if (format == FormatName(one)) record.format = one;
    }
    record.path_columns = json.value("path_columns", SqlColumns());
    for (const auto& file : json.at("files")) {
      const std::string file_path = file.at("path");
      record.files[file_path] = {.byte_count = file.at("bytes"),
                                 .modified_us = file.at("modified_us")};
      if (record.format == CrawlFormat::kParquet) continue;
      record.shapes[file_path] = {.options = file.at("options"),
                                  .columns = file.at("columns").get<SqlColumns>()};
    }
    return record;
  } catch (const nlohmann::json::exception& error) {
    return BadData("Record of a crawl is damaged; remove it and crawl again: ", path, ": ",
                   error.what());
  }
}

}  // namespace

FileChanges ChangesSince(const std::map<std::string, SeenFile>& seen,
                         const std::vector<CrawledFile>& now) {
  FileChanges changes;
  std::set<std::string> present;
  for (const CrawledFile& file : now) {
    present.insert(file.entry.path);
    const auto found = seen.find(file.entry.path);
    const SeenFile is{.byte_count = file.entry.byte_count, .modified_us = file.entry.modified_us};
    if (found == seen.end()) {
      changes.added.push_back(file);
    } else if (found->second != is) {
      changes.changed.push_back(file);
    }
  }
  for (const auto& [path, file] : seen) {
    if (!present.contains(path)) changes.gone.push_back(path);
  }
  return changes;
}

arrow::Result<std::map<std::string, CrawlRecord>> LoadCrawlRecords(Files& files,
                                                                   const std::string& data_folder) {
  std::map<std::string, CrawlRecord> records;
  const auto entries = files.List(FolderOf(data_folder));
  if (!entries.ok()) {
    if (KindOf(entries.status()) == ErrorKind::kNotFound) return records;
    return entries.status();
  }
  for (const FileEntry& entry : *entries) {
    if (!entry.path.ends_with(".json")) continue;
    ARROW_ASSIGN_OR_RAISE(const std::string text, files.ReadAll(entry.path, kRecordBytesMax));
    ARROW_ASSIGN_OR_RAISE(CrawlRecord record, Parse(text, entry.path));
    const std::string table_key = record.table_key;
    records[table_key] = std::move(record);
  }
  return records;
}

arrow::Status StoreCrawlRecord(Files& files, const std::string& data_folder,
                               const CrawlRecord& record) {
  auto seen = nlohmann::ordered_json::array();
  for (const auto& [path, file] : record.files) {
    seen.push_back({{"path", path}, {"bytes", file.byte_count}, {"modified_us", file.modified_us}});
    const auto shape = record.shapes.find(path);
    if (shape == record.shapes.end()) continue;
    seen.back()["options"] = shape->second.options;
    seen.back()["columns"] = shape->second.columns;
  }
  nlohmann::ordered_json json = {{"table", record.table_key}, {"root", record.root}};
  if (record.format != CrawlFormat::kParquet) {
    json["format"] = FormatName(record.format);
    json["path_columns"] = record.path_columns;
  }
  json["files"] = std::move(seen);
  ARROW_RETURN_NOT_OK(files.CreateDirectories(FolderOf(data_folder)));
  return files.PublishAtomically(FolderOf(data_folder) + "/" + record.table_key + ".json",
                                 json.dump(1) + "\n");
}

}  // namespace catchwater
