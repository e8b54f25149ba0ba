/// \file
/// `deduplicate`: the first row of a key goes on, later ones are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <arrow/status.h>

#include "catchwater/component/registry.h"

namespace catchwater {

struct DeduplicateConfig {
  std::vector<std::string> key;
  std::optional<Duration> within;
  int64_t keys_max = 10'000'000;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("key", key, "Columns whose values together make a row one of a kind.",
                   Count{1, 32}, Example{"[sensor_id, ts]"});
    field.Optional("within", within,
                   "How long a key is remembered, in event time. Default: as long as keys_max "
                   "allows.",
                   Bounds{Duration::Millis(1), Duration::Days(3'650)});
    field.Optional("keys_max", keys_max,
                   "Keys that are remembered, about 31 bytes each; beyond, the oldest eighth is "
                   "forgotten.",
                   Bounds{1, 1'000'000'000});
  }
  std::vector<std::string> ColumnsRead() const { return key; }
};

arrow::Status RegisterDeduplicateStep(Registry& registry);

}  // namespace catchwater
