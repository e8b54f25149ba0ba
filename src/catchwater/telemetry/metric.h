/// \file
/// Which metrics there are. What each means: names.h.
#pragma once

#include <string_view>

namespace catchwater {

enum class MetricKind { kCounter, kGauge, kHistogram };

enum class Metric {
  kBuildInfo,
  kSourceRecords,
  kReceivedBytes,
  kSourceLastSuccess,
  kFrames,
  kRows,
  kRecordsRejected,
  kRecordsDeduplicated,
  kUnaccountedRows,
  kBlocksRejected,
  kInputFiles,
  kInputFilesPending,
  kSourceLag,
  kQueueItems,
  kQueueBytes,
  kDecodeSeconds,
  kFlushSeconds,
  kFlushes,
  kCommits,
  kCommitSeconds,
  kCommitConflicts,
  kCommitUnknown,
  kRestarts,
  kDataFilesWritten,
  kDataBytesWritten,
  kLakeFiles,
  kLakeBytes,
  kSnapshotTimestamp,
  kRawBytes,
  kCompactions,
  kCompactedBytes,
  kCompactionSeconds,
  kFreshnessSeconds,
  kWatermarkSeconds,
  kAppRecords,
  kAppDropped,
  kAppResults,
  kAppOutOfOrder,
  kAppErrors,
  kAppScriptStarts,
  kAppAnalysisSeconds,
  kAppRate,
  kAppRateMax,
  kAppDelay,
  kAppDelayMax,
  kAppInputBytes,
  kAppDeserializationErrors,
  kAppConversionErrors,
  kAppResultRecords,
  kAppResponseSeconds,
  kAppResponseMax,
  kAppQueueDelay,
  kAppQueueDelayMax,
  kControlRequests,
  kLeasesLost,
  kDiskFull,
  kLogRecords,
  kLogRecordsSuppressed,
  kSeriesDropped,
};

struct MetricSpec {
  Metric metric;
  MetricKind kind;
  std::string_view name;
  std::string_view labels;  ///< Names with commas between: "pipeline,bucket".
  std::string_view meaning;
};

}  // namespace catchwater
