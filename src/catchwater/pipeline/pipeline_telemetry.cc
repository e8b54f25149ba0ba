#include "catchwater/pipeline/pipeline_telemetry.h"

#include "catchwater/io/files.h"
#include "catchwater/ledger/names.h"

namespace catchwater {

void PipelineTelemetry::LeaseTaken(const Fence& fence) const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Info("pipeline.lease_taken", {{"object", pipeline_}, {"epoch", fence.epoch}});
}

void PipelineTelemetry::LeaseLost(const Fence& fence) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kLeasesLost, {fence.lease}).Add();
  telemetry_->log.Warning("pipeline.lease_lost", {{"object", pipeline_}, {"epoch", fence.epoch}});
}

void PipelineTelemetry::Started() const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Info("pipeline.started", {{"object", pipeline_}, {"source", source_}});
}

void PipelineTelemetry::Ended() const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Info("pipeline.ended", {{"object", pipeline_}});
}

void PipelineTelemetry::Restarted(const arrow::Status& why) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kRestarts, {pipeline_}).Add();
  if (IsDiskFull(why)) telemetry_->metrics.counter(Metric::kDiskFull).Add();
  telemetry_->log.Warning("pipeline.restarted", {{"object", pipeline_}, {"reason", why}});
}

void PipelineTelemetry::Failed(const arrow::Status& why) const {
  if (telemetry_ == nullptr) return;
  if (IsDiskFull(why)) telemetry_->metrics.counter(Metric::kDiskFull).Add();
  telemetry_->log.Error("pipeline.failed", {{"object", pipeline_}, {"reason", why}});
}

void PipelineTelemetry::InputFailed(const std::string& reason) const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Warning("input.failed", {{"object", pipeline_}, {"reason", reason}});
}

void PipelineTelemetry::NothingFound(const std::string& why) const {
  if (telemetry_ == nullptr || why.empty()) return;
  telemetry_->log.Warning("source.nothing_found", {{"object", pipeline_}, {"reason", why}});
}

void PipelineTelemetry::ResultsFailed(const arrow::Status& why) const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Warning("stream.results_failed", {{"object", pipeline_}, {"reason", why}});
}

void PipelineTelemetry::StreamRebuilt(const std::string& stream, int64_t row_count) const {
  if (telemetry_ == nullptr) return;
  telemetry_->log.Info("stream.rebuilt",
                       {{"object", pipeline_ + "/" + stream}, {"rows", row_count}});
}

void PipelineTelemetry::BlockRead(int64_t byte_count) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kReceivedBytes, {pipeline_, source_}).Add(byte_count);
}

void PipelineTelemetry::BlockRejected() const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kBlocksRejected, {pipeline_}).Add();
}

void PipelineTelemetry::Flushed(const char* reason) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kFlushes, {pipeline_, reason}).Add();
}

void PipelineTelemetry::Watermark(const std::string& stream, int64_t watermark_us) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.gauge(Metric::kWatermarkSeconds, {pipeline_, stream})
      .Set(static_cast<double>(watermark_us) / 1e6);
}

std::unique_ptr<AppMeter> PipelineTelemetry::NewMeter(const Clock& clock, const std::string& app,
                                                      const std::string& event_time_column) const {
  if (telemetry_ == nullptr) return nullptr;
  return std::make_unique<AppMeter>(telemetry_->metrics, clock, pipeline_, app, event_time_column);
}

void PipelineTelemetry::BlockDecoded(int64_t duration_us) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.histogram(Metric::kDecodeSeconds, {pipeline_}).Record(duration_us);
}

void PipelineTelemetry::Queued(int64_t item_count, int64_t byte_count) const {
  if (telemetry_ == nullptr) return;
  Metrics& metrics = telemetry_->metrics;
  metrics.gauge(Metric::kQueueItems, {pipeline_, "lanes"}).Set(static_cast<double>(item_count));
  metrics.gauge(Metric::kQueueBytes, {pipeline_, "lanes"}).Set(static_cast<double>(byte_count));
}

