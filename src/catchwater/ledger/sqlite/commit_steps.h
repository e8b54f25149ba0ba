/// \file
/// The steps of one commit inside its transaction, in the order that docs/formats/ledger.md fixes.
#pragma once

#include <cstdint>

#include <arrow/result.h>

#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/sqlite/connection.h"
#include "catchwater/ledger/sqlite/feed_writer.h"

namespace catchwater {

/// One use, one thread; the caller has begun the transaction and ends or rolls it back.
class CommitSteps {
 public:
  CommitSteps(Connection& connection, const CommitPlan& plan, int64_t now_us)
      : connection_(connection), plan_(plan), now_us_(now_us), feed_(connection) {}

  /// Runs all steps. \return kCommitted: may be ended; any other outcome: a compare-and-set missed,
  /// roll back
  arrow::Result<Outcome> Run();
  Receipt receipt() const { return {.seq = seq_, .committed_us = now_us_}; }

  /// Steps of a table's change that a foreign commit shares: its data files.
  static arrow::Result<Outcome> ChangeFiles(Connection& connection, const PointerSwap& swap,
                                            int64_t seq, std::string_view added_by, int64_t now_us);

 private:
  arrow::Result<Outcome> StartClock();
  arrow::Result<Outcome> CheckFences();
  arrow::Result<Outcome> WriteLog();
  arrow::Result<Outcome> SwapPointers();
  arrow::Result<Outcome> MovePositions();
  arrow::Result<Outcome> MoveWork();
  arrow::Result<Outcome> SaveCheckpoints();
  arrow::Result<Outcome> AddAccount();
  arrow::Result<Outcome> MarkDeadLetters();
  arrow::Result<Outcome> WriteFeed();

  arrow::Result<Outcome> SwapPointer(const PointerSwap& swap);
  arrow::Result<Outcome> MovePosition(const PositionAdvance& advance);
  arrow::Result<Outcome> MoveInput(const WorkMove& move);
  arrow::Result<Outcome> MoveDataFile(const WorkMove& move);
  arrow::Status DescribeInput(const WorkMove& move);

  Connection& connection_;
  const CommitPlan& plan_;
  const int64_t now_us_;
  FeedWriter feed_;
  int64_t seq_ = 0;
};

/// True if the lease has the epoch.
arrow::Result<bool> HoldsFence(Connection& connection, const Fence& fence);

}  // namespace catchwater
