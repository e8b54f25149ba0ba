/// \file
/// The place of a block among all blocks of an attempt, for what must see rows in source order.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>

#include "catchwater/stream/event_time.h"

namespace catchwater {

struct Turn {
  uint64_t sequence = 0;
  std::shared_ptr<const OpenPartitions> open;  ///< When the block was read; null: not known.
  std::stop_token stop;
};

}  // namespace catchwater
