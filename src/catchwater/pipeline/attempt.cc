#include "catchwater/pipeline/attempt.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"

namespace catchwater {
namespace {

constexpr int64_t kIdleWaitUsMin = 1'000;
constexpr int64_t kIdleWaitUsMax = 20'000;
constexpr int64_t kOpenAgainUs = 50'000;  // Another member gives its partition up about now.

}  // namespace

Attempt::Attempt(AttemptOptions options, IntakeOptions intake, std::unique_ptr<Source> source,
                 Ledger* ledger, const Clock& clock, std::vector<std::unique_ptr<Lane>> lanes,
                 CommitEpoch commit, DiscardEpoch discard, std::unique_ptr<RawWriter> raw)
    : options_(options),
      source_(std::move(source)),
      clock_(clock),
      intake_(std::move(intake), *source_, ledger, clock, book_),
      lanes_(std::move(lanes)),
      commit_(std::move(commit)),
      discard_(std::move(discard)),
      complete_(kEpochsInFlightMax + 1, /*bytes_max=*/INT64_MAX),
      raw_(std::move(raw)) {
  for (size_t i = 0; i < lanes_.size(); ++i) {
    queues_.push_back(std::make_unique<BoundedQueue<LaneItem>>(options_.queue_blocks_max,
                                                               options_.queue_bytes_max));
  }
}

Attempt::~Attempt() = default;

arrow::Status Attempt::Run(std::stop_token stop) {
  arrow::Status fed;
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < lanes_.size(); ++i) {
      threads.emplace_back([this, i] { RunLane(i); });
    }
    threads.emplace_back([this] { RunCommitter(); });
    fed = Feed(stop);
    if (!fed.ok()) Fail(fed);
    for (auto& queue : queues_) queue->Close();
    complete_.Close();
  }
  std::lock_guard lock(mutex_);
  if (!failure_.ok()) {
    for (auto& lane : lanes_) lane->Abandon();
    for (auto& epoch : in_flight_) discard_(*epoch);
  }
  // Closing cannot undo what is committed; its failure only matters if nothing else went wrong.
  const arrow::Status closed = source_->Close();
  return failure_.ok() ? closed : failure_;
}

arrow::Status Attempt::Feed(std::stop_token stop) {
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kRecoveryBegin));
  ARROW_RETURN_NOT_OK(intake_.Discover());
  TellNothingFound();
  discovered_us_ = clock_.MonotonicMicros();
  while (!stop.stop_requested() && !has_failed()) {
    ARROW_ASSIGN_OR_RAISE(const bool goes_on, FeedOnce(stop));
    if (!goes_on) break;
  }
  if (has_failed()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(Flush("end"));
  ARROW_RETURN_NOT_OK(WaitForCommits(/*in_flight_max=*/0));
  return AcknowledgeCommitted();
}

// Once as long as it is the same.
void Attempt::TellNothingFound() {
  const std::string before = std::exchange(nothing_found_, source_->nothing_found());
  if (options_.telemetry == nullptr || nothing_found_ == before) return;
  options_.telemetry->NothingFound(nothing_found_);
}

arrow::Result<bool> Attempt::FeedOnce(std::stop_token stop) {
  ARROW_RETURN_NOT_OK(AcknowledgeCommitted());
  ARROW_RETURN_NOT_OK(OpenMore());
  ARROW_ASSIGN_OR_RAISE(NextResult next, source_->Next(stop));
  ARROW_ASSIGN_OR_RAISE(const bool goes_on, Take(std::move(next), stop));
  if (!goes_on) return false;
  if (const char* reason = FlushReason()) ARROW_RETURN_NOT_OK(Flush(reason));
  return goes_on;
}

arrow::Status Attempt::OpenMore() {
  if (!may_open_ && !intake_.is_waiting()) return arrow::Status::OK();
  const int64_t now_us = clock_.MonotonicMicros();
  if (!may_open_ && now_us - tried_to_open_us_ < kOpenAgainUs) return arrow::Status::OK();
  may_open_ = false;
  tried_to_open_us_ = now_us;
  return intake_.OpenWhatMayBeRead().status();
}

arrow::Result<bool> Attempt::Settle() {
  ARROW_RETURN_NOT_OK(Flush("end"));
  ARROW_RETURN_NOT_OK(WaitForCommits(/*in_flight_max=*/0));
  if (has_failed()) return false;
  ARROW_RETURN_NOT_OK(AcknowledgeCommitted());
  return true;
}

