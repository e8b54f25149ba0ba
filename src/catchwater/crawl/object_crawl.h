/// \file
/// Files that are no records (images, PDF, text), as rows of a table of the lake: path, size, hash,
/// media type and times. Source: docs/decisions/0011-crawled-files.md.
///
/// Invariants:
/// 1. The table is the only memory of what was registered: a crawl that was killed goes on there.
/// 2. Rows are only added. Of a path the one with the highest revision holds; `retracted` says that
///    the file is gone. `query` shows what holds, `<table>__revisions` all.
#pragma once

#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/crawl/crawl_report.h"
#include "catchwater/crawl/found_files.h"
#include "catchwater/crawl/object_file.h"
#include "catchwater/lake/catalog.h"

namespace catchwater {

/// Property of a table of objects: where they lie.
inline constexpr char kObjectsOfProperty[] = "catchwater.objects-of";

/// Where the objects are and where they are registered.
struct ObjectCrawl {
  std::string root;
  std::string table_key;
};

/// Registers what is new or changed (size or time) and tells what is gone, up to 10,000 files in a
/// commit. Nothing is committed otherwise. A file that cannot be read is left out and told.
/// \param found the files of the root that are no records
/// \retval kConfig if the table is not one of objects of this root; kConflict
arrow::Result<CrawlReport> CrawlObjects(Lake& lake, const Fence& fence, ObjectReader& reader,
                                        const ObjectCrawl& crawl,
                                        const std::vector<CrawledFile>& found);

}  // namespace catchwater
