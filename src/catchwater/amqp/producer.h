/// \file
/// Sends messages to an exchange of an AMQP broker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catchwater/amqp/connection.h"
#include "catchwater/amqp/connection_config.h"
#include "catchwater/amqp/queue_type.h"
#include "catchwater/base/clock.h"
#include "catchwater/component/message_producer.h"

namespace catchwater {

struct AmqpProducerOptions {
  AmqpOptions connection{};
  std::string exchange{};  ///< Empty: the default one, where a routing key is a queue's name.
  std::string queue{};     ///< Of the default exchange, if it is always the same; for Check.
  bool create = false;     ///< Makes the exchange, or the queue.
  std::string exchange_type = "topic";                 ///< Of one that is made.
  AmqpQueueType queue_type = AmqpQueueType::kClassic;  ///< Of one that is made, as the next.
  AmqpArguments queue_arguments{};
  bool is_persistent = true;
  bool is_mandatory = true;
  int64_t timeout_us = 30'000'000;  ///< How long confirmations may take.
};

/// With publisher confirms; at most 2000 messages are under way. The id is the message id.
std::unique_ptr<MessageProducer> MakeAmqpProducer(AmqpProducerOptions options, const Clock& clock);

}  // namespace catchwater
