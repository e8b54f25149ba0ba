/// \file
/// The bytes that stand before the first frame of a partition (a byte order mark, a header line),
/// as received: an attribute that sources of files add, for whoever keeps raw bytes. They are in no
/// range.
#pragma once

#include <string_view>

#include "catchwater/batch/batch.h"

namespace catchwater {

inline constexpr std::string_view kHeadAttribute = "partition.head";

/// Empty: there is none.
inline std::string_view HeadOf(const Block& block) {
  if (block.attributes == nullptr) return {};
  for (const auto& [name, value] : *block.attributes) {
    if (name == kHeadAttribute) return value;
  }
  return {};
}

}  // namespace catchwater
