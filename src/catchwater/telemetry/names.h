/// \file
/// Every metric of the program: name, kind, labels and meaning. Counters end in `_total`, durations
/// are `_seconds`. A label's values are a bounded set (metrics.h).
#pragma once

#include <array>
#include <cstddef>
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

inline constexpr std::array kMetricSpecs = {
    MetricSpec{Metric::kBuildInfo, MetricKind::kGauge, "catchwater_build_info", "version",
               "Always 1."},
    MetricSpec{Metric::kSourceRecords, MetricKind::kCounter, "catchwater_source_records_total",
               "pipeline,source", "Frames that sources delivered and a commit took."},
    MetricSpec{Metric::kReceivedBytes, MetricKind::kCounter, "catchwater_source_bytes_total",
               "pipeline,source", "Uncompressed bytes that sources delivered."},
    MetricSpec{Metric::kSourceLastSuccess, MetricKind::kGauge,
               "catchwater_source_last_success_timestamp_seconds", "pipeline,source",
               "When the last commit of what the source delivered was made."},
    MetricSpec{Metric::kFrames, MetricKind::kCounter, "catchwater_frames_total", "pipeline,bucket",
               "Frames by bucket of the account: frames, decoded_frames, dead_frames."},
    MetricSpec{Metric::kRows, MetricKind::kCounter, "catchwater_rows_total",
               "pipeline,consumer,bucket", "Rows by bucket of the account."},
    MetricSpec{Metric::kRecordsRejected, MetricKind::kCounter, "catchwater_records_rejected_total",
               "pipeline,reason", "Frames and rows that became dead letters, by rule."},
    MetricSpec{Metric::kRecordsDeduplicated, MetricKind::kCounter,
               "catchwater_records_deduplicated_total", "pipeline", "Rows that were there before."},
    MetricSpec{Metric::kUnaccountedRows, MetricKind::kGauge, "catchwater_unaccounted_rows",
               "pipeline", "Rows that the account cannot explain: always 0."},
    MetricSpec{Metric::kBlocksRejected, MetricKind::kCounter, "catchwater_blocks_rejected_total",
               "pipeline", "Frames that a source could not deliver whole."},
    MetricSpec{Metric::kInputFiles, MetricKind::kGauge, "catchwater_input_files", "pipeline,state",
               "Input files by state: to_process, processing, done, failed."},
    MetricSpec{Metric::kInputFilesPending, MetricKind::kGauge, "catchwater_input_files_incomplete",
               "pipeline", "Files that were seen but are still being written."},
    MetricSpec{Metric::kSourceLag, MetricKind::kGauge, "catchwater_source_lag_bytes", "pipeline",
               "Bytes of input files that are not done."},
    MetricSpec{Metric::kQueueItems, MetricKind::kGauge, "catchwater_queue_items", "pipeline,queue",
               "Blocks or batches that wait in a queue."},
    MetricSpec{Metric::kQueueBytes, MetricKind::kGauge, "catchwater_queue_bytes", "pipeline,queue",
               "Bytes that wait in a queue."},
    MetricSpec{Metric::kDecodeSeconds, MetricKind::kHistogram, "catchwater_decode_seconds",
               "pipeline", "Time to decode one block."},
    MetricSpec{Metric::kFlushSeconds, MetricKind::kHistogram, "catchwater_flush_seconds",
               "pipeline", "Time from drawing a frontier to its commit."},
    MetricSpec{Metric::kFlushes, MetricKind::kCounter, "catchwater_flushes_total",
               "pipeline,reason", "Flushes by what triggered them: time, bytes, request, end."},
    MetricSpec{Metric::kCommits, MetricKind::kCounter, "catchwater_commits_total", "actor,outcome",
               "Ledger transactions by outcome."},
    MetricSpec{Metric::kCommitSeconds, MetricKind::kHistogram, "catchwater_commit_duration_seconds",
               "actor", "Time of one commit: metadata of the tables and the ledger's transaction."},
    MetricSpec{Metric::kCommitConflicts, MetricKind::kCounter, "catchwater_commit_conflicts_total",
               "actor", "Tries of a commit that another writer came before."},
    MetricSpec{Metric::kCommitUnknown, MetricKind::kCounter, "catchwater_commit_unknown_total",
               "actor", "Commits whose outcome could not be settled."},
    MetricSpec{Metric::kRestarts, MetricKind::kCounter, "catchwater_pipeline_restarts_total",
               "pipeline", "Starts anew after a failure that heals."},
    MetricSpec{Metric::kDataFilesWritten, MetricKind::kCounter, "catchwater_data_files_total",
               "table,operation", "Data files that were committed."},
    MetricSpec{Metric::kDataBytesWritten, MetricKind::kCounter, "catchwater_data_bytes_total",
               "table,operation", "Bytes of data files that were committed."},
    MetricSpec{Metric::kLakeFiles, MetricKind::kGauge, "catchwater_lake_files", "table",
               "Live data files of the table."},
    MetricSpec{Metric::kLakeBytes, MetricKind::kGauge, "catchwater_lake_bytes", "table",
               "Bytes of the table's live data files."},
    MetricSpec{Metric::kSnapshotTimestamp, MetricKind::kGauge,
               "catchwater_snapshot_timestamp_seconds", "table",
               "When the table's current snapshot was made."},
    MetricSpec{Metric::kRawBytes, MetricKind::kCounter, "catchwater_raw_bytes_total", "pipeline",
               "Bytes that `keep_raw` kept."},
    MetricSpec{Metric::kCompactions, MetricKind::kCounter, "catchwater_compactions_total",
               "table,outcome", "Merges of data files."},
    MetricSpec{Metric::kCompactedBytes, MetricKind::kCounter, "catchwater_compacted_bytes_total",
               "table", "Bytes that merges rewrote."},
    MetricSpec{Metric::kCompactionSeconds, MetricKind::kHistogram, "catchwater_compaction_seconds",
               "table", "Time of one merge."},
    MetricSpec{Metric::kFreshnessSeconds, MetricKind::kHistogram, "catchwater_freshness_seconds",
               "pipeline", "Time from receipt to visible in SQL, per batch."},
    MetricSpec{Metric::kWatermarkSeconds, MetricKind::kGauge, "catchwater_watermark_seconds",
               "pipeline,stream", "Watermark as seconds since 1970-01-01 UTC."},
    MetricSpec{Metric::kLeasesLost, MetricKind::kCounter, "catchwater_leases_lost_total", "lease",
               "Leases that another process took over."},
    MetricSpec{Metric::kDiskFull, MetricKind::kCounter, "catchwater_disk_full_total", "",
               "Writes that failed because the disk was full."},
    MetricSpec{Metric::kLogRecords, MetricKind::kCounter, "catchwater_log_records_total", "level",
               "Log records that were written."},
    MetricSpec{Metric::kLogRecordsSuppressed, MetricKind::kCounter,
               "catchwater_log_records_suppressed_total", "level",
               "Log records that were counted only, because they repeat."},
    MetricSpec{Metric::kSeriesDropped, MetricKind::kCounter, "catchwater_series_dropped_total",
               "metric", "Label values over the bound, counted under `other`."},
};

constexpr const MetricSpec& SpecOf(Metric metric) {
  return kMetricSpecs[static_cast<std::size_t>(metric)];
}

}  // namespace catchwater
