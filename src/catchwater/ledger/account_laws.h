/// \file
/// The invariant that everybody can see: what came in is somewhere. Source: docs/formats/ledger.md,
/// the account.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "catchwater/ledger/records.h"

namespace catchwater {

/// In minus out of one partition and consumer; both 0 if everything is accounted for.
struct Unaccounted {
  int64_t partition_id = 0;
  std::string consumer;
  /// frames - decoded_frames - dead_frames
  int64_t frame_count = 0;
  /// rows - (lake + used + dead_rows + filtered + dropped + deduplicated + expired + late + future)
  int64_t row_count = 0;
};

/// Applies both laws to each partition and consumer, reasons added up. Pure.
/// \return only those that break one, by partition and consumer
std::vector<Unaccounted> FindUnaccounted(std::span<const AccountRecord> account);

}  // namespace catchwater
