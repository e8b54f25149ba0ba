/// \file
/// What the ledger knows of sinks: how far each one has a table. The sink's own mark is the truth
/// where it keeps one; this copy may lag and holds data files back from being unlinked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "catchwater/batch/delivery_mark.h"

namespace catchwater {

enum class DeliveryState {
  kLive,     ///< Files beyond the mark are kept for it.
  kResync,   ///< It lagged too long: nothing is kept, the whole table will come anew.
  kBlocked,  ///< A person must do something; files are kept as for a live one.
};
/// "live", "resync", "blocked" as stored.
std::string_view DeliveryStateName(DeliveryState state);

struct DeliveryRecord {
  std::string sink;  ///< `pipeline/name`
  std::string table_key;
  DeliveryMark mark;  ///< Its file is not kept.
  int schema_id = 0;
  DeliveryState state = DeliveryState::kLive;
  std::string reason;  ///< Why it is blocked or does not get on; empty: it does.
};

/// What a sink lacks.
struct DeliveryBacklog {
  int64_t file_count = 0;
  int64_t row_count = 0;
  std::optional<int64_t> oldest_us;  ///< When the commit of the oldest missing file was made.
};

}  // namespace catchwater
