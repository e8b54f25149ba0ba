#include "catchwater/pipeline/sink_feed.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/app_switches.h"
#include "catchwater/pipeline/script_sink.h"
#include "catchwater/pipeline/timer.h"
#include "catchwater/security/secret.h"

namespace catchwater {
namespace {

constexpr int64_t kLeaseMs = 15'000;
constexpr int64_t kPollUs = 200'000;     // One small query of the ledger.
constexpr int64_t kPatienceUs = 50'000;  // A sleep looks for the end that often.
constexpr int64_t kBackOffUsMin = 500'000;
constexpr int64_t kBackOffUsMax = 30'000'000;
constexpr int64_t kBlockedUs = 10'000'000;  // Then it is looked whether somebody has helped.
constexpr int kTriesMaxAtEnd = 5;           // In a row, before `--until-idle` gives up.
constexpr int64_t kCatchingUpUs = 5'000'000;
constexpr int64_t kHoldUsMax = 5'000'000;    // Of a switch that was not written after all.
constexpr int64_t kDrainUsMax = 10'000'000;  // Of a pipeline that is told to stop.
constexpr int64_t kSettledFilesMax = 256;
constexpr int64_t kResultsAtOnce = 2'000;  // Between two looks whether their app is still on.

/// What another attempt may heal by itself.
bool IsTransient(const arrow::Status& failure) {
  switch (KindOf(failure)) {
    case ErrorKind::kUnavailable:
    case ErrorKind::kThrottled:
    case ErrorKind::kConflict:
    case ErrorKind::kCommitUnknown:  // The mark in the target tells whether it happened.
      return true;
    default:
      return false;
  }
}

}  // namespace

SinkFeed::SinkFeed(std::shared_ptr<const PipelinePlan> plan, SinkPlan sink, RunnerContext context)
    : plan_(std::move(plan)),
      sink_(std::move(sink)),
      context_(std::move(context)),
      table_key_(sink_.table_key),
      name_(plan_->name + "/" + sink_.name),
      sink_clock_(context_.clock),
      early_(sink_.options.before_commit ? std::make_unique<EarlyResults>(bell_) : nullptr) {
  report_.sink = sink_.name;
  report_.kind = sink_.component.name;
  report_.state = "waiting";
}

bool SinkFeed::Sleep(int64_t duration_us, std::stop_token stop) {
  const int64_t end_us = context_.clock.MonotonicMicros() + duration_us;
  while (!is_finishing_) {
    const int64_t left_us = end_us - context_.clock.MonotonicMicros();
    if (left_us <= 0) return true;
    if (!context_.clock.SleepMicros(std::min(left_us, kPatienceUs), stop)) return false;
  }
  return !stop.stop_requested();
}

arrow::Status SinkFeed::Rest(Delivery& delivery, int64_t duration_us, bool until_commit,
                             std::stop_token stop) {
  const int64_t end_us = context_.clock.MonotonicMicros() + duration_us;
  while (!is_finishing_ && !(until_commit && has_commit_)) {
    // Before the wait: what a commit held back may go now.
    ARROW_ASSIGN_OR_RAISE(const int64_t row_count, delivery.SendEarly(stop));
    if (row_count > 0) {
      const std::lock_guard lock(mutex_);
      report_.rows += row_count;
    }
    const int64_t left_us = end_us - context_.clock.MonotonicMicros();
    if (left_us <= 0 || !bell_.Wait(context_.clock, left_us, stop)) break;
  }
  return arrow::Status::OK();
}

arrow::Result<bool> SinkFeed::TakeLease(std::stop_token stop) {
  const std::string lease = "sink/" + name_;
  while (!stop.stop_requested()) {
    ARROW_ASSIGN_OR_RAISE(const auto epoch,
                          context_.ledger->AcquireLease(lease, context_.owner, kLeaseMs));
    if (epoch) {
      fence_ = {.lease = lease, .epoch = *epoch};
      return true;
    }
    SetState("waiting");
    // Who has the lease delivers; at the end of this process it must have done so.
    if (is_finishing_) {
      ARROW_ASSIGN_OR_RAISE(const bool is_needed, IsNeeded());
      if (!is_needed || !context_.clock.SleepMicros(kPollUs, stop)) return false;
    }
    Sleep(kPollUs, stop);
  }
  return false;
}

arrow::Result<bool> SinkFeed::IsNeeded() {
  ARROW_ASSIGN_OR_RAISE(const bool is_on, IsOn());
  if (!is_on) return false;
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, context_.ledger->Deliveries(table_key_));
  const auto found = std::ranges::find(deliveries, name_, &DeliveryRecord::sink);
  const bool is_known = found != deliveries.end();
  if (is_known && found->state == DeliveryState::kBlocked) return false;
  ARROW_ASSIGN_OR_RAISE(
      const DeliveryBacklog backlog,
      context_.ledger->Backlog(table_key_, is_known ? found->mark : DeliveryMark{}));
  return backlog.file_count > 0;
}

