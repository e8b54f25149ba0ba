#include "catchwater/control/amqp_control.h"

#include <memory>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kWaitMs = 100;
constexpr int64_t kConfirmUsMax = 10'000'000;

arrow::Status FindQueue(const AmqpControlOptions& options, AmqpConnection& connection) {
  const arrow::Status found = connection.CountMessages(options.queue).status();
  if (found.ok() || KindOf(found) != ErrorKind::kNotFound) return found;
  if (options.create) return connection.MakeQueue(options.queue, {{"x-queue-type", "classic"}});
  return NotFound("AMQP queue does not exist; make it, or set `create: true`: ", options.queue);
}

arrow::Status AwaitConfirm(AmqpConnection& connection, const Clock& clock, std::stop_token stop) {
  const int64_t end_us = clock.MonotonicMicros() + kConfirmUsMax;
  while (connection.outstanding_count() > 0) {
    if (stop.stop_requested()) return Cancelled("Control is stopped");
    if (clock.MonotonicMicros() > end_us) {
      return Unavailable("AMQP broker does not confirm an answer in time, answers: ",
                         connection.outstanding_count());
    }
    ARROW_RETURN_NOT_OK(connection.ReadConfirms(kWaitMs));
    if (!connection.TakeRefused().empty()) {
      return Unavailable("AMQP broker refused an answer; the queue of `reply_to` may be full");
    }
  }
  return arrow::Status::OK();
}

arrow::Status Take(AmqpConnection& connection, const AmqpMessage& message, const Clock& clock,
                   const AnswerControl& answer, std::stop_token stop) {
  // Views of the message end with the next call of the connection.
  const uint16_t channel = message.channel;
  const uint64_t tag = message.tag;
  const std::string reply_to(message.reply_to.value_or(""));
  const std::string correlation_id(message.correlation_id.value_or(""));
  ARROW_ASSIGN_OR_RAISE(const std::string text, answer(message.body));
  if (!reply_to.empty()) {
    ARROW_RETURN_NOT_OK(connection
                            .Publish({.routing_key = reply_to,
                                      .body = text,
                                      .correlation_id = correlation_id,
                                      .is_persistent = false,
                                      .is_mandatory = false})
                            .status());
    ARROW_RETURN_NOT_OK(AwaitConfirm(connection, clock, stop));
  }
  return connection.Acknowledge(channel, tag);
}

}  // namespace

arrow::Status ServeAmqpControl(const AmqpControlOptions& options, const Clock& clock,
                               const std::function<void()>& on_ready, const AnswerControl& answer,
                               std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(options.connection));
  ARROW_RETURN_NOT_OK(FindQueue(options, *connection));
  // One at a time: while an answer is confirmed nothing else comes that would be overlooked.
  ARROW_RETURN_NOT_OK(connection->Consume({.queue = options.queue, .prefetch = 1}).status());
  on_ready();
  while (!stop.stop_requested()) {
    ARROW_ASSIGN_OR_RAISE(const AmqpMessage* message, connection->Read(kWaitMs));
    if (message == nullptr) continue;
    ARROW_RETURN_NOT_OK(Take(*connection, *message, clock, answer, stop));
  }
  connection->Close();
  return arrow::Status::OK();
}

}  // namespace catchwater
