#include "catchwater/sink/mqtt/mqtt_sink.h"

#include <memory>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/component/message_sink.h"
#include "catchwater/mqtt/producer.h"

namespace catchwater {

arrow::Status MqttSinkConfig::Check() const {
  ARROW_RETURN_NOT_OK(broker.CheckBroker());
  if (topic.empty()) return ConfigError("`topic` is empty");
  if (id_field.find_first_of("\"\\") != id_field.npos) {
    return ConfigError("`id_field` must have no quote and no backslash: ", id_field);
  }
  return arrow::Status::OK();
}

arrow::Status RegisterMqttSink(Registry& registry) {
  return registry.AddSink<MqttSinkConfig>(
      {.name = "mqtt",
       .summary = "Publishes each row as a JSON message of an MQTT broker.",
       .details =
           "At least once with `qos: 1`; each message has an id that stays the same whenever the "
           "row comes, to drop what was seen: with version 5 the user property `catchwater-id`, "
           "with 3.1.1 the field `id_field`. A row whose topic would have a null or a wildcard in "
           "it blocks the sink. Guide: docs/guide/sinks.md."},
      [](const MqttSinkConfig& config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        const std::string sink = context.stream.empty() ? context.sink : context.stream;
        MqttProducerOptions options{.place = "sink.mqtt",
                                    .qos = static_cast<int>(config.qos),
                                    .is_retained = config.retain,
                                    .id_field = config.id_field,
                                    .timeout_us = config.timeout.us()};
        ARROW_ASSIGN_OR_RAISE(
            options.connection,
            config.broker.Options(context.project_folder,
                                  "catchwater-" + context.pipeline + "-to-" + sink));
        return MakeMessageSink(MakeMqttProducer(std::move(options), context.clock),
                               {.columns = config.columns,
                                .address = config.topic,
                                .address_option = "topic",
                                .address_forbidden = "+#"},
                               context);
      });
}

}  // namespace catchwater