arrow::Result<bool> SinkFeed::HasTable(std::stop_token stop) {
  while (!stop.stop_requested()) {
    ARROW_ASSIGN_OR_RAISE(const auto pointer, context_.ledger->TablePointer(table_key_));
    if (pointer) return true;
    if (is_finishing_) return false;
    Sleep(kPollUs, stop);
  }
  return false;
}

arrow::Result<bool> SinkFeed::IsOn() {
  if (sink_.stream.empty()) return true;
  if (context_.clock.MonotonicMicros() < held_until_us_) return false;
  ARROW_ASSIGN_OR_RAISE(const AppStates states, ReadAppStates(*context_.ledger, plan_->name));
  const auto known = states.find(sink_.stream);
  return known == states.end() || known->second;
}

arrow::Status SinkFeed::SettleSent() {
  const int64_t end_us = context_.clock.MonotonicMicros() + kDrainUsMax;
  while (!is_finishing_) {
    const int64_t left_us = end_us - context_.clock.MonotonicMicros();
    if (left_us <= 0) return arrow::Status::OK();  // It comes again in the next run.
    bell_.Wait(context_.clock, left_us, {});
  }
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, context_.ledger->Deliveries(table_key_));
  const auto found = std::ranges::find(deliveries, name_, &DeliveryRecord::sink);
  if (found == deliveries.end() || found->state != DeliveryState::kLive) return arrow::Status::OK();
  DeliveryRecord record = *found;
  ARROW_ASSIGN_OR_RAISE(const auto files,
                        context_.ledger->FilesToDeliver(table_key_, record.mark, kSettledFilesMax));
  for (const DataFileRecord& file : files) {
    if (!early_->Settle(file.file.path)) break;
    record.mark = {.seq = file.added_seq, .ordinal = file.ordinal, .file = file.file.path};
  }
  return context_.ledger->SetDelivery(record);
}

arrow::Status SinkFeed::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    ARROW_ASSIGN_OR_RAISE(const bool has_lease, TakeLease(stop));
    if (!has_lease) return arrow::Status::OK();
    const arrow::Result<bool> is_done = FollowUnderLease(stop);
    arrow::Status settled;
    if (early_ != nullptr && stop.stop_requested()) settled = SettleSent();
    ARROW_RETURN_NOT_OK(context_.ledger->ReleaseLease(fence_.lease, fence_.epoch));
    ARROW_RETURN_NOT_OK(settled);
    if (!is_done.ok()) return WithContext(is_done.status(), "sink `" + name_ + "`");
    if (*is_done) return arrow::Status::OK();
  }
  return arrow::Status::OK();
}

arrow::Result<bool> SinkFeed::FollowUnderLease(std::stop_token stop) {
  std::stop_source lease_stop;
  const std::stop_callback forward(stop, [&] { lease_stop.request_stop(); });
  const Timer renewal(context_.clock, kLeaseMs * 1000 / 3, [this, &lease_stop] {
    const auto renewed = context_.ledger->RenewLease(fence_.lease, fence_.epoch, kLeaseMs);
    if (renewed.ok() && !*renewed) lease_stop.request_stop();
  });
  const std::stop_token token = lease_stop.get_token();
  ARROW_ASSIGN_OR_RAISE(const bool has_table, HasTable(token));
  if (!has_table) return !token.stop_requested();
  while (true) {
    const arrow::Status status = Follow(token);
    if (token.stop_requested()) return false;
    if (status.ok()) return true;
    ARROW_ASSIGN_OR_RAISE(const bool goes_on, Recover(status, token));
    if (token.stop_requested()) return false;
    if (!goes_on) return status;
  }
}

