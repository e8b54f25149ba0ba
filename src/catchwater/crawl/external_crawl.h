/// \file
/// CSV and JSON files that are already there, as an external table: read where they lie by each
/// query, because an Iceberg table's data files are Parquet. Source:
/// docs/decisions/0011-crawled-files.md.
#pragma once

#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/crawl_report.h"
#include "catchwater/sql/sql_database.h"

namespace catchwater {

/// Brings the record to the files. New and changed ones are read to their end once, for their
/// columns and types; one that cannot be read is left out and told. The caller stores the record.
/// \param sql can read the files
/// \retval kConfig naming files whose partition folders do not go together
arrow::Result<CrawlReport> CrawlExternal(SqlConnection& sql, const std::vector<CrawledFile>& found,
                                         CrawlRecord* record);

/// The columns of the table: those of all files by name, then those of the path. A column that has
/// two types is BIGINT or DOUBLE if both are numbers, JSON if one is nested, else text.
SqlColumns ExternalColumns(const CrawlRecord& record);

/// The SQL that reads the table. \pre it has files
std::string ExternalSelect(const CrawlRecord& record);

}  // namespace catchwater
