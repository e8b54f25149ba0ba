/// \file
/// librdkafka's objects, owned.
#pragma once

#include <memory>

#include <rdkafka.h>

namespace catchwater {

template <auto kDestroy>
struct RdKafkaDeleter {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
template <class T, auto kDestroy>
using RdKafkaOwned = std::unique_ptr<T, RdKafkaDeleter<kDestroy>>;

using RdKafkaHandle = RdKafkaOwned<rd_kafka_t, rd_kafka_destroy>;
using RdKafkaConf = RdKafkaOwned<rd_kafka_conf_t, rd_kafka_conf_destroy>;
using RdKafkaQueue = RdKafkaOwned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using RdKafkaPartitions =
    RdKafkaOwned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;
using RdKafkaError = RdKafkaOwned<rd_kafka_error_t, rd_kafka_error_destroy>;
using RdKafkaEvent = RdKafkaOwned<rd_kafka_event_t, rd_kafka_event_destroy>;
using RdKafkaAdminOptions = RdKafkaOwned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;

}  // namespace catchwater