arrow::Result<bool> Attempt::Take(NextResult next, std::stop_token stop) {
  if (auto* block = std::get_if<Block>(&next)) {
    idle_rounds_ = 0;
    ARROW_RETURN_NOT_OK(Dispatch(std::move(*block)));
  } else if (const auto* skip = std::get_if<Skip>(&next)) {
    if (!book_.is_dirty()) epoch_started_us_ = clock_.MonotonicMicros();
    book_.SkipTo(*skip);
  } else if (const auto* end = std::get_if<PartitionEnd>(&next)) {
    ARROW_RETURN_NOT_OK(intake_.Ended(end->partition_id));
    may_open_ = true;
  } else if (std::holds_alternative<OffersChanged>(next)) {
    ARROW_RETURN_NOT_OK(intake_.Discover());
    TellNothingFound();
    may_open_ = true;
  } else if (const auto* revoked = std::get_if<PartitionsRevoked>(&next)) {
    ARROW_ASSIGN_OR_RAISE(const bool is_settled, Settle());
    if (!is_settled) return false;
    ARROW_RETURN_NOT_OK(intake_.Revoked(*revoked));
  } else if (const auto* failed = std::get_if<PartitionFailed>(&next)) {
    ARROW_ASSIGN_OR_RAISE(const bool is_settled, Settle());
    if (!is_settled) return false;
    if (options_.telemetry != nullptr) options_.telemetry->InputFailed(failed->reason);
    ARROW_RETURN_NOT_OK(intake_.Failed(*failed));
    may_open_ = true;
  } else {
    const auto* not_yet = std::get_if<NotYet>(&next);
    return Idle(stop, not_yet == nullptr, not_yet == nullptr || not_yet->is_caught_up);
  }
  return true;
}

arrow::Result<bool> Attempt::Idle(std::stop_token stop, bool is_source_at_end, bool is_caught_up) {
  TellQueues();
  if (options_.telemetry != nullptr) options_.telemetry->Incomplete(source_->pending_count());
  const int64_t discover_us = source_->discover_interval_ms() * 1000;
  const bool is_watching = discover_us > 0 && !options_.until_idle;
  const bool is_all_read =
      is_source_at_end || (options_.until_idle && is_caught_up && !book_.has_bounded());
  if (is_all_read && !is_watching) {
    ARROW_RETURN_NOT_OK(Flush("end"));
    ARROW_RETURN_NOT_OK(WaitForCommits(/*in_flight_max=*/0));
    if (has_failed()) return false;
    if (options_.until_idle) ARROW_RETURN_NOT_OK(intake_.Discover());
    ARROW_ASSIGN_OR_RAISE(const int64_t opened, intake_.OpenWhatMayBeRead());
    if (opened > 0) return true;
    if (source_->pending_count() > 0) return clock_.SleepMicros(kIdleWaitUsMax, stop);
    is_at_end_ = is_source_at_end;
    return is_source_at_end ? false : ++idle_rounds_ < 3;
  }
  const int64_t now_us = clock_.MonotonicMicros();
  if (discover_us > 0 && now_us - discovered_us_ >= discover_us) {
    ARROW_RETURN_NOT_OK(intake_.Discover());
    discovered_us_ = now_us;
    may_open_ = true;
  }
  ++idle_rounds_;
  const int64_t wait_us = std::min(kIdleWaitUsMax, kIdleWaitUsMin * idle_rounds_);
  if (options_.bell != nullptr) {
    options_.bell->Wait(clock_, wait_us, stop);
  } else {
    clock_.SleepMicros(wait_us, stop);
  }
  return true;
}

arrow::Status Attempt::Dispatch(Block block) {
  const Range range = block.origin.range;
  if (raw_ != nullptr) ARROW_RETURN_NOT_OK(raw_->Add(block));
  if (!book_.is_dirty()) epoch_started_us_ = clock_.MonotonicMicros();
  if (options_.apps != nullptr) options_.apps->Read(block);
  LaneWork work{.block = std::move(block),
                .sequence = next_sequence_++,
                .open = book_.open_partitions(),
                .partition_name = book_.name(range.partition_id),
                .is_input_file = book_.offer(range.partition_id).file.has_value()};
  book_.Read(range);
  has_unflushed_ = true;
  // The least loaded lane, the first of equals: little work stays in one lane and in one file.
  size_t best = 0;
  for (size_t i = 1; i < queues_.size(); ++i) {
    if (queues_[i]->item_count() < queues_[best]->item_count()) best = i;
  }
  const int64_t byte_count = work.block.bytes == nullptr ? 0 : work.block.bytes->size();
  if (options_.telemetry != nullptr) {
    options_.telemetry->BlockRead(byte_count);
    if (!work.block.reject_reason.empty()) options_.telemetry->BlockRejected();
  }
  // Not taken only when aborted: the failure is reported by who raised it.
  (void)queues_[best]->Push(std::move(work), byte_count, abort_.get_token());
  TellQueues();
  return arrow::Status::OK();
}

void Attempt::TellQueues() const {
  if (options_.telemetry == nullptr) return;
  int64_t item_count = 0;
  int64_t byte_count = 0;
  for (const auto& queue : queues_) {
    item_count += queue->item_count();
    byte_count += queue->byte_count();
  }
  options_.telemetry->Queued(item_count, byte_count);
}

const char* Attempt::FlushReason() const {
  if (!book_.is_dirty() || options_.flushes_only_at_end) return nullptr;
  if (is_flush_requested_.load()) return "request";
  if (clock_.MonotonicMicros() - epoch_started_us_ >= options_.flush_every_ms * 1000) return "time";
  int64_t byte_count = 0;
  for (const auto& lane : lanes_) byte_count += lane->epoch_bytes();
  return byte_count >= options_.flush_bytes ? "bytes" : nullptr;
}

