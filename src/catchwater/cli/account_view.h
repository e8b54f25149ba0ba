/// \file
/// The row account of a pipeline, added up over its partitions: the invariant that everybody sees.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "catchwater/ledger/records.h"

namespace catchwater {

/// Flows of one stream app. unaccounted must be 0.
struct StreamAccountView {
  int64_t in = 0, used = 0, late = 0, future = 0, filtered = 0;
  std::map<std::string, int64_t> by_reason;  ///< Late rows by lateness, others by what is wrong.

  int64_t unaccounted() const { return in - used - late - future - filtered; }
};

/// Flows of one pipeline into its lake, and of its stream apps. unaccounted must be 0 on all
/// levels.
struct AccountView {
  int64_t frames = 0, decoded_frames = 0, dead_frames = 0;
  int64_t rows = 0, lake = 0, dead_rows = 0, filtered = 0, dropped = 0, deduplicated = 0;
  int64_t expired = 0;
  std::map<std::string, int64_t> by_reason;  ///< Rules that took rows out, with their counts.
  std::map<std::string, StreamAccountView> streams;

  int64_t unaccounted_frames() const { return frames - decoded_frames - dead_frames; }
  int64_t unaccounted_rows() const {
    return rows - lake - dead_rows - filtered - dropped - deduplicated - expired;
  }

  /// Of all levels.
  int64_t unaccounted() const {
    int64_t count = unaccounted_frames() + unaccounted_rows();
    for (const auto& [name, stream] : streams) count += stream.unaccounted();
    return count;
  }
};

AccountView AddUp(const std::vector<AccountRecord>& records);

/// The streams' part, by name.
nlohmann::ordered_json StreamsJson(const AccountView& account);

/// The account as lines of text, as `status` and `verify` print it.
std::string Render(const AccountView& account);

}  // namespace catchwater
