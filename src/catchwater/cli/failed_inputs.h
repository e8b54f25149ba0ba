/// \file
/// Input files that could not be taken are not silence: each run says which, and why.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// The input files of one pipeline that failed for good, or failed and wait for their next try, as
/// the ledger has them after a run.
struct FailedInputs {
  std::string pipeline;
  int64_t file_count = 0;              ///< Of the first kFailedInputsReadMax in each state.
  std::vector<InputFileRecord> shown;  ///< At most kFailedInputsShownMax.
};
inline constexpr int64_t kFailedInputsShownMax = 10;
inline constexpr int64_t kFailedInputsReadMax = 1'000;

/// Leaves out files that were removed or replaced since: somebody has dealt with those.
/// \return only pipelines with failed files, in the order given
arrow::Result<std::vector<FailedInputs>> FindFailedInputs(
    Ledger& ledger, Files& files, const std::string& project_folder,
    const std::vector<std::string>& pipelines);

/// How many inputs of the pipeline are failed in the ledger though their file was removed or
/// replaced since; of the first kFailedInputsReadMax.
arrow::Result<int64_t> CountSettledInputs(Ledger& ledger, Files& files,
                                          const std::string& project_folder,
                                          const std::string& pipeline);

/// One line a file with its reason; nothing if there are none.
void PrintFailedInputs(std::ostream& out, const std::vector<FailedInputs>& failed);

/// OK if there are none. \retval kBadData naming the first file
arrow::Status StatusOf(const std::vector<FailedInputs>& failed);

}  // namespace catchwater
