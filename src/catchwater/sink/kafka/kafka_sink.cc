#include "catchwater/sink/kafka/kafka_sink.h"

#include <memory>

#include "catchwater/base/error.h"
#include "catchwater/component/message_sink.h"
#include "catchwater/kafka/producer.h"

namespace catchwater {

arrow::Status KafkaSinkConfig::Check() const {
  ARROW_RETURN_NOT_OK(connection.CheckConnection());
  if (!IsKafkaTopic(topic)) {
    return ConfigError("`topic` has letters, digits, `.`, `_` and `-`; this is none: ", topic);
  }
  return arrow::Status::OK();
}

arrow::Status RegisterKafkaSink(Registry& registry) {
  return registry.AddSink<KafkaSinkConfig>(
      {.name = "kafka",
       .summary = "Writes each row as a JSON message of a topic.",
       .details =
           "At least once; each message has the header `catchwater-id`, the same whenever the row "
           "comes, to drop what was seen. Guide: docs/guide/kafka.md."},
      [](const KafkaSinkConfig& config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        return MakeMessageSink(MakeKafkaProducer({.connection = config.connection,
                                                  .topic = config.topic,
                                                  .create = config.create,
                                                  .partitions = config.partitions,
                                                  .replication = config.replication}),
                               {.columns = config.columns,
                                .address = config.topic,
                                .address_option = "topic",
                                .key = config.key},
                               context);
      });
}

}  // namespace catchwater
