/// \file
/// A queue of an AMQP broker on which a tenant asks. A message is answered on its `reply_to`, with
/// its `correlation_id`, and acknowledged after that: one that is not comes again.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/amqp/connection_config.h"
#include "catchwater/base/clock.h"

namespace catchwater {

struct AmqpControlConfig {
  AmqpBrokerConfig broker;
  std::string queue;
  bool create = false;

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Required("queue", queue, "Queue that the tenant sends to; nobody else may.",
                   Example{"acme.control"});
    field.Optional("create", create, "Make the queue if it does not exist: durable, classic.");
  }
  arrow::Status Check() const { return broker.CheckBroker(); }
};

/// Does what the text asks for; what came of it is durable when it returns. A bad request has an
/// answer, too. \retval any if it cannot be done or told now: the message must come again
using AnswerControl = std::function<arrow::Result<std::string>(std::string_view request)>;

struct AmqpControlOptions {
  AmqpOptions connection{};
  std::string queue{};
  bool create = false;
};

/// Answers until a stop or a failure. on_ready: the queue is read now.
/// \return the failure; OK on a stop
arrow::Status ServeAmqpControl(const AmqpControlOptions& options, const Clock& clock,
                               const std::function<void()>& on_ready, const AnswerControl& answer,
                               std::stop_token stop);

}  // namespace catchwater
