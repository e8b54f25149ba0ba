/// \file
/// Where a lane puts its rows: the lake, or an aggregation over the whole input.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/status.h>

#include "catchwater/batch/batch.h"
#include "catchwater/pipeline/dead_letters.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/flow.h"
#include "catchwater/pipeline/turn.h"

namespace catchwater {

/// One a lane; one thread at a time.
class Destination {
 public:
  virtual ~Destination() = default;

  /// Takes the rows of one block and counts them: kLake, kUsed, or kDeadRows when they are refused
  /// (appended to `dead`).
  virtual arrow::Status Add(const Batch& batch, const Turn& turn, PartitionFlow* flow,
                            std::vector<DeadLetter>* dead) = 0;
  /// The block of the turn has no rows.
  virtual arrow::Status Pass(const Turn& turn) = 0;
  virtual arrow::Status AddDead(const DeadLetterOrigin& origin,
                                const std::vector<DeadLetter>& letters) = 0;
  /// Bytes held in memory or written since the last CloseEpoch.
  virtual int64_t epoch_bytes() const = 0;
  /// Makes the epoch's files durable. Nothing is visible yet.
  virtual arrow::Status CloseEpoch(LaneOutput* output) = 0;
  /// Drops what was not committed.
  virtual void Abandon() = 0;
};

}  // namespace catchwater
