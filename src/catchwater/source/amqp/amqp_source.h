/// \file
/// Source `amqp`: queues and streams of an AMQP 0.9.1 broker.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/amqp/connection_config.h"
#include "catchwater/amqp/queue_type.h"
#include "catchwater/component/registry.h"

namespace catchwater {

enum class AmqpDelivery { kGuaranteed, kAtMostOnce };
constexpr auto EnumWords(AmqpDelivery) {
  using Pair = std::pair<AmqpDelivery, std::string_view>;
  return std::array{Pair{AmqpDelivery::kGuaranteed, "guaranteed"},
                    Pair{AmqpDelivery::kAtMostOnce, "at_most_once"}};
}
enum class AmqpOnGap { kFail, kSkip };
constexpr auto EnumWords(AmqpOnGap) {
  using Pair = std::pair<AmqpOnGap, std::string_view>;
  return std::array{Pair{AmqpOnGap::kFail, "fail"}, Pair{AmqpOnGap::kSkip, "skip"}};
}

/// `bindings: [{exchange: sensors, routing_key: "room.#"}]`
struct AmqpBindingConfig {
  std::string exchange;
  std::string routing_key;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("exchange", exchange, "An exchange that is there.", Example{"sensors"});
    field.Optional("routing_key", routing_key, "What of it the queue gets.", Example{"\"room.#\""});
  }
};

struct AmqpSourceConfig {
  AmqpBrokerConfig broker;
  std::vector<std::string> queues;
  AmqpQueueType type = AmqpQueueType::kClassic;
  int64_t prefetch = 20'000;
  AmqpDelivery delivery = AmqpDelivery::kGuaranteed;
  std::string start = "earliest";
  AmqpOnGap on_gap = AmqpOnGap::kFail;
  bool create = false;
  std::vector<std::pair<std::string, std::string>> arguments;
  std::vector<AmqpBindingConfig> bindings;
  Duration quiet = Duration::Seconds(2);

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Required("queues", queues, "The queues to read.", Count{1, 100}, Example{"[readings]"});
    field.Optional("type", type, "What the queues are.");
    field.Optional("prefetch", prefetch,
                   "Messages that the broker sends before their acknowledgement. When half of them "
                   "are read, they are committed, whatever `flush` says.",
                   Bounds{2, 65'535});
    field.Optional("delivery", delivery,
                   "`at_most_once`: the broker forgets a message when it sends it. Faster; a crash "
                   "loses what is not committed. Not of streams.");
    field.Optional("start", start,
                   "Where to begin a stream that was never read: `earliest`, `latest`, or an ISO "
                   "8601 time.",
                   Example{"earliest"});
    field.Optional("on_gap", on_gap,
                   "When a stream's messages were deleted before they were read: `fail` stops the "
                   "pipeline, `skip` goes on behind the gap. Both say how many.");
    field.Optional("create", create, "Make a queue that does not exist: durable, of this `type`.");
    field.Optional(
        "arguments", arguments,
        "Of a queue that is made: `x-dead-letter-exchange`, `x-max-length`, `x-max-age`, "
        "...",
        Count{0, 32});
    field.Optional("bindings", bindings, "Of a queue that is made.", Count{0, 100});
    field.Optional("quiet", quiet, "With `--until-idle`: end when nothing came for so long.",
                   Bounds{Duration::Millis(10), Duration::Hours(1)});
  }
  arrow::Status Check() const;
  bool is_stream() const { return type == AmqpQueueType::kStream; }
};

arrow::Status RegisterAmqpSource(Registry& registry);

}  // namespace catchwater
