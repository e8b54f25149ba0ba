/// \file
/// Copies of the ledger beside the tables: `<warehouse>/.ledger/ledger-<microseconds>.sqlite`. With
/// the newest of them a lost ledger is rebuilt.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {

inline constexpr size_t kLedgerCopiesKept = 3;

struct LedgerCopy {
  std::string path;
  int64_t taken_us = 0;
};

/// Complete copies, the newest first; none if there is no folder.
arrow::Result<std::vector<LedgerCopy>> LedgerCopies(Files& files, const std::string& warehouse);

/// Where the clock of the newest copy stands that can be read; 0: there is none.
arrow::Result<int64_t> NewestCopySeq(Files& files, const Clock& clock,
                                     const std::string& warehouse);

/// Takes a copy and removes those beyond the newest kLedgerCopiesKept. A copy that a crash left
/// unfinished has another name and is removed by the next call. For a warehouse in an object store
/// it is made in the local scratch folder first. \return its path
arrow::Result<std::string> TakeLedgerCopy(Files& files, Ledger& ledger,
                                          const std::string& warehouse,
                                          const std::string& scratch_folder, int64_t now_us);

/// Copies the bytes of one file to another that must not exist, synced.
arrow::Status CopyFile(Files& files, const std::string& from, const std::string& to);

}  // namespace catchwater
