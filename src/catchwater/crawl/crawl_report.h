/// \file
/// What a crawl did to one table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/crawl/found_files.h"

namespace catchwater {

/// A file that cannot be in its table.
struct RefusedFile {
  std::string path;
  std::string reason;
};

struct CrawlReport {
  std::string table_key;
  int64_t files = 0;  ///< That the table has now.
  int64_t added = 0;
  int64_t changed = 0;
  int64_t gone = 0;
  std::vector<RefusedFile> refused{};  ///< Looked at again by the next crawl.
  std::string failure{};               ///< Not empty: nothing was done for this table.
  CrawlFormat format = CrawlFormat::kParquet;
};

/// "iceberg", "external csv", "external json": as `tables` has it.
inline std::string KindName(CrawlFormat format) {
  return format == CrawlFormat::kParquet ? "iceberg"
                                         : "external " + std::string(FormatName(format));
}

}  // namespace catchwater
