#include "catchwater/amqp/producer.h"

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/amqp/connection.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kOutstandingMax = 2'000;
constexpr size_t kKeptMax = 4 * kOutstandingMax;  // Messages behind the oldest without an answer.
constexpr int64_t kConfirmsEvery = 64;            // Messages between two looks at what has come.
constexpr int64_t kWaitMs = 20;
constexpr int64_t kPauseUsMin = 20'000;  // Before a refused message is sent again.
constexpr int64_t kPauseUsMax = 500'000;

class AmqpProducer final : public MessageProducer {
 public:
  AmqpProducer(AmqpProducerOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  arrow::Status Check() override {
    ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(options_.connection));
    const arrow::Status found = Find(*connection);
    connection->Close();
    if (!KindIs(found, ErrorKind::kNotFound)) return found;
    if (options_.create) return arrow::Status::OK();
    return NotFound("AMQP ", options_.exchange.empty() ? "queue" : "exchange",
                    " does not exist; make it, or set `create: true`: ",
                    options_.exchange.empty() ? options_.queue : options_.exchange);
  }

  arrow::Status Send(const OutgoingMessage& message) override {
    ARROW_RETURN_NOT_OK(Connect());
    ARROW_RETURN_NOT_OK(Publish({.address = std::string(message.address),
                                 .payload = std::string(message.payload),
                                 .id = std::string(message.id)}));
    if (unconfirmed_.size() >= kKeptMax) return Drain(0);
    if (connection_->outstanding_count() >= kOutstandingMax) return Drain(kOutstandingMax / 2);
    if (++sent_count_ % kConfirmsEvery != 0) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(TakeAnswers(/*wait_ms=*/0));
    // Refused ones are sent again before others: the order is kept as well as it may be.
    return refused_.empty() ? arrow::Status::OK() : Drain(0);
  }

  arrow::Status Flush() override { return connection_ == nullptr ? arrow::Status::OK() : Drain(0); }

  void Close() override {
    if (connection_ != nullptr) connection_->Close();
    connection_.reset();
  }

 private:
  static bool KindIs(const arrow::Status& status, ErrorKind kind) {
    return !status.ok() && KindOf(status) == kind;
  }

  arrow::Status Find(AmqpConnection& connection) const {
    if (!options_.exchange.empty()) return connection.FindExchange(options_.exchange);
    return options_.queue.empty() ? arrow::Status::OK()
                                  : connection.CountMessages(options_.queue).status();
  }

  arrow::Status MakeQueue(AmqpConnection& connection) const {
    AmqpArguments arguments = options_.queue_arguments;
    arguments.emplace_back("x-queue-type", WordOf(options_.queue_type));
    return connection.MakeQueue(options_.queue, arguments);
  }

  /// Between two sendings nobody answers the broker, which ends a connection that is silent.
  void LeaveSilent() {
    if (connection_ == nullptr || !unconfirmed_.empty() || !refused_.empty()) return;
    const int64_t silent_us = clock_.MonotonicMicros() - published_us_;
    const int64_t heartbeat_us = int64_t{options_.connection.heartbeat_s} * 1'000'000;
    if (silent_us < heartbeat_us) return;
    if (silent_us < 2 * heartbeat_us) connection_->Close();  // Later nobody may hear a good-bye.
    connection_.reset();
  }

  arrow::Status Connect() {
    LeaveSilent();
    if (connection_ != nullptr) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(auto connection, AmqpConnection::Connect(options_.connection));
    arrow::Status found = Find(*connection);
    if (KindIs(found, ErrorKind::kNotFound) && options_.create) {
      found = options_.exchange.empty()
                  ? MakeQueue(*connection)
                  : connection->MakeExchange(options_.exchange, options_.exchange_type);
    }
    ARROW_RETURN_NOT_OK(found);
    connection_ = std::move(connection);
    return arrow::Status::OK();
  }

  /// A message that is not confirmed.
  struct Unconfirmed {
    std::string address;
    std::string payload;
    std::string id;
    uint64_t tag = 0;
  };

  arrow::Status Publish(Unconfirmed message) {
    ARROW_ASSIGN_OR_RAISE(message.tag,
                          connection_->Publish({.exchange = options_.exchange,
                                                .routing_key = message.address,
                                                .body = message.payload,
                                                .message_id = message.id,
                                                .is_persistent = options_.is_persistent,
                                                .is_mandatory = options_.is_mandatory}));
    unconfirmed_.push_back(std::move(message));
    published_us_ = clock_.MonotonicMicros();
    return arrow::Status::OK();
  }

  arrow::Status TakeAnswers(int64_t wait_ms) {
    ARROW_RETURN_NOT_OK(connection_->ReadConfirms(wait_ms));
    for (const uint64_t tag : connection_->TakeRefused()) {
      const auto found = std::ranges::lower_bound(unconfirmed_, tag, {}, &Unconfirmed::tag);
      CATCHWATER_CHECK(found != unconfirmed_.end() && found->tag == tag, "it was sent");
      refused_.push_back(std::move(*found));
    }
    while (!unconfirmed_.empty() && unconfirmed_.front().tag < connection_->oldest_outstanding()) {
      unconfirmed_.pop_front();
    }
    return arrow::Status::OK();
  }

  /// Waits until at most so many messages are not confirmed, and none is refused: one that a full
  /// queue refused is sent again after a while. Fails if nothing moves for the time.
  arrow::Status Drain(int64_t outstanding_count_max) {
    int64_t pause_us = kPauseUsMin;
    int64_t left = Left();
    int64_t end_us = clock_.MonotonicMicros() + options_.timeout_us;
    while (connection_->outstanding_count() > outstanding_count_max || !refused_.empty()) {
      if (clock_.MonotonicMicros() > end_us) return Late();
      if (connection_->outstanding_count() == 0) {
        if (!clock_.SleepMicros(pause_us, {})) return Cancelled("Sending was stopped");
        pause_us = std::min(2 * pause_us, kPauseUsMax);
        for (Unconfirmed& message : std::exchange(refused_, {})) {
          ARROW_RETURN_NOT_OK(Publish(std::move(message)));
        }
      }
      ARROW_RETURN_NOT_OK(TakeAnswers(kWaitMs));
      if (Left() == left) continue;
      left = Left();
      pause_us = kPauseUsMin;
      end_us = clock_.MonotonicMicros() + options_.timeout_us;
    }
    return arrow::Status::OK();
  }

  /// Messages that the broker does not have.
  int64_t Left() const {
    return connection_->outstanding_count() + static_cast<int64_t>(refused_.size());
  }

  arrow::Status Late() const {
    if (refused_.empty()) {
      return Unavailable("AMQP broker does not confirm in time, messages: ",
                         connection_->outstanding_count());
    }
    return Unavailable(
        "AMQP broker refuses messages: a queue that would get them is full; let its readers catch "
        "up, or raise its `x-max-length` or `x-max-length-bytes`, exchange and routing key: `",
        options_.exchange, "` `", refused_.front().address, "`");
  }

  const AmqpProducerOptions options_;
  const Clock& clock_;
  std::unique_ptr<AmqpConnection> connection_;
  int64_t published_us_ = 0;  // The last one.
  int64_t sent_count_ = 0;
  std::deque<Unconfirmed> unconfirmed_;  // By tag; those that were refused are empty.
  std::vector<Unconfirmed> refused_;
};

}  // namespace

std::unique_ptr<MessageProducer> MakeAmqpProducer(AmqpProducerOptions options, const Clock& clock) {
  return std::make_unique<AmqpProducer>(std::move(options), clock);
}

}  // namespace catchwater
