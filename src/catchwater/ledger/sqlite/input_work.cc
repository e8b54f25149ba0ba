// Input files: who works on them, what failed, what is relaunched.
#include <algorithm>
#include <string>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/sqlite/data_file_rows.h"
#include "catchwater/ledger/sqlite/input_rows.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"
#include "catchwater/ledger/sqlite/work_conditions.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {
namespace {

// Says where claims look: the inputs of one source, for one worker.
struct ClaimScope {
  const std::string& pipeline;
  const std::string& source;
  const Fence& fence;
};

arrow::Result<std::vector<InputRow>> ReadInputs(Connection& connection, std::string_view condition,
                                                std::initializer_list<Value> parameters) {
  std::vector<InputRow> rows;
  ARROW_RETURN_NOT_OK(connection.Query(std::string(SelectInputs()) + std::string(condition),
                                       parameters, [&](const Row& row) -> arrow::Status {
                                         ARROW_ASSIGN_OR_RAISE(InputRow input, ReadInput(row));
                                         rows.push_back(std::move(input));
                                         return arrow::Status::OK();
                                       }));
  return rows;
}

/// epoch: the condition that the epoch of a lease of this name meets, e.g. `f.epoch = ?`.
arrow::Result<std::vector<InputRow>> ReadInProcessing(Connection& connection,
                                                      std::string_view epoch, const Fence& fence) {
  // The first condition is that of the index.
  return ReadInputs(connection,
                    " WHERE f.state IN ('to_process','processing') AND f.state = 'processing' "
                    "AND f.lease = ? AND " +
                        std::string(epoch),
                    {fence.lease, fence.epoch});
}

// How the process of an attempt ended, seen from one of its files.
enum class End { kKilled, kCrashed, kCrashedBeside };

End EndOf(const InputRow& row, const std::optional<CrashNote>& note) {
  if (!note) return End::kKilled;
  const bool is_in_hand = !note->partition_id || *note->partition_id == row.record.partition_id;
  return is_in_hand ? End::kCrashed : End::kCrashedBeside;
}

std::string ReasonOf(End end, const InputRow& row) {
  if (row.suspicion < kSuspicionMax) return "The program ended while it read this file";
  const std::string what = end == End::kCrashed ? "crashed" : "was killed";
  return "The program " + what + " while it read this file, over and over at position " +
         std::to_string(row.mark);
}

arrow::Status EndInput(Connection& connection, FeedWriter& feed, InputRow row, End end,
                       int64_t now_us) {
  const bool has_moved = row.mark > row.start_mark;
  if (has_moved) row.record.attempts = row.suspicion = 0;
  // Only a crash is an attempt that failed.
  if (end != End::kCrashed) row.record.attempts = std::max(0, row.record.attempts - 1);
  if (!has_moved && end == End::kKilled) row.suspicion += kKillWeight;
  if (!has_moved && end == End::kCrashed) row.suspicion += kCrashWeight;
  const bool is_final = row.suspicion >= kSuspicionMax;
  const std::string reason = ReasonOf(end, row);
  InputMove move = MoveOf(row, is_final ? WorkState::kFailed : WorkState::kToProcess);
  if (is_final) move.finished_us = now_us;
  move.reason = has_moved ? "" : std::string_view(reason);
  return MoveInputRow(connection, feed, move);
}

// Which of the pending inputs may start now: all, or only one suspect with nothing beside it: it
// may be what ends the program.
arrow::Result<std::vector<InputRow>> ChooseInputs(Connection& connection, const ClaimScope& scope,
                                                  int64_t limit, int64_t now_us) {
  ARROW_ASSIGN_OR_RAISE(
      const auto running,
      ReadInputs(connection,
                 " WHERE f.state IN ('to_process','processing') AND f.state = 'processing' "
                 "AND s.pipeline = ? AND s.source = ? AND f.lease = ? AND f.epoch = ?",
                 {scope.pipeline, scope.source, scope.fence.lease, scope.fence.epoch}));
  for (const InputRow& row : running) {
    if (row.suspicion >= kSuspicionAlone) return std::vector<InputRow>{};
  }
  ARROW_ASSIGN_OR_RAISE(
      auto suspects,
      ReadInputs(connection,
                 " WHERE f.state IN ('to_process','processing') AND f.state = 'to_process' "
                 "AND s.pipeline = ? AND s.source = ? AND f.not_before_us <= ? "
                 "AND f.crashes >= ? ORDER BY f.created_us, f.partition_id LIMIT 1",
                 {scope.pipeline, scope.source, now_us, kSuspicionAlone}));
  if (!suspects.empty()) return running.empty() ? std::move(suspects) : std::vector<InputRow>{};
  return ReadInputs(connection,
                    " WHERE f.state IN ('to_process','processing') AND f.state = 'to_process' "
                    "AND s.pipeline = ? AND s.source = ? AND f.not_before_us <= ? "
                    "ORDER BY f.created_us, f.partition_id LIMIT ?",
                    {scope.pipeline, scope.source, now_us, limit});
}

arrow::Status Start(Connection& connection, FeedWriter& feed, const Fence& fence, int64_t now_us,
                    InputRow& row) {
  InputMove move = MoveOf(row, WorkState::kProcessing);
  move.holder = fence;
  move.attempts = row.record.attempts + 1;
  move.start_mark = row.mark;
  move.started_us = now_us;
  ARROW_RETURN_NOT_OK(MoveInputRow(connection, feed, move));
  row.record.state = WorkState::kProcessing;
  row.record.attempts = move.attempts;
  row.record.lease = fence.lease;
  row.record.epoch = fence.epoch;
  row.record.started_us = now_us;
  row.record.finished_us.reset();
  row.record.not_before_us = 0;
  return arrow::Status::OK();
}

WorkConditions InputConditions(const WorkQuery& query, int64_t now_us) {
  WorkConditions conditions;
  if (!query.pipeline.empty()) conditions.Add("s.pipeline = ?", query.pipeline);
  if (query.state) conditions.Add("f.state = ?", WorkStateName(*query.state));
  if (!query.path_contains.empty()) conditions.Add("instr(f.path, ?) > 0", query.path_contains);
  if (query.due_only) conditions.Add("f.not_before_us <= ?", now_us);
  conditions.Finish("f.created_us, f.partition_id", query.limit);
  return conditions;
}

}  // namespace

