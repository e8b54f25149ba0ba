/// \file
/// Puts dead letters back: their bytes go through the pipeline as it is configured now, and the
/// rows that are good now are committed together with the marks of their letters.
///
/// Invariants:
/// 1. A letter is replayed at most once: its mark and its rows are one ledger commit.
/// 2. A letter that fails again stays as it is; a replay writes no letters, so it cannot loop.
/// 3. The account of a replay is a source partition of its own, `replay/<uuid>`.
/// Source: docs/formats/ledger.md, dead letters.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/runner.h"

namespace catchwater {

/// The most letters that one replay takes: it is one commit.
inline constexpr int64_t kReplayLettersMax = 100'000;
/// Bytes of letters beyond which a replay takes no further one: all are in memory at once.
inline constexpr int64_t kReplayBytesMax = 64 << 20;

/// A row of the dead letter table.
struct StoredLetter {
  std::string id;
  std::string origin;  ///< The source partition's name: a path, ...
  std::string raw;
  int64_t raw_bytes = 0;  ///< More than `raw` has: it was cut and cannot be replayed.
  int64_t receive_us = 0;
};

struct ReplayFailure {
  std::string id;
  std::string reason;
};

struct ReplayReport {
  int64_t letters = 0;                  ///< Given.
  int64_t already_replayed = 0;         ///< Of them, those that bear a mark.
  int64_t already_discarded = 0;        ///< Likewise.
  int64_t replayed = 0;                 ///< Letters that are good now.
  int64_t rows = 0;                     ///< Rows that they put into the table.
  int64_t taken_out = 0;                ///< Rows that a step filtered, dropped or knew already.
  int64_t failed = 0;                   ///< Letters that fail again; they stay.
  std::vector<ReplayFailure> failures;  ///< The first few.
  std::vector<std::string> notes;       ///< Sentences: assumptions that were made.
};

struct ReplayOptions {
  bool is_dry_run = false;  ///< Say what would happen; write nothing.
};

/// \pre plan.lake; at most kReplayLettersMax letters, each id once
/// \retval kConflict if another replay of the pipeline is under way, or marked a letter first:
///   nothing was committed
arrow::Result<ReplayReport> ReplayLetters(std::shared_ptr<const PipelinePlan> plan,
                                          RunnerContext context,
                                          const std::vector<StoredLetter>& letters,
                                          const ReplayOptions& options);

}  // namespace catchwater
