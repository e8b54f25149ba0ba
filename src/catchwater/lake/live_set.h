/// \file
/// The live data files of a table by path, and how two such sets differ: for foreign commits,
/// rebuild and verify.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/iceberg/manifest.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/records.h"

namespace catchwater {

/// By path as in the manifests. Row-level delete files are left out.
struct LiveSet {
  struct File {
    ManifestDataFile entry;
    int32_t spec_id = 0;
  };
  std::map<std::string, File> files;
  std::vector<std::string> doubled;  ///< Paths that stand in more than one live entry.
  int64_t delete_files = 0;          ///< Row-level delete files of another program.
};

/// Of the current snapshot; empty without one. \retval kBadData, kNotFound for a damaged table
arrow::Result<LiveSet> ReadLiveSet(Lake& lake, const TableState& table);

struct LiveDifference {
  std::vector<DataFile> added;
  std::vector<std::string> removed;
  int64_t removed_rows = 0;
};

/// What changed from `before` (null: nothing was there) to `after`. Reads only manifests that are
/// not in both.
arrow::Result<LiveDifference> Difference(Lake& lake, const TableState* before,
                                         const TableState& after);

/// What the ledger's live data files lack of the table's, and the other way round.
arrow::Result<LiveDifference> DifferenceToLedger(Lake& lake, const TableState& table,
                                                 const LiveSet& live,
                                                 const std::vector<DataFileRecord>& ledger_files);

/// True if a file lies in the table's folder. Others were there before the table and are registered
/// in place: they are never merged, rewritten or removed.
bool IsOwnFile(const TableState& table, std::string_view uri);

/// A file of another program as the ledger keeps it: partition, size tier, event times.
arrow::Result<DataFile> LedgerFileOf(Lake& lake, const TableState& table,
                                     const LiveSet::File& file);

}  // namespace catchwater