arrow::Result<std::unique_ptr<Sink>> SinkFeed::MakeSink(std::shared_ptr<arrow::Schema> schema) {
  if (sink_.is_script) {
    return MakeScriptSink({.plan = plan_,
                           .stream = sink_.stream,
                           .runner = context_,
                           .fence = fence_,
                           .stop = delivery_stop_,
                           .schema = std::move(schema)});
  }
  return sink_.component.make({.schema = std::move(schema),
                               .key = sink_.key,
                               .pipeline = plan_->name,
                               .stream = sink_.stream,
                               .sink = name_,
                               .table_key = table_key_,
                               .comes_before_commit = early_ != nullptr,
                               .files = context_.files,
                               .clock = sink_clock_,
                               .project_folder = plan_->project_folder,
                               .registry = context_.registry,
                               .console = context_.console,
                               .is_terminal = context_.is_terminal});
}

arrow::Result<std::unique_ptr<Delivery>> SinkFeed::OpenDelivery() {
  ARROW_ASSIGN_OR_RAISE(
      auto delivery,
      Delivery::Open(*context_.lake,
                     {.sink = name_,
                      .table_key = table_key_,
                      .batch_bytes = sink_.options.batch.bytes,
                      .rows_at_once = sink_.stream.empty() ? 0 : kResultsAtOnce,
                      .make = [this](auto schema) { return MakeSink(std::move(schema)); },
                      .early = early_.get()}));
  noted_reason_.clear();  // Opening has written the record without one.
  return delivery;
}

arrow::Status SinkFeed::Follow(std::stop_token stop) {
  while (!stop.stop_requested()) {
    const bool was_finishing = is_finishing_;
    ARROW_ASSIGN_OR_RAISE(const Ending ending, FollowWhileOn(stop));
    if (ending == Ending::kAgain) continue;
    if (ending == Ending::kDone || was_finishing) break;
    Sleep(kPollUs, stop);
  }
  return arrow::Status::OK();
}

arrow::Result<SinkFeed::Ending> SinkFeed::FollowWhileOn(std::stop_token stop) {
  // Begun before the look: who switches the app off after it finds what is to be cut.
  const std::stop_token cut = sending_.Begin();
  const std::unique_ptr<SendingTime, void (*)(SendingTime*)> ends(
      &sending_, [](SendingTime* sending) { sending->End(); });
  std::stop_source both;
  const auto ask_to_stop = [&both] { both.request_stop(); };
  const std::stop_callback on_stop(stop, ask_to_stop);
  const std::stop_callback on_cut(cut, ask_to_stop);
  ARROW_ASSIGN_OR_RAISE(const bool is_on, IsOn());
  if (!is_on) {
    SetState("off");
    return Ending::kOff;
  }
  delivery_stop_ = both.get_token();
  sink_clock_.Begin(both.get_token());
  ARROW_ASSIGN_OR_RAISE(const auto delivery, OpenDelivery());
  if (delivery->needs_resync()) {
    SetState("resync");
    ARROW_ASSIGN_OR_RAISE(const DeliveryStep step, delivery->Resync(both.get_token()));
    if (step.kind == DeliveryStep::Kind::kSchemaChanged) return Ending::kAgain;
    Note(step);
    std::lock_guard lock(mutex_);
    ++report_.resyncs;
  }
  return FollowOpened(*delivery, both.get_token());
}

arrow::Result<SinkFeed::Ending> SinkFeed::FollowOpened(Delivery& delivery, std::stop_token stop) {
  const int64_t every_us = sink_.options.every.ms * 1'000;
  while (!stop.stop_requested()) {
    const bool was_finishing = is_finishing_;  // Before the look: nothing comes after it.
    // A program that was not told of a switch sees it here.
    ARROW_ASSIGN_OR_RAISE(const bool is_on, IsOn());
    if (!is_on) return Ending::kAgain;
    const int64_t begun_us = context_.clock.MonotonicMicros();
    has_commit_ = false;  // Before the look.
    ARROW_ASSIGN_OR_RAISE(const DeliveryStep step, delivery.Step(stop));
    if (step.kind == DeliveryStep::Kind::kSchemaChanged) break;
    failures_ = 0;
    Note(step);
    if (step.kind == DeliveryStep::Kind::kNothing) {
      if (was_finishing) return Ending::kDone;
      ARROW_RETURN_NOT_OK(Rest(delivery, std::min(kPollUs, every_us), /*until_commit=*/true, stop));
      continue;
    }
    // One that is behind goes on at once.
    const int64_t lag_us = context_.clock.NowMicros() - step.oldest_us.value_or(0);
    if (lag_us > std::max(kCatchingUpUs, 2 * every_us)) continue;
    // Results that were sent are not gathered: their commits are noted soon, or are too many.
    const int64_t pause_us = early_ != nullptr ? std::min(kPollUs, every_us) : every_us;
    const int64_t rest_us = pause_us - (context_.clock.MonotonicMicros() - begun_us);
    ARROW_RETURN_NOT_OK(Rest(delivery, rest_us, /*until_commit=*/false, stop));
  }
  return Ending::kAgain;
}

