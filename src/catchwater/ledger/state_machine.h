/// \file
/// The life of a work file: which state may follow which, and why. Everything in the ledger that
/// changes a state asks here first. Source: docs/formats/ledger.md, work files.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// Attempts after which a work file is `failed`.
inline constexpr int kWorkAttemptsMax = 3;

// How suspect an input file is: what its starts that ended with their process, all at one position,
// weigh. A process that ended by itself while it had the file's rows in hand says much; one that
// was killed says little: anybody may kill, but so does the system when memory runs out.
inline constexpr int kCrashWeight = 8;
inline constexpr int kKillWeight = 1;
inline constexpr int kSuspicionAlone = 16;  ///< From there on it is read with nothing beside it.
inline constexpr int kSuspicionMax = 24;    ///< `failed`.

struct WorkTransition {
  WorkState from;
  WorkState to;
  std::string_view why;
};

/// The whole table of a kind of work file. Immutable.
std::span<const WorkTransition> WorkTransitions(WorkMove::Kind kind);

/// True if the table has the transition.
bool MayMove(WorkMove::Kind kind, WorkState from, WorkState to);

/// Ends the process if the table does not have the transition: only a programmer can ask for it.
void CheckMove(WorkMove::Kind kind, WorkState from, WorkState to);

/// Wait after the given failed attempt (1 = first): 10 s x 6^(attempt - 1), at most 10 min.
/// Unit: microseconds. \pre attempt >= 1
int64_t BackOffMicros(int attempt);

}  // namespace catchwater
