// The part of a commit that moves work files.
#include <algorithm>
#include <string>

#include "catchwater/base/error.h"
#include "catchwater/ledger/entities.h"
#include "catchwater/ledger/records.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {
namespace {

std::optional<int64_t> Min(std::optional<int64_t> a, std::optional<int64_t> b) {
  return a && b ? std::min(a, b) : (a ? a : b);
}

std::optional<int64_t> Max(std::optional<int64_t> a, std::optional<int64_t> b) {
  return a && b ? std::max(a, b) : (a ? a : b);
}

// What a move expects of the row and leaves in it: only `processing` has a lease and an epoch.
struct Holder {
  explicit Holder(const WorkMove& move)
      : is_held_before(move.from == WorkState::kProcessing),
        is_held_after(move.to == WorkState::kProcessing) {}
  Value LeaseBefore(const WorkMove& move) const {
    return is_held_before ? Value(move.lease) : Value(std::nullopt);
  }
  Value EpochBefore(const WorkMove& move) const {
    return is_held_before ? Value(move.epoch) : Value(std::nullopt);
  }
  Value LeaseAfter(const WorkMove& move) const {
    return is_held_after ? Value(move.lease) : Value(std::nullopt);
  }
  Value EpochAfter(const WorkMove& move) const {
    return is_held_after ? Value(move.epoch) : Value(std::nullopt);
  }
  bool is_held_before;
  bool is_held_after;
};

bool IsFinal(WorkState state) { return state == WorkState::kDone || state == WorkState::kFailed; }

// Progress of a file that stays with its worker is no change of state.
bool IsToldToFeed(const WorkMove& move) { return move.from != move.to; }

}  // namespace

arrow::Result<Outcome> CommitSteps::MoveWork() {
  for (const WorkMove& move : plan_.work) {
    CheckMove(move.kind, move.from, move.to);
    ARROW_ASSIGN_OR_RAISE(const Outcome outcome, move.kind == WorkMove::Kind::kInput
                                                     ? MoveInput(move)
                                                     : MoveDataFile(move));
    if (outcome != Outcome::kCommitted) return outcome;
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::MoveInput(const WorkMove& move) {
  const Holder holder(move);
  // Given back by its worker: the attempt does not count.
  const bool is_given_back =
      move.from == WorkState::kProcessing && move.to == WorkState::kToProcess;
  std::string path;
  std::string pipeline;
  ARROW_RETURN_NOT_OK(connection_.Query(
      "UPDATE input_file SET state = ?, lease = ?, epoch = ?, changed_seq = ?, "
      "reason = coalesce(?, CASE WHEN substr(reason, 1, length(?)) = ? THEN reason END), "
      "attempts = max(0, attempts - ?), finished_us = coalesce(?, finished_us) "
      "WHERE partition_id = ? AND state = ? AND lease IS ? AND epoch IS ? RETURNING path, "
      "(SELECT pipeline FROM source_partition WHERE id = partition_id)",
      {WorkStateName(move.to), holder.LeaseAfter(move), holder.EpochAfter(move), seq_,
       move.reason.empty() ? Value(std::nullopt) : Value(move.reason), kGrownInputReason,
       kGrownInputReason, is_given_back ? 1 : 0,
       IsFinal(move.to) ? std::optional<int64_t>(now_us_) : std::nullopt, move.id,
       WorkStateName(move.from), holder.LeaseBefore(move), holder.EpochBefore(move)},
      [&](const Row& row) {
        path = row.Text(0);
        pipeline = row.Text(1);
        return arrow::Status::OK();
      }));
  if (path.empty()) return Outcome::kWorkMoved;
  ARROW_RETURN_NOT_OK(DescribeInput(move));
  if (IsToldToFeed(move)) {
    ARROW_RETURN_NOT_OK(feed_.AddWork(move.kind, path,
                                      {.id = move.id,
                                       .owner = pipeline,
                                       .from = move.from,
                                       .to = move.to,
                                       .reason = move.reason}));
  }
  return Outcome::kCommitted;
}

arrow::Status CommitSteps::DescribeInput(const WorkMove& move) {
  if (move.entities.empty() && !move.event_us_min && !move.event_us_max) return arrow::Status::OK();
  std::string known_entities;
  std::optional<int64_t> us_min;
  std::optional<int64_t> us_max;
  ARROW_RETURN_NOT_OK(connection_.Query(
      "SELECT entities, event_us_min, event_us_max FROM input_file WHERE partition_id = ?",
      {move.id}, [&](const Row& row) {
        known_entities = row.Text(0);
        us_min = row.OptionalNumber(1);
        us_max = row.OptionalNumber(2);
        return arrow::Status::OK();
      }));
  ARROW_ASSIGN_OR_RAISE(const auto known, ListFromJson(known_entities));
  return connection_
      .Execute(
          "UPDATE input_file SET entities = ?, event_us_min = ?, event_us_max = ? "
          "WHERE partition_id = ?",
          {JsonList(MergeEntities(known, move.entities)), Min(us_min, move.event_us_min),
           Max(us_max, move.event_us_max), move.id})
      .status();
}

arrow::Result<Outcome> CommitSteps::MoveDataFile(const WorkMove& move) {
  const Holder holder(move);
  std::string path;
  std::string table_key;
  ARROW_RETURN_NOT_OK(connection_.Query(
      "UPDATE data_file SET state = ?, lease = ?, epoch = ?, reason = ?, "
      "finished_us = coalesce(?, finished_us) "
      "WHERE id = ? AND state = ? AND lease IS ? AND epoch IS ? RETURNING path, table_key",
      {WorkStateName(move.to), holder.LeaseAfter(move), holder.EpochAfter(move),
       move.reason.empty() ? Value(std::nullopt) : Value(move.reason),
       IsFinal(move.to) ? std::optional<int64_t>(now_us_) : std::nullopt, move.id,
       WorkStateName(move.from), holder.LeaseBefore(move), holder.EpochBefore(move)},
      [&](const Row& row) {
        path = row.Text(0);
        table_key = row.Text(1);
        return arrow::Status::OK();
      }));
  if (path.empty()) return Outcome::kWorkMoved;
  ARROW_RETURN_NOT_OK(feed_.AddWork(move.kind, path,
                                    {.id = move.id,
                                     .owner = table_key,
                                     .from = move.from,
                                     .to = move.to,
                                     .reason = move.reason}));
  return Outcome::kCommitted;
}

}  // namespace catchwater
