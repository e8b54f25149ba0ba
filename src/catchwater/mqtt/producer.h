/// \file
/// Sends messages to an MQTT broker.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catchwater/base/clock.h"
#include "catchwater/component/message_producer.h"
#include "catchwater/io/mqtt_connection.h"

namespace catchwater {

struct MqttProducerOptions {
  MqttOptions connection{};
  std::string place = "sink.mqtt";  ///< Of the settings, for messages.
  int qos = 1;
  bool is_retained = false;
  /// Version 3.1.1 has no properties: the id becomes this field of a JSON object. Empty: it has
  /// none.
  std::string id_field{};
  int64_t timeout_us = 30'000'000;  ///< How long acknowledgements may take.
};

/// At most 500 messages are under way. With version 5 the id is a user property.
std::unique_ptr<MessageProducer> MakeMqttProducer(MqttProducerOptions options, const Clock& clock);

}  // namespace catchwater
