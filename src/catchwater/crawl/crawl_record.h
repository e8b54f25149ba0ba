/// \file
/// What the last crawl of a table saw, a JSON file a table in the data folder: times of files,
/// which Iceberg does not keep. Without it all files are taken anew. Of CSV and JSON it is the
/// table. Source: docs/decisions/0011-crawled-files.md.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/crawl/found_files.h"
#include "catchwater/io/files.h"

namespace catchwater {

struct SeenFile {
  int64_t byte_count = 0;
  int64_t modified_us = 0;
  bool operator==(const SeenFile&) const = default;
};

/// Columns by name, with their types in SQL.
using SqlColumns = std::vector<std::pair<std::string, std::string>>;

/// How a file of CSV or JSON is read.
struct FileShape {
  std::string options{};  ///< Of DuckDB's reader, without columns: `delim = ',', header = true`.
  SqlColumns columns{};   ///< In the order of the file.
  bool operator==(const FileShape&) const = default;
};

struct CrawlRecord {
  std::string table_key;
  std::string root;
  std::map<std::string, SeenFile> files;
  CrawlFormat format = CrawlFormat::kParquet;
  std::map<std::string, FileShape> shapes{};  ///< Of `files`; none of Parquet.
  SqlColumns path_columns{};                  ///< Of the parts `k=v`; none of Parquet.
};

struct FileChanges {
  std::vector<CrawledFile> added;
  std::vector<CrawledFile> changed;
  std::vector<std::string> gone;
  bool empty() const { return added.empty() && changed.empty() && gone.empty(); }
};
/// `now` against what was seen, by path.
FileChanges ChangesSince(const std::map<std::string, SeenFile>& seen,
                         const std::vector<CrawledFile>& now);

/// The records of a data folder by table. \retval kBadData naming the file
arrow::Result<std::map<std::string, CrawlRecord>> LoadCrawlRecords(Files& files,
                                                                   const std::string& data_folder);
/// Replaces the table's record whole.
arrow::Status StoreCrawlRecord(Files& files, const std::string& data_folder,
                               const CrawlRecord& record);
}  // namespace catchwater
