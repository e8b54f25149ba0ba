/// \file
/// Private to the runner: what it keeps between attempts. runner.cc takes leases, builds attempts
/// and heals; runner_commit.cc makes epochs durable.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/random.h"
#include "catchwater/pipeline/app_input.h"
#include "catchwater/pipeline/app_switches.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/lake_tables.h"
#include "catchwater/pipeline/needed_columns.h"
#include "catchwater/pipeline/partition_leases.h"
#include "catchwater/pipeline/pipeline_telemetry.h"
#include "catchwater/pipeline/raw_keeping.h"
#include "catchwater/pipeline/runner.h"
#include "catchwater/pipeline/step_chain.h"
#include "catchwater/pipeline/stream_apps.h"
#include "catchwater/pipeline/stream_destination.h"
#include "catchwater/pipeline/table_growth.h"

namespace catchwater {

/// Run: one thread. Commit and Discard: the attempt's committer. The others: any thread.
class RunnerCore {
 public:
  RunnerCore(std::shared_ptr<const PipelinePlan> plan, RunnerContext context, RunnerOptions options)
      : plan_(WithNeededColumns(std::move(plan))),
        context_(std::move(context)),
        options_(options),
        telemetry_(context_.telemetry, plan_->name, plan_->source.name),
        switches_(plan_->name, AppNames(*plan_)) {
    report_.pipeline = plan_->name;
    raw_ = std::make_unique<RawKeeping>(
        plan_, RawKeepingContext{.files = context_.files,
                                 .clock = context_.clock,
                                 .ledger = plan_->lake ? context_.ledger : nullptr});
    report_.state = "waiting_for_lease";
  }

  arrow::Status Run(std::stop_token stop);
  RunnerReport Report() const {
    std::lock_guard lock(mutex_);
    return report_;
  }
  arrow::Status TakeSwitches() {
    return plan_->lake ? switches_.Read(*context_.ledger) : arrow::Status::OK();
  }
  bool AwaitCommit(int64_t timeout_us) {
    if (switches_.are_all_on()) return true;
    const std::unique_lock commit(commit_mutex_, std::chrono::microseconds(timeout_us));
    return commit.owns_lock();
  }
  bool Flush(int64_t timeout_ms) {
    std::shared_ptr<Attempt> attempt;
    {
      std::lock_guard lock(mutex_);
      attempt = attempt_;
    }
    return attempt == nullptr || attempt->FlushAndWait(timeout_ms);
  }
  UnflushedRows::View Unflushed() const {
    UnflushedRows::View all;
    for (const auto& lane : unflushed_) {
      UnflushedRows::View view = lane->Look();
      all.is_complete &= view.is_complete;
      std::move(view.batches.begin(), view.batches.end(), std::back_inserter(all.batches));
    }
    if (growth_ == nullptr) return all;
    // Some may be older than the newest column.
    const auto table = growth_->table();
    for (auto& batch : all.batches) {
      auto fitted = ToSchema(batch, *table->schema);
      if (!fitted.ok()) return {.batches = {}, .is_complete = false};  // A flush makes all one.
      batch = *std::move(fitted);
    }
    return all;
  }

  std::mutex read_point_mutex_;
  const std::shared_ptr<const PipelinePlan> plan_;

 private:
  static std::vector<std::string> AppNames(const PipelinePlan& plan) {
    std::vector<std::string> names;
    for (const StreamPlan& stream : plan.streams) names.push_back(stream.config.name);
    return names;
  }
  arrow::Result<bool> IsShared() const;
  arrow::Result<std::string> MemberName() const;
  arrow::Result<bool> TakeLease(std::stop_token stop);
  arrow::Status EndLease();
  arrow::Status RunUnderLease(std::stop_token stop);
  bool Heals(arrow::Status failure, std::stop_token stop);
  arrow::Status RunAttempt(std::stop_token stop);
  arrow::Result<std::shared_ptr<Attempt>> BuildAttempt();
  arrow::Result<std::vector<std::unique_ptr<Lane>>> BuildLanes(const DecodeOptions& decode,
                                                               StepChain chain);
  arrow::Result<std::unique_ptr<Destination>> BuildDestination(size_t lane);
  arrow::Result<std::unique_ptr<ExtraColumns>> BuildExtras(const DecodeOptions& decode) const;
  arrow::Status PrepareTables(const std::shared_ptr<arrow::Schema>& schema);
  arrow::Status BuildEnds(const StepChain& chain);
  /// The parts of a message that are read beside its payload. Begins to measure what comes in.
  std::vector<std::string> BeginInput(std::vector<std::string> parts);
  SinkContext SinkContextOf(const StreamConfig& stream,
                            std::shared_ptr<arrow::Schema> schema) const;
  arrow::Status Commit(Epoch& epoch);
  void Discard(Epoch& epoch);
  arrow::Status PrepareRest(Epoch& epoch, CommitRequest* request);
  arrow::Status FinishCommit(const std::vector<RawSegment>& raw);
  void NoteStreams(const std::vector<LaneOutput>& outputs);
  void Note(const Epoch& epoch, const CommitRequest& request, int64_t started_us);
  void SetState(std::string state, const std::string& error = "") {
    std::lock_guard lock(mutex_);
    report_.state = std::move(state);
    if (!error.empty()) report_.last_error = error;
  }

  RunnerContext context_;
  Bell bell_;                              // Of the source, for the attempt.
  std::optional<LakeTables> lake_tables_;  // Unless the caller gave another reader.
  const RunnerOptions options_;
  const PipelineTelemetry telemetry_;
  AppSwitches switches_;
  std::unique_ptr<AppInput> app_input_;  // Of the attempt; null: nothing is measured.
  Random random_ = Random::FromSystem();
  Fence fence_;
  std::unique_ptr<PartitionLeases> leases_;  // Null: fence_ covers all partitions.
  int unavailable_tries_ = 0;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<RawKeeping> raw_;
  std::shared_ptr<const TableState> table_;
  std::shared_ptr<const TableState> dead_letter_table_;
  std::shared_ptr<TableGrowth> growth_;  // Null: no contract is `evolve`. By read_point_mutex_.
  std::vector<std::shared_ptr<UnflushedRows>> unflushed_;
  std::shared_ptr<StreamResults> stream_results_;  // Without a lake.
  std::unique_ptr<StreamApps> apps_;               // Beside a lake; null: no streams.

  std::timed_mutex commit_mutex_;  // Held by a commit, until its results are written.
  mutable std::mutex mutex_;
  RunnerReport report_;
  std::shared_ptr<Attempt> attempt_;
};

}  // namespace catchwater
