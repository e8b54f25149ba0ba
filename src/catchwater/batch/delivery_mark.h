/// \file
/// How far a sink has a table: all data files up to one of them, in the order of commits.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <string>

namespace catchwater {

/// The last data file of a table that a sink has, with all before it. Ordered by seq and ordinal.
struct DeliveryMark {
  int64_t seq = 0;       ///< Of the commit that added the file; 0: before all.
  int64_t ordinal = -1;  ///< Of the file within its commit; kWholeCommit: all of them.
  /// The file's path, or the table's metadata file if all of a snapshot was delivered: sequence
  /// numbers alone do not tell one ledger from another.
  std::string file;

  std::strong_ordering operator<=>(const DeliveryMark& other) const {
    if (const auto order = seq <=> other.seq; order != 0) return order;
    return ordinal <=> other.ordinal;
  }
  bool operator==(const DeliveryMark& other) const = default;
};

inline constexpr int64_t kWholeCommit = std::numeric_limits<int32_t>::max();

}  // namespace catchwater
