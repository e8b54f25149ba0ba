/// \file
/// How long rows took from stage to stage, beside the chain of services that this replaces.
#pragma once

#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/delay_histogram.h"

namespace catchwater {

/// By row, microseconds. Read from the change feed: commits say when their rows were received,
/// merges when they claimed their files.
struct StageDelays {
  DelayHistogram buffer;  ///< Receipt to commit: rows are in the table from here on.
  DelayHistogram wait;    ///< Commit to the claim by a merge.
  DelayHistogram merge;   ///< Claim to the commit of the merge.
  DelayHistogram total;   ///< Receipt to merged.
};

arrow::Result<StageDelays> MeasureStageDelays(Ledger& ledger);

/// Of one sink while the program ran: from the commit of a row until the target had it.
struct SyncDelay {
  std::string sink;
  DelayHistogram delay;
};

std::string Render(const StageDelays& delays, const std::vector<SyncDelay>& syncs);

}  // namespace catchwater