arrow::Status Attempt::Flush(const char* reason) {
  is_flush_requested_ = false;
  if (book_.is_dirty()) ARROW_RETURN_NOT_OK(source_->Confirm());
  auto frontier = book_.DrawFrontier();
  if (frontier.empty()) return arrow::Status::OK();
  const int64_t drawn_us = clock_.MonotonicMicros();
  if (options_.telemetry != nullptr) options_.telemetry->Flushed(reason);
  ARROW_RETURN_NOT_OK(WaitForCommits(kEpochsInFlightMax - 1));
  if (has_failed()) return arrow::Status::OK();
  std::shared_ptr<Epoch> epoch;
  {
    std::lock_guard lock(mutex_);
    epoch = std::make_shared<Epoch>(epochs_started_++, drawn_us, std::move(frontier),
                                    intake_.TakeEvents(), static_cast<int>(lanes_.size()));
    in_flight_.push_back(epoch);
    has_unflushed_ = false;
  }
  if (raw_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto segments, raw_->CloseShare());
    epoch->KeepRaw(std::move(segments));
  }
  for (auto& queue : queues_) {
    if (!queue->Push(epoch, /*byte_count=*/0, abort_.get_token())) break;
  }
  return arrow::Status::OK();
}

arrow::Status Attempt::WaitForCommits(int64_t in_flight_max) {
  std::unique_lock lock(mutex_);
  progressed_.wait(lock, abort_.get_token(),
                   [&] { return epochs_started_ - epochs_committed_ <= in_flight_max; });
  return arrow::Status::OK();
}

arrow::Status Attempt::AcknowledgeCommitted() {
  std::vector<std::vector<FrontierPart>> frontiers;
  {
    std::lock_guard lock(mutex_);
    frontiers.swap(to_acknowledge_);
  }
  for (const auto& frontier : frontiers) {
    for (const FrontierPart& part : frontier) {
      ARROW_RETURN_NOT_OK(source_->Acknowledge(part.range.partition_id, part.range.to));
    }
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kAppendAcknowledged));
  }
  return arrow::Status::OK();
}

void Attempt::RunLane(size_t index) {
  Lane& lane = *lanes_[index];
  while (auto item = queues_[index]->Pop(abort_.get_token())) {
    if (auto* work = std::get_if<LaneWork>(&*item)) {
      const arrow::Status status = lane.Process(*work, abort_.get_token());
      if (status.ok()) continue;
      if (KindOf(status) == ErrorKind::kBadData && work->is_input_file) {
        std::lock_guard lock(mutex_);
        failed_input_ = PartitionFailed{.partition_id = work->block.origin.range.partition_id,
                                        .reason = status.message(),
                                        .is_retryable = false};
      }
      return Fail(status);
    }
    auto& epoch = std::get<std::shared_ptr<Epoch>>(*item);
    auto output = lane.CloseEpoch();
    if (!output.ok()) return Fail(output.status());
    if (epoch->Deliver(*std::move(output)) &&
        !complete_.Push(epoch, /*byte_count=*/0, abort_.get_token())) {
      return;
    }
  }
}

void Attempt::RunCommitter() {
  while (auto epoch = complete_.Pop(abort_.get_token())) {
    {
      std::lock_guard lock(mutex_);
      in_flight_.pop_front();  // Epochs are completed in order.
    }
    const arrow::Status status = commit_(**epoch);
    if (!status.ok()) return Fail(status);
    if (options_.telemetry != nullptr) {
      options_.telemetry->FlushTook(clock_.MonotonicMicros() - (*epoch)->drawn_us());
    }
    {
      std::lock_guard lock(mutex_);
      ++epochs_committed_;
      to_acknowledge_.push_back((*epoch)->frontier());
    }
    progressed_.notify_all();
  }
}

void Attempt::Fail(arrow::Status status) {
  {
    std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = std::move(status);
  }
  abort_.request_stop();
  progressed_.notify_all();
}

bool Attempt::has_failed() const {
  std::lock_guard lock(mutex_);
  return !failure_.ok();
}

std::optional<PartitionFailed> Attempt::failed_input() const {
  std::lock_guard lock(mutex_);
  return failed_input_;
}

bool Attempt::FlushAndWait(int64_t timeout_ms) {
  std::unique_lock lock(mutex_);
  if (!has_unflushed_ && epochs_started_ == epochs_committed_) return false;
  const int64_t target = has_unflushed_ ? epochs_started_ + 1 : epochs_started_;
  if (has_unflushed_) is_flush_requested_ = true;
  if (options_.bell != nullptr) options_.bell->Ring();
  return progressed_.wait_for(lock, abort_.get_token(), std::chrono::milliseconds(timeout_ms),
                              [&] { return epochs_committed_ >= target; });
}

}  // namespace catchwater