void SinkFeed::Hold() {
  held_until_us_ = context_.clock.MonotonicMicros() + kHoldUsMax;
  // A target that does not answer is waited for by TakeSwitch.
  static_cast<void>(sending_.Cut(/*timeout_us=*/0));
}

arrow::Result<bool> SinkFeed::TakeSwitch(int64_t timeout_us) {
  held_until_us_ = 0;
  ARROW_ASSIGN_OR_RAISE(const bool is_on, IsOn());
  return is_on || sending_.Cut(timeout_us);
}

arrow::Result<bool> SinkFeed::Recover(const arrow::Status& failure, std::stop_token stop) {
  if (KindOf(failure) == ErrorKind::kCancelled) return !stop.stop_requested();
  if (early_ != nullptr) early_->Close();
  ++failures_;
  const bool is_transient = IsTransient(failure);
  // A conflict is the sink's word for "in another way, please"; told only if it does not help.
  const bool is_quiet = KindOf(failure) == ErrorKind::kConflict && failures_ <= 2;
  if (!is_quiet) ARROW_RETURN_NOT_OK(NoteFailure(failure, !is_transient));
  if (is_finishing_ && (!is_transient || failures_ >= kTriesMaxAtEnd)) return false;
  if (is_quiet) return !stop.stop_requested();
  int64_t wait_us = kBlockedUs;
  if (is_transient) {
    wait_us = std::min(kBackOffUsMax, kBackOffUsMin << std::min(failures_ - 1, 6));
    wait_us = wait_us / 2 + static_cast<int64_t>(random_.Uniform() * static_cast<double>(wait_us));
  }
  // At the end the tries come as quickly as they may, but not faster.
  if (is_finishing_) return context_.clock.SleepMicros(std::min(wait_us, kBackOffUsMin), stop);
  return Sleep(wait_us, stop);
}

arrow::Status SinkFeed::NoteFailure(const arrow::Status& failure, bool is_blocked) {
  const std::string reason = MaskSecrets(failure.message());
  ARROW_ASSIGN_OR_RAISE(const auto deliveries, context_.ledger->Deliveries(table_key_));
  const auto found = std::ranges::find(deliveries, name_, &DeliveryRecord::sink);
  DeliveryRecord record{.sink = name_, .table_key = table_key_};
  if (found != deliveries.end()) record = *found;
  ARROW_ASSIGN_OR_RAISE(const DeliveryBacklog backlog,
                        context_.ledger->Backlog(table_key_, record.mark));
  const int64_t now_us = context_.clock.NowMicros();
  const int64_t lag_us = now_us - backlog.oldest_us.value_or(now_us);
  if (lag_us > sink_.options.hold_max.ms * 1'000) {
    record.state = DeliveryState::kResync;
  } else if (record.state != DeliveryState::kResync) {
    record.state = is_blocked ? DeliveryState::kBlocked : DeliveryState::kLive;
  }
  record.reason = reason;
  if (found == deliveries.end() || noted_reason_ != reason || found->state != record.state) {
    ARROW_RETURN_NOT_OK(context_.ledger->SetDelivery(record));
    noted_reason_ = reason;
  }
  std::lock_guard lock(mutex_);
  report_.state = is_blocked ? "blocked" : "down";
  report_.last_error = reason;
  report_.lag_ms = lag_us / 1'000;
  return arrow::Status::OK();
}

void SinkFeed::SetState(std::string state) {
  std::lock_guard lock(mutex_);
  report_.state = std::move(state);
}

void SinkFeed::Note(const DeliveryStep& step) {
  const int64_t now_us = context_.clock.NowMicros();
  std::lock_guard lock(mutex_);
  report_.last_error.clear();
  report_.lag_ms = (now_us - step.oldest_us.value_or(now_us)) / 1'000;
  report_.state = report_.lag_ms * 1'000 > kCatchingUpUs ? "catching_up" : "following";
  report_.rows += step.row_count;
  if (step.kind != DeliveryStep::Kind::kDelivered) return;
  ++report_.transactions;
  report_.files += step.file_count;
  for (const DeliveredFile& file : step.files) {
    report_.delay.Add(now_us - file.committed_us, file.row_count);
  }
}

SinkReport SinkFeed::Report() const {
  std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace catchwater