arrow::Status EndInputsOf(Connection& connection, FeedWriter& feed, const Fence& newer,
                          const std::optional<CrashNote>& note, int64_t now_us) {
  ARROW_ASSIGN_OR_RAISE(const auto left, ReadInProcessing(connection, "f.epoch < ?", newer));
  for (const InputRow& row : left) {
    ARROW_RETURN_NOT_OK(EndInput(connection, feed, row, EndOf(row, note), now_us));
  }
  return arrow::Status::OK();
}

arrow::Status GiveBackInputs(Connection& connection, FeedWriter& feed, const Fence& fence) {
  ARROW_ASSIGN_OR_RAISE(const auto held, ReadInProcessing(connection, "f.epoch = ?", fence));
  for (const InputRow& row : held) {
    InputMove move = MoveOf(row, WorkState::kToProcess);
    move.attempts = std::max(0, row.record.attempts - 1);
    ARROW_RETURN_NOT_OK(MoveInputRow(connection, feed, move));
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<InputFileRecord>> SqliteLedger::ClaimInputs(const std::string& pipeline,
                                                                      const std::string& source,
                                                                      const Fence& fence,
                                                                      int64_t limit) {
  std::vector<InputFileRecord> claimed;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    const int64_t now_us = clock_.NowMicros();
    ARROW_ASSIGN_OR_RAISE(const bool is_held, HoldsFence(connection, fence));
    if (!is_held) {
      return Conflict("Lease is lost, name and epoch: ", fence.lease, ", ", fence.epoch);
    }
    const ClaimScope scope{.pipeline = pipeline, .source = source, .fence = fence};
    FeedWriter feed(connection);
    // Whoever took the lease over has done so, unless nobody knows who had it before.
    ARROW_RETURN_NOT_OK(EndInputsOf(connection, feed, fence, std::nullopt, now_us));
    ARROW_ASSIGN_OR_RAISE(auto chosen, ChooseInputs(connection, scope, limit, now_us));
    for (InputRow& row : chosen) {
      ARROW_RETURN_NOT_OK(Start(connection, feed, fence, now_us, row));
      claimed.push_back(std::move(row.record));
    }
    return arrow::Status::OK();
  }));
  return claimed;
}

arrow::Status SqliteLedger::FailInput(int64_t partition_id, const Fence& fence,
                                      const std::string& reason, bool is_retryable) {
  return Write([&](Connection& connection) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(
        const auto rows,
        ReadInputs(connection,
                   " WHERE f.partition_id = ? AND f.state = 'processing' AND f.lease = ? "
                   "AND f.epoch = ?",
                   {partition_id, fence.lease, fence.epoch}));
    if (rows.empty()) {
      return Conflict("Input file is not processing under the lease, partition, lease and epoch: ",
                      partition_id, ", ", fence.lease, ", ", fence.epoch);
    }
    const InputRow& row = rows.front();
    const int64_t now_us = clock_.NowMicros();
    const bool is_final = !is_retryable || row.record.attempts >= kWorkAttemptsMax;
    InputMove move = MoveOf(row, is_final ? WorkState::kFailed : WorkState::kToProcess);
    move.reason = reason;
    if (is_final) {
      move.finished_us = now_us;
    } else {
      move.not_before_us = now_us + BackOffMicros(row.record.attempts);
    }
    FeedWriter feed(connection);
    return MoveInputRow(connection, feed, move);
  });
}

