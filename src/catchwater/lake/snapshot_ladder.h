/// \file
/// Which snapshots a table keeps: dense for the last minutes, sparse for the last days.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/iceberg/metadata.h"

namespace catchwater {

/// Splits the snapshots by the ladder. The current one and all that refs name are kept; order
/// stays. At most removed_max are removed at once, the oldest.
struct LadderSplit {
  std::vector<std::shared_ptr<const Snapshot>> kept;
  std::vector<std::shared_ptr<const Snapshot>> removed;
};
LadderSplit SplitByLadder(const TableMetadata& metadata, const SnapshotLadder& ladder,
                          int64_t now_ms, int64_t removed_max);

/// True if the history is one line: no branch but main, and no snapshot was rolled back. Then a
/// manifest that a snapshot and none of its kept neighbours refers to is referred to by nobody.
bool IsLinearHistory(const TableMetadata& metadata);

}  // namespace catchwater
