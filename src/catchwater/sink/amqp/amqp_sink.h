/// \file
/// Sink `amqp`: each row as a JSON message of an exchange. What is promised:
/// component/message_sink.h.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/amqp/connection_config.h"
#include "catchwater/amqp/queue_type.h"
#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

enum class AmqpExchangeType { kDirect, kTopic, kFanout };
constexpr auto EnumWords(AmqpExchangeType) {
  using Pair = std::pair<AmqpExchangeType, std::string_view>;
  return std::array{Pair{AmqpExchangeType::kDirect, "direct"},
                    Pair{AmqpExchangeType::kTopic, "topic"},
                    Pair{AmqpExchangeType::kFanout, "fanout"}};
}

struct AmqpSinkConfig {
  AmqpBrokerConfig broker;
  std::string exchange;
  std::string routing_key;
  std::vector<std::string> columns;
  bool persistent = true;
  bool mandatory = true;
  bool create = false;
  AmqpExchangeType exchange_type = AmqpExchangeType::kTopic;
  AmqpQueueType queue_type = AmqpQueueType::kClassic;
  std::vector<std::pair<std::string, std::string>> queue_arguments;
  Duration timeout = Duration::Seconds(30);
  MessageDeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Optional("exchange", exchange,
                   "The exchange. Default: the broker's own, where the routing key is the name of "
                   "a queue.",
                   Example{"results"});
    field.Required("routing_key", routing_key, "Routing key; `{column}` is the row's value.",
                   Example{"\"room.{room}\""});
    field.Optional("columns", columns, "Columns of the message, in order. Default: all.");
    field.Optional("persistent", persistent, "Messages outlive the broker in durable queues.");
    field.Optional("mandatory", mandatory,
                   "A message that no queue would get blocks the sink; `false`: it is gone.");
    field.Optional("create", create,
                   "Make the exchange, or without one the queue, if it does not exist: durable.");
    field.Optional("exchange_type", exchange_type, "Of an exchange that is made.");
    field.Optional("queue_type", queue_type, "Of a queue that is made.");
    field.Optional(
        "queue_arguments", queue_arguments,
        "Of a queue that is made: `x-dead-letter-exchange`, `x-max-length`, `x-message-ttl`, ...",
        Count{0, 32});
    field.Optional("timeout", timeout, "How long confirmations may take.",
                   Bounds{Duration::Seconds(1), Duration::Hours(1)});
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterAmqpSink(Registry& registry);

}  // namespace catchwater
