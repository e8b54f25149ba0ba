#include <string>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {

arrow::Result<std::pair<Outcome, Receipt>> SqliteLedger::Commit(const CommitPlan& plan) {
  CATCHWATER_CHECK(!plan.id.empty(), "a commit has an id");
  const std::lock_guard lock(writer_mutex_);
  ARROW_RETURN_NOT_OK(writer_.Begin());
  CommitSteps steps(writer_, plan, clock_.NowMicros());
  const arrow::Result<Outcome> outcome = steps.Run();
  if (!outcome.ok() || *outcome != Outcome::kCommitted) {
    writer_.RollBack();
    ARROW_RETURN_NOT_OK(outcome.status());
    return std::pair(*outcome, Receipt{});
  }
  const auto [result, failure] = writer_.End();
  if (result == EndResult::kRolledBack) return failure;
  if (result == EndResult::kUnclear) return std::pair(Outcome::kUnknown, Receipt{});
  // A drill's error here is an answer that was lost.
  if (!Reach(FailPoint::kCommitDone).ok()) return std::pair(Outcome::kUnknown, Receipt{});
  return std::pair(Outcome::kCommitted, steps.receipt());
}

arrow::Result<std::pair<Outcome, Receipt>> SqliteLedger::Settle(const CommitPlan& plan) {
  std::pair<Outcome, Receipt> settled{Outcome::kFenced, {}};
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    // Fence first: whoever still waits to make this commit will miss. On SQLite the write itself
    // also takes the place of a lost commit's frames in the log.
    for (const Fence& fence : plan.fences) {
      ARROW_RETURN_NOT_OK(
          connection.Execute("UPDATE lease SET epoch = epoch + 1 WHERE name = ? AND epoch = ?",
                             {fence.lease, fence.epoch}));
    }
    ARROW_RETURN_NOT_OK(MoveClock(connection));
    return connection.Query(
        "SELECT seq, at_us FROM commit_log WHERE commit_id = ?", {plan.id}, [&](const Row& row) {
          settled = {Outcome::kCommitted, {.seq = row.Number(0), .committed_us = row.Number(1)}};
          return arrow::Status::OK();
        });
  }));
  return settled;
}

}  // namespace catchwater
