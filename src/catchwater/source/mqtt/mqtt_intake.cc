#include "catchwater/source/mqtt/mqtt_intake.h"

#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/http_retry.h"

namespace catchwater {
namespace {

constexpr int64_t kWaitMs = 20;
constexpr int64_t kGroupBytes = 1 << 20;  // Before one fsync.
constexpr RetryPolicy kReconnect{.attempts_max = std::numeric_limits<int>::max(),
                                 .delay_ms_max = 30'000,
                                 .budget_ms = std::numeric_limits<int64_t>::max()};

}  // namespace

void MqttIntake::Start() {
  thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
}

void MqttIntake::Stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
}

void MqttIntake::OnMessage(const MqttMessage& message) {
  if (inbox_failure_.ok()) inbox_failure_ = inbox_.Add(message);
}

bool MqttIntake::HasRoom() { return inbox_.HasRoom(); }

// A message that was not taken must not be acknowledged: the connection ends without a word.
arrow::Status MqttIntake::MakeDurable() {
  ARROW_RETURN_NOT_OK(inbox_failure_);
  return inbox_.MakeDurable();
}

void MqttIntake::Note(arrow::Status trouble) {
  std::lock_guard lock(mutex_);
  active_us_ = trouble.ok() ? clock_.MonotonicMicros() : -1;
  trouble_ = std::move(trouble);
}

void MqttIntake::Run(std::stop_token stop) {
  auto backoff = std::make_unique<Backoff>(kReconnect, clock_, random_.Next());
  while (!stop.stop_requested()) {
    was_connected_ = false;
    inbox_failure_ = arrow::Status::OK();
    arrow::Status ended = Serve(stop);
    if (ended.ok() || stop.stop_requested()) return;
    const ErrorKind kind = KindOf(ended);
    Note(ended);
    if (kind == ErrorKind::kDenied || kind == ErrorKind::kConfig || kind == ErrorKind::kInternal) {
      std::lock_guard lock(mutex_);
      failure_ = std::move(ended);
      return;
    }
    if (was_connected_) backoff = std::make_unique<Backoff>(kReconnect, clock_, random_.Next());
    if (!backoff->Wait(/*asked_ms=*/std::nullopt, stop)) return;
  }
}

arrow::Status MqttIntake::Serve(std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const auto connection,
                        MqttConnection::Connect(options_.connection, this, stop));
  // The topics of an earlier run may have been others.
  if (is_first_ || !connection->is_session_present()) {
    ARROW_RETURN_NOT_OK(connection->Subscribe(options_.topics, options_.qos, stop));
  }
  is_first_ = false;
  was_connected_ = true;
  Note(arrow::Status::OK());
  while (!stop.stop_requested()) {
    int64_t byte_count = 0;
    if (HasRoom()) {
      ARROW_ASSIGN_OR_RAISE(byte_count, connection->Read(kWaitMs, kGroupBytes));
    } else {
      clock_.SleepMicros(kWaitMs * 1'000, stop);
    }
    ARROW_RETURN_NOT_OK(connection->Write());
    if (byte_count > 0) Note(arrow::Status::OK());
  }
  connection->Disconnect();
  return arrow::Status::OK();
}

arrow::Status MqttIntake::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

arrow::Status MqttIntake::trouble() const {
  std::lock_guard lock(mutex_);
  return trouble_;
}

int64_t MqttIntake::quiet_us() const {
  std::lock_guard lock(mutex_);
  return active_us_ < 0 ? 0 : clock_.MonotonicMicros() - active_us_;
}

}  // namespace catchwater