arrow::Result<std::vector<InputFileRecord>> SqliteLedger::Inputs(const WorkQuery& query) {
  const WorkConditions conditions = InputConditions(query, clock_.NowMicros());
  std::vector<InputFileRecord> inputs;
  ARROW_RETURN_NOT_OK(Read(std::string(SelectInputs()) + conditions.sql(), conditions.values(),
                           [&](const Row& row) -> arrow::Status {
                             ARROW_ASSIGN_OR_RAISE(InputRow input, ReadInput(row));
                             inputs.push_back(std::move(input.record));
                             return arrow::Status::OK();
                           }));
  return inputs;
}

arrow::Result<int64_t> SqliteLedger::Retry(const WorkQuery& query) {
  int64_t relaunched = 0;
  if (query.state && *query.state != WorkState::kFailed) return relaunched;
  WorkQuery failed = query;
  failed.state = WorkState::kFailed;
  failed.due_only = false;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    FeedWriter feed(connection);
    if (query.table_key.empty()) {
      const WorkConditions conditions = InputConditions(failed, 0);
      std::vector<InputRow> rows;
      ARROW_RETURN_NOT_OK(connection.Query(std::string(SelectInputs()) + conditions.sql(),
                                           conditions.values(),
                                           [&](const Row& row) -> arrow::Status {
                                             ARROW_ASSIGN_OR_RAISE(auto input, ReadInput(row));
                                             rows.push_back(std::move(input));
                                             return arrow::Status::OK();
                                           }));
      for (const InputRow& row : rows) {
        InputMove move = MoveOf(row, WorkState::kToProcess);
        move.attempts = 0;
        move.suspicion = 0;
        ARROW_RETURN_NOT_OK(MoveInputRow(connection, feed, move));
      }
      relaunched += static_cast<int64_t>(rows.size());
    }
    if (query.pipeline.empty()) {
      ARROW_ASSIGN_OR_RAISE(const int64_t files, RetryDataFiles(connection, feed, failed));
      relaunched += files;
    }
    return arrow::Status::OK();
  }));
  return relaunched;
}

arrow::Result<WorkCounts> SqliteLedger::InputCounts(const std::string& pipeline) {
  // Pruned rows were done. What failed is not failed any more once its file has another content,
  // which has a row of its own.
  return Counts(
      "SELECT CASE WHEN f.state = 'failed' AND (EXISTS (SELECT 1 FROM source_partition n "
      "WHERE n.pipeline = s.pipeline AND n.source = s.source AND n.name = s.name "
      "AND n.id > s.id) OR EXISTS (SELECT 1 FROM input_pruned p WHERE p.pipeline = s.pipeline "
      "AND p.source = s.source AND p.path = f.path AND p.partition_id > s.id)) "
      "THEN 'replaced' ELSE f.state END AS now, count(*), sum(f.byte_count) "
      "FROM input_file f JOIN source_partition s ON s.id = f.partition_id "
      "WHERE ?1 = '' OR s.pipeline = ?1 GROUP BY now "
      "UNION ALL SELECT 'done', count(*), 0 FROM input_pruned WHERE ?1 = '' OR pipeline = ?1",
      pipeline);
}

arrow::Result<WorkCounts> SqliteLedger::Counts(std::string_view sql, const std::string& key) {
  WorkCounts counts;
  ARROW_RETURN_NOT_OK(Read(sql, {key}, [&](const Row& row) -> arrow::Status {
    if (row.Text(0) == "replaced") {
      counts.replaced += row.Number(1);
      return arrow::Status::OK();
    }
    ARROW_ASSIGN_OR_RAISE(const WorkState state, WorkStateFromName(row.Text(0)));
    int64_t* const count = state == WorkState::kToProcess    ? &counts.to_process
                           : state == WorkState::kProcessing ? &counts.processing
                           : state == WorkState::kDone       ? &counts.done
                                                             : &counts.failed;
    *count += row.Number(1);
    const bool is_open = state == WorkState::kToProcess || state == WorkState::kProcessing;
    if (is_open) counts.open_bytes += row.Number(2);
    return arrow::Status::OK();
  }));
  return counts;
}

}  // namespace catchwater
