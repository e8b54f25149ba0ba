/// \file
/// Parquet files that are already there, as a table: registered in place, never copied.
#pragma once

#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/crawl_report.h"
#include "catchwater/crawl/found_files.h"
#include "catchwater/lake/catalog.h"

namespace catchwater {

/// Property of a table that a crawl made: where its files lie.
inline constexpr char kCrawledFromProperty[] = "catchwater.crawled-from";

/// Brings the table to the files in two commits at most: one takes out what is gone or changed, one
/// adds what is new or changed. Files are opened only if they are new or changed; nothing is
/// committed otherwise. One that is no Parquet file, or has a type that Iceberg lacks, is left out
/// and told. `record` is brought up to date; the caller stores it. \retval kConfig naming file and
/// column if files do not go together in one table, or if the table
///   is not one of a crawl of this root; kConflict
arrow::Result<CrawlReport> CrawlParquet(Lake& lake, const Fence& fence,
                                        const std::vector<CrawledFile>& found, CrawlRecord* record);

}  // namespace catchwater
