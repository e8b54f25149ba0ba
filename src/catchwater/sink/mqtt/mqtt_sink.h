/// \file
/// Sink `mqtt`: publishes each row as a JSON message. What is promised: component/message_sink.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"
#include "catchwater/mqtt/connection_config.h"

namespace catchwater {

struct MqttSinkConfig {
  MqttBrokerConfig broker;
  std::string topic;
  int64_t qos = 1;
  bool retain = false;
  std::vector<std::string> columns;
  std::string id_field = "catchwater_id";
  Duration timeout = Duration::Seconds(30);
  MessageDeliveryOptions delivery;

  MqttSinkConfig() { broker.protocol = MqttProtocol::k5; }

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Required("topic", topic, "Topic to publish to; `{column}` is the row's value.",
                   Example{"\"results/{room}\""});
    field.Optional("qos", qos, "0: as it goes; 1: the broker has it.", Bounds{0, 1});
    field.Optional("retain", retain, "The broker keeps the last message of each topic.");
    field.Optional("columns", columns, "Columns of the message, in order. Default: all.");
    field.Optional("id_field", id_field,
                   "With version 3.1.1, which has no properties: the field of the message that is "
                   "the row's id; `\"\"`: none.");
    field.Optional("timeout", timeout, "How long acknowledgements may take.",
                   Bounds{Duration::Seconds(1), Duration::Hours(1)});
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterMqttSink(Registry& registry);

}  // namespace catchwater
