/// \file
/// A ledger that was lost or damaged, made again from its newest copy and from what the tables say
/// of themselves. Source: docs/formats/ledger.md, rebuild.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"

namespace catchwater {

struct RebuiltTable {
  std::string table_key;
  std::string metadata_location;
  int64_t rows_rolled_forward = 0;  ///< Added minus removed since the copy.
  int64_t files_added = 0;
  int64_t files_removed = 0;
};

struct RebuildReport {
  std::string copy;  ///< Path of the copy that was used; empty: there was none.
  int64_t copy_taken_us = 0;
  std::string set_aside;             ///< Where the old ledger lies now; empty: there was none.
  std::vector<RebuiltTable> tables;  ///< Those that the copy did not have as they are.
  int64_t commits_restored =
      0;  ///< Later than the copy, from the notes that they left in the lake.
  int64_t positions_moved = 0;
  std::vector<std::string> not_rebuilt;  ///< One sentence each.
};

/// Makes `<data_folder>/ledger.sqlite` from the newest sound copy in `<warehouse>/.ledger`,
/// makes the commits that came after it again from their notes (lake/commit_note.h) and rolls each
/// table forward to its newest metadata file. The old ledger is renamed. All leases
/// are fenced. Nobody else may have the data folder open.
/// \retval kConflict if the ledger that is there is sound: nothing is done
arrow::Result<RebuildReport> RebuildLedger(Files& files, const Clock& clock,
                                           const std::string& data_folder,
                                           const std::string& warehouse);

}  // namespace catchwater