void PipelineTelemetry::Incomplete(int64_t file_count) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.gauge(Metric::kInputFilesPending, {pipeline_})
      .Set(static_cast<double>(file_count));
}

void PipelineTelemetry::FlushTook(int64_t duration_us) const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.histogram(Metric::kFlushSeconds, {pipeline_}).Record(duration_us);
}

void PipelineTelemetry::CountAccount(const std::vector<RowAccount>& account) const {
  Metrics& metrics = telemetry_->metrics;
  for (const RowAccount& line : account) {
    const std::string_view bucket = BucketName(line.bucket);
    switch (line.bucket) {
      case Bucket::kFrames:
        metrics.counter(Metric::kSourceRecords, {pipeline_, source_}).Add(line.row_count_added);
        [[fallthrough]];
      case Bucket::kDecodedFrames:
        metrics.counter(Metric::kFrames, {pipeline_, bucket}).Add(line.row_count_added);
        continue;
      case Bucket::kDeadFrames:
        metrics.counter(Metric::kFrames, {pipeline_, bucket}).Add(line.row_count_added);
        metrics.counter(Metric::kRecordsRejected, {pipeline_, line.reason})
            .Add(line.row_count_added);
        continue;
      case Bucket::kDeadRows:
        metrics.counter(Metric::kRecordsRejected, {pipeline_, line.reason})
            .Add(line.row_count_added);
        break;
      case Bucket::kDeduplicated:
        metrics.counter(Metric::kRecordsDeduplicated, {pipeline_}).Add(line.row_count_added);
        break;
      default:
        break;
    }
    metrics.counter(Metric::kRows, {pipeline_, line.consumer, bucket}).Add(line.row_count_added);
  }
}

void PipelineTelemetry::Committed(const CommitFacts& facts) const {
  if (telemetry_ == nullptr) return;
  Metrics& metrics = telemetry_->metrics;
  metrics.counter(Metric::kCommits, {actor(), OutcomeName(facts.outcome)}).Add();
  metrics.histogram(Metric::kCommitSeconds, {actor()}).Record(facts.duration_us);
  if (facts.attempts > 1) {
    metrics.counter(Metric::kCommitConflicts, {actor()}).Add(facts.attempts - 1);
  }
  if (facts.outcome != Outcome::kCommitted) {
    telemetry_->log.Warning("commit.refused",
                            {{"object", pipeline_}, {"outcome", OutcomeName(facts.outcome)}});
    return;
  }
  CountAccount(facts.request.plan.account);
  for (const TableAppend& append : facts.request.appends) {
    int64_t byte_count = 0;
    for (const WrittenFile& file : append.files) byte_count += file.data_file.byte_count;
    metrics.counter(Metric::kDataFilesWritten, {append.table_key, "append"})
        .Add(static_cast<int64_t>(append.files.size()));
    metrics.counter(Metric::kDataBytesWritten, {append.table_key, "append"}).Add(byte_count);
  }
  Histogram& freshness = metrics.histogram(Metric::kFreshnessSeconds, {pipeline_});
  for (const auto& [receive_us, row_count] : facts.epoch.receipts()) {
    freshness.Record(facts.now_us - receive_us);
  }
  int64_t raw_bytes = 0;
  for (const RawSegment& segment : facts.raw) raw_bytes += segment.byte_count;
  if (raw_bytes > 0) metrics.counter(Metric::kRawBytes, {pipeline_}).Add(raw_bytes);
  metrics.gauge(Metric::kSourceLastSuccess, {pipeline_, source_})
      .Set(static_cast<double>(facts.now_us) / 1e6);
  telemetry_->log.Debug("commit.done", {{"object", pipeline_}, {"us", facts.duration_us}});
}

void PipelineTelemetry::CommitUnknown() const {
  if (telemetry_ == nullptr) return;
  telemetry_->metrics.counter(Metric::kCommitUnknown, {actor()}).Add();
  telemetry_->log.Warning("commit.unknown", {{"object", pipeline_}});
}

}  // namespace catchwater
