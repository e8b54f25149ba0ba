/// \file
/// The files under a folder or prefix, with the Hive partitions of their path.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"

namespace catchwater {

/// nullopt: the value is null (`__HIVE_DEFAULT_PARTITION__`).
using PathPartition = std::vector<std::pair<std::string, std::optional<std::string>>>;

struct CrawledFile {
  FileEntry entry;
  std::string folder;       ///< Below the root, without the parts `k=v`; empty: the root itself.
  PathPartition partition;  ///< Of the parts `k=v`, unescaped, in the order of the path.
};

enum class CrawlFormat { kParquet, kCsv, kJson };
/// "parquet", "csv", "json".
std::string_view FormatName(CrawlFormat format);

/// By the end of the name, in letters of either case: `.parquet`; `.csv` and `.tsv`; `.json`,
/// `.jsonl` and `.ndjson`; texts also with `.gz` or `.zst` behind. nullopt: none of these.
std::optional<CrawlFormat> FormatOfName(std::string_view path);

/// All regular files below the root that have bytes, by path. Names that begin with `.` or `_` are
/// left out, as are the folders `skipped`. \retval kNotFound, kConfig over `kCrawlFilesMax` files
arrow::Result<std::vector<CrawledFile>> ListTree(Files& files, const std::string& root,
                                                 const std::vector<std::string>& skipped);

inline constexpr size_t kCrawlFilesMax = 1'000'000;

}  // namespace catchwater
