#include "catchwater/source/amqp/amqp_intake.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/http_retry.h"

namespace catchwater {
namespace {

constexpr int64_t kWaitMs = 20;
constexpr int64_t kBatchBytes = 1 << 20;
constexpr int64_t kBatchMessages = 8'192;
constexpr int64_t kMessageBytes = 64;           // Beside its body.
constexpr int64_t kWaitingBytesMax = 16 << 20;  // Then nothing more is read from the socket.
constexpr int64_t kConfirmUsMax = 10'000'000;
constexpr RetryPolicy kReconnect{.attempts_max = std::numeric_limits<int>::max(),
                                 .delay_ms_max = 30'000,
                                 .budget_ms = std::numeric_limits<int64_t>::max()};

}  // namespace

void AmqpIntake::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
}

void AmqpIntake::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void AmqpIntake::Note(bool is_connected) {
  std::lock_guard lock(mutex_);
  active_us_ = is_connected ? clock_.MonotonicMicros() : -1;
}

void AmqpIntake::Run(std::stop_token stop) {
  auto backoff = std::make_unique<Backoff>(kReconnect, clock_, random_.Next());
  while (!stop.stop_requested()) {
    was_connected_ = false;
    arrow::Status ended = Serve(stop);
    if (ended.ok() || stop.stop_requested()) return;
    Note(/*is_connected=*/false);
    if (KindOf(ended) != ErrorKind::kUnavailable) {
      std::lock_guard lock(mutex_);
      failure_ = std::move(ended);
      return;
    }
    if (was_connected_) backoff = std::make_unique<Backoff>(kReconnect, clock_, random_.Next());
    if (!backoff->Wait(/*asked_ms=*/std::nullopt, stop)) return;
  }
}

arrow::Status AmqpIntake::Serve(std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(options_.connection));
  {
    std::lock_guard lock(mutex_);
    ++session_;
    // The broker delivers again what it has not seen acknowledged; of a stream the reading goes on.
    if (!options_.is_stream && !options_.is_unacknowledged) {
      waiting_.clear();
      waiting_bytes_ = 0;
    }
    answers_.clear();
  }
  ARROW_RETURN_NOT_OK(Begin(*connection));
  was_connected_ = true;
  begun_us_ = clock_.MonotonicMicros();
  if (unconfirmed_count_ == 0) Note(/*is_connected=*/true);
  while (!stop.stop_requested()) {
    ARROW_RETURN_NOT_OK(SendAnswers(*connection));
    if (!HasRoom()) {
      ARROW_RETURN_NOT_OK(Wait(*connection, stop));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const AmqpMessage* message, connection->Read(kWaitMs));
    if (message != nullptr) {
      ARROW_RETURN_NOT_OK(Take(*connection, *message));
    } else if (unconfirmed_count_ > 0) {
      ARROW_RETURN_NOT_OK(CheckConfirmed(clock_.MonotonicMicros()));
    }
  }
  ARROW_RETURN_NOT_OK(SendAnswers(*connection));
  connection->Close();
  return arrow::Status::OK();
}

arrow::Status AmqpIntake::Begin(AmqpConnection& connection) {
  queue_of_channel_.clear();
  channels_.clear();
  unacknowledged_ = 0;
  unconfirmed_count_ = 0;
  for (size_t i = 0; i < readings_.size(); ++i) {
    AmqpReading& reading = readings_[i];
    reading.is_confirmed = !reading.next_offset;
    if (!reading.is_confirmed) ++unconfirmed_count_;
    AmqpConsumeOptions options = reading.start;
    options.queue = reading.queue;
    options.prefetch = options_.prefetch;
    options.is_unacknowledged = options_.is_unacknowledged;
    if (reading.next_offset) {
      options.stream_word.clear();
      options.stream_time_s.reset();
      // From the message before it on: is it still the one that was read?
      options.stream_offset = static_cast<int64_t>(*reading.next_offset) - 1;
    }
    ARROW_ASSIGN_OR_RAISE(const uint16_t channel, connection.Consume(options));
    queue_of_channel_[channel] = i;
    channels_.push_back(channel);
  }
  return arrow::Status::OK();
}

