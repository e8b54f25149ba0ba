/// \file
/// What became of dead letters, as the ledger has it. Source: docs/formats/ledger.md, the account.
#pragma once

#include <cstdint>
#include <string>

namespace catchwater {

/// Without a mark a dead letter is open.
struct DeadLetterMark {
  std::string dead_letter_id;
  std::string state;  ///< replayed | discarded
  int64_t seq = 0;
  int64_t at_us = 0;  ///< When the mark was committed; 0: its commit was restored or pruned.
};

/// Marked letters of a pipeline.
struct DeadLetterCounts {
  int64_t replayed = 0;
  int64_t discarded = 0;
};

}  // namespace catchwater
