/// \file
/// Commits of other programs into our catalog: reads what they did, so that the ledger has their
/// files and counts. They are adopted, and the account reports them as foreign.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

struct ForeignReport {
  int64_t commits = 0;
  int64_t files_added = 0;
  int64_t files_removed = 0;
  int64_t rows_added = 0;
  int64_t rows_removed = 0;
};

/// Reads all foreign commits whose files the ledger lacks, oldest first. Costs one query if there
/// are none. A table whose metadata we cannot read (a newer format) does not stop the others: its
/// commits stay unread and the first failure is returned at the end.
arrow::Result<ForeignReport> ReadForeignCommits(Lake& lake);

}  // namespace catchwater