// Nothing is read while the pipeline is behind; the broker must know that we live.
arrow::Status AmqpIntake::Wait(AmqpConnection& connection, std::stop_token stop) {
  const int64_t now_us = clock_.MonotonicMicros();
  if (now_us - beaten_us_ > int64_t{options_.connection.heartbeat_s} * 1'000'000 / 3) {
    beaten_us_ = now_us;
    ARROW_RETURN_NOT_OK(connection.Beat());
  }
  clock_.SleepMicros(kWaitMs * 1'000 / 10, stop);
  return arrow::Status::OK();
}

// Not every offset is a message: what the broker notes for itself, e.g. at the beginning of each
// segment, takes offsets too. Retention takes the oldest away: what is behind a message that is
// still there was not deleted.
arrow::Result<bool> AmqpIntake::HasMessage(const AmqpReading& reading, uint64_t offset) const {
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(options_.connection));
  AmqpConsumeOptions options{.queue = reading.queue, .prefetch = options_.prefetch};
  options.stream_offset = static_cast<int64_t>(offset);
  ARROW_RETURN_NOT_OK(connection->Consume(options).status());
  const int64_t end_us = clock_.MonotonicMicros() + kConfirmUsMax;
  while (clock_.MonotonicMicros() < end_us) {
    ARROW_ASSIGN_OR_RAISE(const AmqpMessage* message, connection->Read(kWaitMs));
    if (message == nullptr || !message->stream_offset) continue;
    const auto found = static_cast<uint64_t>(*message->stream_offset);
    if (found < offset) continue;  // They come in groups.
    connection->Close();
    return found == offset;
  }
  return Unavailable("AMQP broker does not send what is in the stream, queue and offset: ",
                     reading.queue, " ", offset);
}

arrow::Result<std::optional<uint64_t>> AmqpIntake::TakeStreamPosition(AmqpReading& reading,
                                                                      const AmqpMessage& message) {
  if (!message.stream_offset) {
    return ConfigError("Queue is no stream; check `type`, queue: ", reading.queue);
  }
  const auto offset = static_cast<uint64_t>(*message.stream_offset);
  const uint64_t next = reading.next_offset.value_or(0);
  const uint64_t mark = AmqpMark(message);
  if (offset + 1 == next && reading.previous_mark && *reading.previous_mark != mark) {
    return BadData(
        "Stream was deleted and made anew, or cut, behind what was read of it; give the pipeline "
        "another name to read what is there now, queue and offset: ",
        reading.queue, " ", offset);
  }
  if (!reading.is_confirmed && offset + 1 >= next) {
    reading.is_confirmed = true;
    if (--unconfirmed_count_ == 0) Note(/*is_connected=*/true);
  }
  if (offset < next) return std::nullopt;
  bool has_hole = false;
  if (reading.next_offset && offset > next) {
    ARROW_ASSIGN_OR_RAISE(has_hole, HasMessage(reading, next - 1));
  }
  reading.next_offset = offset + 1;
  reading.previous_mark = mark;
  return has_hole ? next : offset;
}

arrow::Status AmqpIntake::CheckConfirmed(int64_t now_us) const {
  if (now_us - begun_us_ < kConfirmUsMax) return arrow::Status::OK();
  for (const AmqpReading& reading : readings_) {
    if (reading.is_confirmed) continue;
    return BadData(
        "Stream ends before what was read of it: it was deleted and made anew, or cut; give the "
        "pipeline another name to read what is there now, queue and position: ",
        reading.queue, " ", *reading.next_offset);
  }
  return arrow::Status::OK();
}

