/// \file
/// Does a table hold what the ledger says, and nothing else? Reads manifests and file sizes, and
/// the rows of every file's footer when asked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

struct TableVerdict {
  std::string table_key;
  int64_t data_files = 0;
  int64_t rows_in_files = 0;            ///< Sum over the live manifest entries.
  int64_t rows_in_snapshot = 0;         ///< `total-records` of the current snapshot.
  int64_t rows_in_ledger = 0;           ///< Added minus removed over all commits, pruned ones too.
  int64_t foreign_rows = 0;             ///< Part of them that other programs added, minus removed.
  std::vector<std::string> violations;  ///< One sentence each.
};

struct VerifyOptions {
  bool reads_footers = false;  ///< Opens every data file and counts its rows.
};

/// One instant of the table; foreign commits that nobody has read yet are read first.
/// \retval kUnavailable if the table changes too quickly for one instant of table and ledger
arrow::Result<TableVerdict> VerifyTable(Lake& lake, const std::string& table_key,
                                        const VerifyOptions& options);

}  // namespace catchwater
