/// \file
/// The row account of a pipeline, added up over its partitions: the invariant that everybody sees.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "catchwater/ledger/records.h"

namespace catchwater {

/// Flows of one pipeline and consumer. unaccounted must be 0 on both levels.
struct AccountView {
  int64_t frames = 0, decoded_frames = 0, dead_frames = 0;
  int64_t rows = 0, lake = 0, dead_rows = 0, filtered = 0, dropped = 0, deduplicated = 0;
  int64_t expired = 0;
  std::map<std::string, int64_t> by_reason;  ///< Rules that took rows out, with their counts.

  int64_t unaccounted_frames() const { return frames - decoded_frames - dead_frames; }
  int64_t unaccounted_rows() const {
    return rows - lake - dead_rows - filtered - dropped - deduplicated - expired;
  }
};

AccountView AddUp(const std::vector<AccountRecord>& records);

/// The account as lines of text, as `status` and `verify` print it.
std::string Render(const AccountView& account);

}  // namespace catchwater