arrow::Status AmqpIntake::Take(AmqpConnection& connection, const AmqpMessage& message) {
  const size_t queue = queue_of_channel_[message.channel];
  AmqpReading& reading = readings_[queue];
  std::optional<uint64_t> begin = 0;
  bool is_gap = false;
  if (options_.is_stream) {
    const auto expected = reading.next_offset;
    ARROW_ASSIGN_OR_RAISE(begin, TakeStreamPosition(reading, message));
    is_gap = begin != expected;
    // Positions are ours: the acknowledgement of a stream only asks for more.
    if (++unacknowledged_ >= std::max<int64_t>(1, options_.prefetch / 4)) {
      unacknowledged_ = 0;
      ARROW_RETURN_NOT_OK(connection.Acknowledge(message.channel, message.tag));
    }
  } else if (message.stream_offset) {
    return ConfigError("Queue is a stream; set `type: stream`, queue: ", reading.queue);
  }
  if (!begin) return arrow::Status::OK();
  const auto byte_count = static_cast<int64_t>(message.body.size());
  const bool is_too_long = byte_count > options_.frame_bytes_max;
  const int64_t now_us = clock_.NowMicros();
  std::lock_guard lock(mutex_);
  const bool is_first = waiting_.empty() || is_gap || is_too_long ||
                        waiting_.back().is_rejected() || waiting_.back().queue() != queue ||
                        waiting_.back().session() != session_ ||
                        waiting_.back().byte_count() + byte_count > kBatchBytes ||
                        waiting_.back().message_count() >= kBatchMessages;
  if (is_first) {
    waiting_.emplace_back(queue, session_, options_.fields);
    waiting_.back().SetBeginOffset(*begin);
  }
  const int64_t before = waiting_.back().byte_count();
  ARROW_RETURN_NOT_OK(
      waiting_.back().Add(message, reading.queue, now_us, options_.frame_bytes_max));
  waiting_bytes_ += waiting_.back().byte_count() - before + kMessageBytes;
  active_us_ = clock_.MonotonicMicros();
  if (options_.bell != nullptr) options_.bell->Ring();
  return arrow::Status::OK();
}

arrow::Status AmqpIntake::SendAnswers(AmqpConnection& connection) {
  if (!has_answers_.exchange(false)) return arrow::Status::OK();
  std::vector<Answer> answers;
  {
    std::lock_guard lock(mutex_);
    answers.swap(answers_);
  }
  for (const Answer& answer : answers) {
    const uint16_t channel = channels_[answer.queue];
    ARROW_RETURN_NOT_OK(answer.is_rejection ? connection.Reject(channel, answer.tag)
                                            : connection.Acknowledge(channel, answer.tag));
  }
  return arrow::Status::OK();
}

std::optional<AmqpBatch> AmqpIntake::Take() {
  std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  AmqpBatch batch = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= batch.byte_count() + batch.message_count() * kMessageBytes;
  return batch;
}

void AmqpIntake::Acknowledge(size_t queue, int64_t session, uint64_t tag) {
  std::lock_guard lock(mutex_);
  if (session != session_) return;
  answers_.push_back({.queue = queue, .tag = tag});
  has_answers_ = true;
}

void AmqpIntake::Reject(size_t queue, int64_t session, uint64_t tag) {
  std::lock_guard lock(mutex_);
  if (session != session_) return;
  answers_.push_back({.queue = queue, .tag = tag, .is_rejection = true});
  has_answers_ = true;
}

bool AmqpIntake::HasRoom() const {
  std::lock_guard lock(mutex_);
  return waiting_bytes_ < kWaitingBytesMax;
}

bool AmqpIntake::has_waiting() const {
  std::lock_guard lock(mutex_);
  return !waiting_.empty();
}

int64_t AmqpIntake::session() const {
  std::lock_guard lock(mutex_);
  return session_;
}

arrow::Status AmqpIntake::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

int64_t AmqpIntake::quiet_us() const {
  std::lock_guard lock(mutex_);
  return active_us_ < 0 ? 0 : clock_.MonotonicMicros() - active_us_;
}

}  // namespace catchwater
