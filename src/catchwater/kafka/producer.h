/// \file
/// Sends messages to topics of a Kafka cluster.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "catchwater/component/message_producer.h"
#include "catchwater/kafka/connection_config.h"

namespace catchwater {

struct KafkaProducerOptions {
  KafkaConnection connection{};
  std::string topic{};  ///< Of Check; made if it is not there and `create` is set.
  bool create = false;
  int32_t partitions = 1;
  int32_t replication = 1;
};

/// Idempotent; at most 16 MiB are under way. The id is a header.
std::unique_ptr<MessageProducer> MakeKafkaProducer(KafkaProducerOptions options);

}  // namespace catchwater
