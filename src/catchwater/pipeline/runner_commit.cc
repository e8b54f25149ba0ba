// How the runner makes an epoch durable, or gives up what was prepared for it.
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/pipeline/epoch_commit.h"
#include "catchwater/pipeline/runner_core_internal.h"

namespace catchwater {

arrow::Status RunnerCore::Commit(Epoch& epoch) {
  const std::lock_guard commit(commit_mutex_);
  if (!plan_->lake) {
    const std::vector<LaneOutput> outputs = epoch.TakeOutputs();
    stream_results_->Count(outputs);
    NoteStreams(outputs);
    ARROW_RETURN_NOT_OK(raw_->Prepare(&epoch.raw(), /*plan=*/nullptr));
    return raw_->Committed(epoch.raw());
  }
  CommitRequest request = MakeCommitRequest(
      {.commit_id = random_.Uuid(), .pipeline = plan_->name, .consumer = "lake", .fence = fence_},
      epoch);
  const arrow::Status prepared = PrepareRest(epoch, &request);
  std::vector<WrittenFile> written;
  for (const TableAppend& append : request.appends) {
    written.insert(written.end(), append.files.begin(), append.files.end());
  }
  if (!prepared.ok()) {
    // The disk may be full: nothing of this flush may keep it so.
    (void)RemoveWritten(context_.files, written);
    raw_->Refused(epoch.raw());
    return prepared;
  }
  const int64_t started_us = context_.clock.MonotonicMicros();
  std::unique_lock read_point(read_point_mutex_);
  auto committed = committer_->Commit(request);
  // From here on the ledger decides what becomes of them, not who discards the epoch.
  const std::vector<RawSegment> raw = std::exchange(epoch.raw(), {});
  if (!committed.ok()) {
    if (KindOf(committed.status()) == ErrorKind::kCommitUnknown) telemetry_.CommitUnknown();
    // Unknown outcome: nothing may be deleted. Anything else was refused before the ledger moved.
    if (KindOf(committed.status()) != ErrorKind::kCommitUnknown) {
      (void)RemoveWritten(context_.files, written);
      raw_->Refused(raw);
    }
    return committed.status();
  }
  telemetry_.Committed({.request = request,
                        .epoch = epoch,
                        .raw = raw,
                        .outcome = committed->outcome,
                        .attempts = committed->attempts,
                        .duration_us = context_.clock.MonotonicMicros() - started_us,
                        .now_us = context_.clock.NowMicros()});
  if (committed->outcome == Outcome::kCommitted) {
    for (auto& lane : unflushed_) lane->Committed(epoch.number());
    read_point.unlock();
    unavailable_tries_ = 0;
    Note(epoch, request, started_us);
    if (context_.on_commit) context_.on_commit();
    return FinishCommit(raw);
  }
  raw_->Refused(raw);
  (void)RemoveWritten(context_.files, written);  // What stays is found by orphan clean-up.
  return Conflict("Commit was refused, pipeline and outcome: ", plan_->name, " ",
                  OutcomeName(committed->outcome));
}

void RunnerCore::Discard(Epoch& epoch) {
  for (const LaneOutput& output : epoch.TakeOutputs()) {
    for (const TableAppend& append : output.appends) {
      (void)RemoveWritten(context_.files, append.files);
    }
  }
  raw_->Refused(epoch.raw());
}

arrow::Status RunnerCore::PrepareRest(Epoch& epoch, CommitRequest* request) {
  ARROW_RETURN_NOT_OK(raw_->Prepare(&epoch.raw(), &request->plan));
  return apps_ == nullptr ? arrow::Status::OK() : apps_->Prepare(epoch, request, *committer_);
}

arrow::Status RunnerCore::FinishCommit(const std::vector<RawSegment>& raw) {
  if (apps_ != nullptr) {
    apps_->Committed();
    // A source that goes on shows results as they become; else they are written once, at the end.
    if (!options_.until_idle) {
      const arrow::Status written = apps_->WriteResults();
      if (!written.ok()) {
        telemetry_.ResultsFailed(written);
        SetState("running", written.message());  // The data are safe: it goes on.
      }
    }
  }
  return raw_->Committed(raw);
}

void RunnerCore::NoteStreams(const std::vector<LaneOutput>& outputs) {
  std::lock_guard lock(mutex_);
  for (const LaneOutput& output : outputs) {
    for (const auto& [partition_id, flow] : output.flows) {
      report_.frames += flow.Total(Bucket::kFrames);
      report_.rows += flow.Total(Bucket::kRows);
      report_.rows_committed += flow.Total(Bucket::kUsed);
      report_.dead_letters += flow.Total(Bucket::kDeadFrames) + flow.Total(Bucket::kDeadRows);
    }
  }
  report_.dead_letter_samples = stream_results_->dead_letter_samples();
}

void RunnerCore::Note(const Epoch& epoch, const CommitRequest& request, int64_t started_us) {
  const int64_t now_us = context_.clock.NowMicros();
  std::lock_guard lock(mutex_);
  ++report_.commits;
  report_.commit_time.Add(context_.clock.MonotonicMicros() - started_us);
  for (const RowAccount& line : request.plan.account) {
    if (line.consumer != kLakeConsumer) continue;  // Stream apps read the same rows.
    if (line.bucket == Bucket::kFrames) report_.frames += line.row_count_added;
    if (line.bucket == Bucket::kRows) report_.rows += line.row_count_added;
    if (line.bucket == Bucket::kLake) report_.rows_committed += line.row_count_added;
    if (line.bucket == Bucket::kDeadFrames || line.bucket == Bucket::kDeadRows) {
      report_.dead_letters += line.row_count_added;
    }
  }
  for (const auto& [receive_us, row_count] : epoch.receipts()) {
    report_.buffer_delay.Add(now_us - receive_us, row_count);
  }
}

}  // namespace catchwater
