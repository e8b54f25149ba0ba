/// \file
/// What a queue of an AMQP broker is. Shared by the source and the sink.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace catchwater {

enum class AmqpQueueType { kClassic, kQuorum, kStream };
constexpr auto EnumWords(AmqpQueueType) {
  using Pair = std::pair<AmqpQueueType, std::string_view>;
  return std::array{Pair{AmqpQueueType::kClassic, "classic"},
                    Pair{AmqpQueueType::kQuorum, "quorum"}, Pair{AmqpQueueType::kStream, "stream"}};
}

/// As the argument `x-queue-type` has it.
inline std::string WordOf(AmqpQueueType type) {
  for (const auto& [value, word] : EnumWords(type)) {
    if (value == type) return std::string(word);
  }
  return "";
}

}  // namespace catchwater
