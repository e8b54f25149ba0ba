/// \file
/// Named steps at which a drill can stop, pause or fail the program. Off unless the environment
/// variable CATCHWATER_FAIL_POINT names one: `NAME[@HITS]=kill | abort | stop | error`.
///
/// The table in fail_point.cc is the only list: a step that is not in it does not compile, so a
/// drill that walks the list cannot forget one.
#pragma once

#include <string_view>
#include <vector>

#include <arrow/status.h>

namespace catchwater {

enum class FailPoint {
  kRecoveryBegin,
  kRecoveryPartitionOpened,
  kAppendDataFileWritten,
  kAppendDataFileSynced,
  kAppendManifestWritten,
  kAppendManifestListWritten,
  kAppendMetadataWritten,
  kCommitBegun,
  kCommitPointersSwapped,
  kCommitPositionsMoved,
  kCommitBeforeEnd,
  kCommitDone,
  kAppendAcknowledged,
  kCompactLeased,
  kCompactFileWritten,
  kCompactMetadataWritten,
  kCompactCommitted,
  kExpireMetadataWritten,
  kExpireCommitted,
  kUnlinkBegin,
  kUnlinkFileRemoved,
  kUnlinkRecorded,
  kOrphanListed,
  kOrphanRemoved,
  kInputDiscovered,
  kInputClaimed,
  kInputInHand,
  kSpoolSegmentCreated,
  kSpoolGroupWritten,
  kSpoolGroupSynced,
  kSpoolTailWritten,
  kSpoolTailPublished,
  kSpoolSegmentTrimmed,
  kDeliverOpened,
  kDeliverFileWritten,
  kDeliverInTarget,
  kDeliverFlushed,
  kDeliverRecorded,
  kRawWritten,
  kRawSynced,
  kRawMoved,
  kRawPublished,
  kRawRemoved,
  kRawExpired,
  kStreamRebuilt,
  kStreamStateWritten,
  kStreamStateRemoved,
  kStreamResultsWritten,
};

/// The name of a step, e.g. "append.manifest_written".
std::string_view FailPointName(FailPoint point);

/// All steps, in the order of the enumeration.
std::vector<FailPoint> AllFailPoints();

/// Returns OK unless this step was asked to fail. `kill` raises SIGKILL, `abort`
/// SIGABRT, `stop` SIGSTOP.
/// Any thread. Costs one relaxed load when off.
arrow::Status Reach(FailPoint point);

}  // namespace catchwater
