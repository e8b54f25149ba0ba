/// \file
/// Sink `kafka`: rows as messages of a topic. What is promised: component/message_sink.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"
#include "catchwater/kafka/connection_config.h"

namespace catchwater {

struct KafkaSinkConfig {
  KafkaConnection connection;
  std::string topic;
  std::vector<std::string> key;
  std::vector<std::string> columns;
  bool create = false;
  int32_t partitions = 1;
  int32_t replication = 1;
  MessageDeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    connection.DescribeFields(field);
    field.Required("topic", topic, "The topic to write.", Example{"results"});
    field.Optional("key", key,
                   "Columns whose values, with `|` between, are the message's key: rows of one key "
                   "go to one partition and stay in order.",
                   Example{"[sensor_id]"});
    field.Optional("columns", columns, "Columns of the message, in order. Default: all.");
    field.Optional("create", create, "Make the topic if it does not exist.");
    field.Optional("partitions", partitions, "Of a topic that is made.", Bounds{1, 10'000});
    field.Optional("replication", replication, "Of a topic that is made.", Bounds{1, 100});
    delivery.Describe(field);
  }
  arrow::Status Check() const;
};

arrow::Status RegisterKafkaSink(Registry& registry);

}  // namespace catchwater
