#include "catchwater/sink/amqp/amqp_sink.h"

#include <memory>
#include <utility>

#include "catchwater/amqp/producer.h"
#include "catchwater/base/error.h"
#include "catchwater/component/message_sink.h"

namespace catchwater {
namespace {

bool IsTemplate(const std::string& text) { return text.find('{') != text.npos; }

std::string WordOf(AmqpExchangeType type) {
  for (const auto& [value, word] : EnumWords(type)) {
    if (value == type) return std::string(word);
  }
  return "";
}

}  // namespace

arrow::Status AmqpSinkConfig::Check() const {
  ARROW_RETURN_NOT_OK(broker.CheckBroker());
  for (const auto& [name, value] : queue_arguments) {
    if (name == "x-queue-type") return ConfigError("`x-queue-type` is the option `queue_type`");
  }
  const bool describes_queue = queue_type != AmqpQueueType::kClassic || !queue_arguments.empty();
  if (describes_queue && (!create || !exchange.empty())) {
    return ConfigError(
        "`queue_type` and `queue_arguments` are of a queue that is made: with `create: true` and "
        "without `exchange`");
  }
  if (!exchange.empty()) return arrow::Status::OK();
  if (routing_key.empty()) return ConfigError("`routing_key` is empty, and there is no `exchange`");
  if (create && IsTemplate(routing_key)) {
    return ConfigError(
        "`create` without `exchange` makes the queue that `routing_key` names: no `{column}` in "
        "it");
  }
  return arrow::Status::OK();
}

arrow::Status RegisterAmqpSink(Registry& registry) {
  return registry.AddSink<AmqpSinkConfig>(
      {.name = "amqp",
       .summary = "Sends each row as a JSON message to an exchange of an AMQP 0.9.1 broker.",
       .details =
           "At least once, with publisher confirms; each message has a message id that stays the "
           "same whenever the row comes, to drop what was seen. A row whose routing key would have "
           "a null in it blocks the sink. Guide: docs/guide/amqp.md."},
      [](const AmqpSinkConfig& config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        const std::string sink = context.stream.empty() ? context.sink : context.stream;
        AmqpProducerOptions options{
            .exchange = config.exchange,
            .queue = IsTemplate(config.routing_key) ? "" : config.routing_key,
            .create = config.create,
            .exchange_type = WordOf(config.exchange_type),
            .queue_type = config.queue_type,
            .queue_arguments = config.queue_arguments,
            .is_persistent = config.persistent,
            .is_mandatory = config.mandatory,
            .timeout_us = config.timeout.us()};
        ARROW_ASSIGN_OR_RAISE(
            options.connection,
            config.broker.Options(context.project_folder,
                                  "catchwater " + context.pipeline + " to " + sink));
        return MakeMessageSink(MakeAmqpProducer(std::move(options), context.clock),
                               {.columns = config.columns,
                                .address = config.routing_key,
                                .address_option = "routing_key"},
                               context);
      });
}

}  // namespace catchwater
