/// \file
/// Source `kafka`: topics, read as a member of a consumer group.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/kafka/connection_config.h"

namespace catchwater {

enum class OnGap { kFail, kSkip };
constexpr auto EnumWords(OnGap) {
  using Pair = std::pair<OnGap, std::string_view>;
  return std::array{Pair{OnGap::kFail, "fail"}, Pair{OnGap::kSkip, "skip"}};
}
enum class KafkaDelivery { kExactlyOnce, kAtMostOnce };
constexpr auto EnumWords(KafkaDelivery) {
  using Pair = std::pair<KafkaDelivery, std::string_view>;
  return std::array{Pair{KafkaDelivery::kExactlyOnce, "exactly_once"},
                    Pair{KafkaDelivery::kAtMostOnce, "at_most_once"}};
}
enum class KafkaMembership { kStatic, kDynamic };
constexpr auto EnumWords(KafkaMembership) {
  using Pair = std::pair<KafkaMembership, std::string_view>;
  return std::array{Pair{KafkaMembership::kStatic, "static"},
                    Pair{KafkaMembership::kDynamic, "dynamic"}};
}

struct KafkaSourceConfig {
  KafkaConnection connection;
  std::vector<std::string> topics;
  std::string group;
  std::string start = "earliest";
  OnGap on_gap = OnGap::kFail;
  KafkaDelivery guarantee = KafkaDelivery::kExactlyOnce;
  KafkaMembership membership = KafkaMembership::kStatic;
  bool create = false;
  int32_t partitions = 1;
  int32_t replication = 1;
  Duration linger = Duration::Millis(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    connection.DescribeFields(field);
    field.Required("topics", topics, "The topics to read.", Count{1, 100}, Example{"[readings]"});
    field.Optional("group", group, "Consumer group. Default: `catchwater-` and the pipeline.");
    field.Optional("start", start,
                   "Where to begin a partition that was never read: `earliest`, `latest`, or an "
                   "ISO 8601 time.",
                   Example{"earliest"});
    field.Optional("on_gap", on_gap,
                   "When records were deleted before they were read: `fail` stops the pipeline, "
                   "`skip` goes on behind the gap. Both say how many.");
    field.Optional("delivery", guarantee,
                   "`at_most_once` tells the broker before the commit: a crash loses what was "
                   "under way instead of reading it again.");
    field.Optional("membership", membership,
                   "`static` keeps a member's partitions over a restart (session.timeout.ms); "
                   "`dynamic` hands them over at once when it stops.");
    field.Optional("create", create, "Make a topic that does not exist.");
    field.Optional("partitions", partitions, "Of a topic that is made.", Bounds{1, 10'000});
    field.Optional("replication", replication, "Of a topic that is made.", Bounds{1, 100});
    field.Optional("linger", linger, "How long a block waits for more messages.",
                   Bounds{Duration::Millis(1), Duration::Millis(1'000)});
  }
  arrow::Status Check() const;
};

arrow::Status RegisterKafkaSource(Registry& registry);

}  // namespace catchwater
