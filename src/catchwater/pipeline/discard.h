/// \file
/// Dead letters that are given up: an accepted loss. The letter stays, marked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"

namespace catchwater {

/// The most letters that one discard takes: it is one commit.
inline constexpr int64_t kDiscardLettersMax = 100'000;

struct DiscardReport {
  int64_t letters = 0;           ///< Given.
  int64_t already_replayed = 0;  ///< Of them; they stay so.
  int64_t already_discarded = 0;
  int64_t discarded = 0;
};

struct DiscardOptions {
  std::string pipeline;
  std::string owner;        ///< Of the lease that it shares with replays.
  bool is_dry_run = false;  ///< Say what would happen; write nothing.
};

/// Marks the letters that bear no mark as discarded, in one commit.
/// \pre at most kDiscardLettersMax letters, each id once
/// \retval kConflict if a replay or discard of the pipeline is under way, or marked a letter first:
///   nothing was committed
arrow::Result<DiscardReport> DiscardLetters(Lake& lake, const std::vector<std::string>& letter_ids,
                                            const DiscardOptions& options);

}  // namespace catchwater
