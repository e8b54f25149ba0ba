#include "catchwater/amqp/producer.h"

#include <utility>

#include "catchwater/amqp/connection.h"
#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kOutstandingMax = 2'000;
constexpr int64_t kConfirmsEvery = 64;  // Messages between two looks at what has come.
constexpr int64_t kWaitMs = 20;

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
    ARROW_RETURN_NOT_OK(connection_->Publish({.exchange = options_.exchange,
                                              .routing_key = message.address,
                                              .body = message.payload,
                                              .message_id = message.id,
                                              .is_persistent = options_.is_persistent,
                                              .is_mandatory = options_.is_mandatory}));
    if (connection_->outstanding_count() >= kOutstandingMax) return Drain(kOutstandingMax / 2);
    return ++sent_count_ % kConfirmsEvery == 0 ? connection_->ReadConfirms(/*wait_ms=*/0)
                                               : arrow::Status::OK();
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

  arrow::Status Connect() {
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

  /// Waits until at most so many messages are not confirmed.
  arrow::Status Drain(int64_t outstanding_count_max) {
    const int64_t end_us = clock_.MonotonicMicros() + options_.timeout_us;
    while (connection_->outstanding_count() > outstanding_count_max) {
      if (clock_.MonotonicMicros() > end_us) {
        return Unavailable("AMQP broker does not confirm in time, messages: ",
                           connection_->outstanding_count());
      }
      ARROW_RETURN_NOT_OK(connection_->ReadConfirms(kWaitMs));
    }
    return arrow::Status::OK();
  }

  const AmqpProducerOptions options_;
  const Clock& clock_;
  std::unique_ptr<AmqpConnection> connection_;
  int64_t sent_count_ = 0;
};

}  // namespace

std::unique_ptr<MessageProducer> MakeAmqpProducer(AmqpProducerOptions options, const Clock& clock) {
  return std::make_unique<AmqpProducer>(std::move(options), clock);
}

}  // namespace catchwater
