/// \file
/// What a pipeline tells of itself: log records of its life cycle, and metrics of its flows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/lake/commit.h"
#include "catchwater/pipeline/app_meter.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {

/// Any thread. Without telemetry (tests, replays) it tells nothing.
class PipelineTelemetry {
 public:
  PipelineTelemetry(Telemetry* telemetry, std::string pipeline, std::string source)
      : telemetry_(telemetry), pipeline_(std::move(pipeline)), source_(std::move(source)) {}

  void LeaseTaken(const Fence& fence) const;
  void LeaseLost(const Fence& fence) const;
  void Started() const;
  void Ended() const;
  /// It starts again; that heals.
  void Restarted(const arrow::Status& why) const;
  /// A human must act.
  void Failed(const arrow::Status& why) const;
  void InputFailed(const std::string& reason) const;
  /// Not a failure, but seldom what was meant. Empty: nothing to tell.
  void NothingFound(const std::string& why) const;
  /// Results could not be written; they are with the next commit.
  void ResultsFailed(const arrow::Status& why) const;
  void StreamRebuilt(const std::string& stream, int64_t row_count) const;

  void BlockRead(int64_t byte_count) const;
  void BlockRejected() const;
  /// Up to where a stream's results are complete, with its commit.
  void Watermark(const std::string& stream, int64_t watermark_us) const;
  /// Null: nothing is measured.
  std::unique_ptr<AppMeter> NewMeter(const Clock& clock, const std::string& app,
                                     const std::string& event_time_column) const;
  void BlockDecoded(int64_t duration_us) const;
  /// What waits for lanes now.
  void Queued(int64_t item_count, int64_t byte_count) const;
  /// Files that were seen but are still being written.
  void Incomplete(int64_t file_count) const;
  void Flushed(const char* reason) const;
  /// From the frontier to its commit.
  void FlushTook(int64_t duration_us) const;
  struct CommitFacts {
    const CommitRequest& request;
    const Epoch& epoch;
    const std::vector<RawSegment>& raw;
    Outcome outcome = Outcome::kCommitted;
    int attempts = 1;
    int64_t duration_us = 0;
    int64_t now_us = 0;
  };
  void Committed(const CommitFacts& facts) const;
  void CommitUnknown() const;

 private:
  std::string actor() const { return "pipeline/" + pipeline_; }
  void CountAccount(const std::vector<RowAccount>& account) const;

  Telemetry* const telemetry_;
  const std::string pipeline_;
  const std::string source_;
};

}  // namespace catchwater
