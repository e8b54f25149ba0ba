#include "catchwater/ledger/sqlite/commit_steps.h"

#include <array>
#include <limits>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/sqlite/table_key.h"

namespace catchwater {
namespace {

constexpr size_t kTokenBytesMax = 1024;

std::optional<int64_t> NullIfZero(int64_t number) {
  return number == 0 ? std::nullopt : std::optional<int64_t>(number);
}

int64_t Ordinal(const Position& position) {
  CATCHWATER_CHECK(position.ordinal <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
                   "a position's ordinal must fit in 63 bits");
  return static_cast<int64_t>(position.ordinal);
}

}  // namespace

arrow::Result<bool> HoldsFence(Connection& connection, const Fence& fence) {
  ARROW_ASSIGN_OR_RAISE(const auto held,
                        connection.QueryNumber("SELECT 1 FROM lease WHERE name = ? AND epoch = ?",
                                               {fence.lease, fence.epoch}));
  return held.has_value();
}

arrow::Result<Outcome> CommitSteps::Run() {
  struct Step {
    arrow::Result<Outcome> (CommitSteps::*run)();
    std::optional<FailPoint> reached;  // After the step.
  };
  static constexpr std::array<Step, 10> kSteps{{
      {&CommitSteps::StartClock, FailPoint::kCommitBegun},
      {&CommitSteps::CheckFences, {}},
      {&CommitSteps::WriteLog, {}},
      {&CommitSteps::SwapPointers, FailPoint::kCommitPointersSwapped},
      {&CommitSteps::MovePositions, FailPoint::kCommitPositionsMoved},
      {&CommitSteps::MoveWork, {}},
      {&CommitSteps::SaveCheckpoints, {}},
      {&CommitSteps::AddAccount, {}},
      {&CommitSteps::MarkDeadLetters, {}},
      {&CommitSteps::WriteFeed, FailPoint::kCommitBeforeEnd},
  }};
  for (const Step& step : kSteps) {
    ARROW_ASSIGN_OR_RAISE(const Outcome outcome, (this->*step.run)());
    if (outcome != Outcome::kCommitted) return outcome;
    if (step.reached) ARROW_RETURN_NOT_OK(Reach(*step.reached));
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::StartClock() {
  ARROW_ASSIGN_OR_RAISE(seq_, feed_.Seq());
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::CheckFences() {
  for (const Fence& fence : plan_.fences) {
    ARROW_ASSIGN_OR_RAISE(const bool is_held, HoldsFence(connection_, fence));
    if (!is_held) return Outcome::kFenced;
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::WriteLog() {
  ARROW_RETURN_NOT_OK(connection_.Execute(
      "INSERT INTO commit_log (seq, commit_id, actor, at_us) VALUES (?, ?, ?, ?)",
      {seq_, plan_.id, plan_.actor, now_us_}));
  for (const PointerSwap& swap : plan_.tables) {
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "INSERT INTO commit_table (seq, table_key, metadata_location, operation, snapshot_id, "
        "schema_id, rows_added, rows_removed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        {seq_, swap.table_key, swap.next, swap.operation, NullIfZero(swap.snapshot_id),
         swap.schema_id, swap.rows_added, swap.rows_removed}));
    // Tables that we write to are guarded against being dropped (schema.cc, refuse_drop).
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "INSERT INTO table_total (table_key, is_ours, rows_added, rows_removed) "
        "VALUES (?, 1, 0, 0) ON CONFLICT (table_key) DO UPDATE SET is_ours = 1 WHERE is_ours = 0",
        {swap.table_key}));
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::SwapPointers() {
  for (const PointerSwap& swap : plan_.tables) {
    ARROW_ASSIGN_OR_RAISE(const Outcome swapped, SwapPointer(swap));
    if (swapped != Outcome::kCommitted) return swapped;
    ARROW_ASSIGN_OR_RAISE(const Outcome changed,
                          ChangeFiles(connection_, swap, seq_, swap.operation, now_us_));
    if (changed != Outcome::kCommitted) return changed;
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::SwapPointer(const PointerSwap& swap) {
  const TableKey key = SplitTableKey(swap.table_key);
  int64_t changed = 0;
  if (swap.expected.empty()) {
    // Other programs look for the namespace's row.
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "INSERT INTO iceberg_namespace_properties (catalog_name, namespace, property_key, "
        "property_value) VALUES ('catchwater', ?, 'exists', 'true') ON CONFLICT DO NOTHING",
        {key.table_namespace}));
    ARROW_ASSIGN_OR_RAISE(
        changed,
        connection_.Execute("INSERT INTO iceberg_tables (catalog_name, table_namespace, "
                            "table_name, metadata_location, iceberg_type) "
                            "VALUES ('catchwater', ?, ?, ?, 'TABLE') ON CONFLICT DO NOTHING",
                            {key.table_namespace, key.table_name, swap.next}));
  } else {
    ARROW_ASSIGN_OR_RAISE(
        changed,
        connection_.Execute(
            "UPDATE iceberg_tables SET metadata_location = ?1, previous_metadata_location = ?2 "
            "WHERE catalog_name = 'catchwater' AND table_namespace = ?3 AND table_name = ?4 "
            "AND metadata_location = ?2",
            {swap.next, swap.expected, key.table_namespace, key.table_name}));
  }
  return changed == 1 ? Outcome::kCommitted : Outcome::kPointerMoved;
}

arrow::Result<Outcome> CommitSteps::ChangeFiles(Connection& connection, const PointerSwap& swap,
                                                int64_t seq, std::string_view added_by,
                                                int64_t now_us) {
  int64_t ordinal = 0;
  for (const DataFile& file : swap.added) {
    const bool is_work = file.tier >= 0;
    if (!is_work) {
      // A file in place that was taken out comes back under its name, changed or not.
      ARROW_RETURN_NOT_OK(connection.Execute(
          "DELETE FROM data_file WHERE path = ? AND table_key = ? AND removed_seq IS NOT NULL AND "
          "state = 'done' AND is_unlink_queued = 0",
          {file.path, swap.table_key}));
    }
    ARROW_RETURN_NOT_OK(connection.Execute(
        "INSERT INTO data_file (table_key, path, partition_key, tier, added_seq, added_by, "
        "added_us, ordinal, row_count, byte_count, event_us_min, event_us_max, state, finished_us) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        {swap.table_key, file.path, file.partition_key, file.tier, seq, added_by, now_us, ordinal++,
         file.row_count, file.byte_count, file.event_us_min, file.event_us_max,
         WorkStateName(is_work ? WorkState::kToProcess : WorkState::kDone),
         is_work ? std::nullopt : std::optional<int64_t>(now_us)}));
  }
  for (const std::string& path : swap.removed) {
    // One that is processing stays so until its compaction hears of it; others need no more work.
    ARROW_ASSIGN_OR_RAISE(
        const int64_t changed,
        connection.Execute(
            "UPDATE data_file SET removed_seq = ?1, "
            "finished_us = CASE WHEN state = 'processing' THEN finished_us ELSE ?2 END, "
            "state = CASE WHEN state = 'processing' THEN state ELSE 'done' END "
            "WHERE path = ?3 AND table_key = ?4 AND removed_seq IS NULL",
            {seq, now_us, path, swap.table_key}));
    // The pointer was as expected, so no commit came between: the plan was made from an older state
    // than its pointer. A rebase cannot help, only a new plan.
    if (changed != 1) return Outcome::kWorkMoved;
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::MovePositions() {
  for (const PositionAdvance& advance : plan_.positions) {
    ARROW_ASSIGN_OR_RAISE(const Outcome outcome, MovePosition(advance));
    if (outcome != Outcome::kCommitted) return outcome;
  }
  // After all moves: a partition is finished when every consumer is, growing files never are.
  for (const PositionAdvance& advance : plan_.positions) {
    if (!advance.is_finished) continue;
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "UPDATE source_partition SET state = 'finished' WHERE id = ?1 AND state = 'open' "
        "AND NOT EXISTS (SELECT 1 FROM position WHERE partition_id = ?1 AND is_finished = 0) "
        "AND NOT EXISTS (SELECT 1 FROM input_file WHERE partition_id = ?1 AND is_growing = 1)",
        {advance.range.partition_id}));
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::MovePosition(const PositionAdvance& advance) {
  const auto& [partition_id, from, to] = advance.range;
  CATCHWATER_CHECK(!(to < from), "a position moves forward only");
  CATCHWATER_CHECK(to.token.size() <= kTokenBytesMax, "a position's token is at most 1 KiB");
  const int is_finished = advance.is_finished ? 1 : 0;
  ARROW_ASSIGN_OR_RAISE(
      int64_t changed,
      connection_.Execute("UPDATE position SET ordinal = ?, token = ?, seq = ?, is_finished = ? "
                          "WHERE partition_id = ? AND consumer = ? AND ordinal = ?",
                          {Ordinal(to), to.token, seq_, is_finished, partition_id, advance.consumer,
                           Ordinal(from)}));
  if (changed == 0 && from.ordinal == 0) {
    // A consumer's first commit of the partition, which must still be there.
    ARROW_ASSIGN_OR_RAISE(
        changed, connection_.Execute(
                     "INSERT INTO position (partition_id, consumer, ordinal, token, seq, "
                     "is_finished) SELECT id, ?, ?, ?, ?, ? FROM source_partition "
                     "WHERE id = ? AND state <> 'gone' ON CONFLICT DO NOTHING",
                     {advance.consumer, Ordinal(to), to.token, seq_, is_finished, partition_id}));
  }
  return changed == 1 ? Outcome::kCommitted : Outcome::kPositionMoved;
}

arrow::Result<Outcome> CommitSteps::SaveCheckpoints() {
  for (const Checkpoint& checkpoint : plan_.state) {
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "INSERT INTO checkpoint (pipeline, consumer, shard, meaning, files, watermark_us, seq) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (pipeline, consumer, shard) DO UPDATE SET "
        "meaning = excluded.meaning, files = excluded.files, "
        "watermark_us = excluded.watermark_us, seq = excluded.seq",
        {checkpoint.pipeline, checkpoint.consumer, checkpoint.shard, checkpoint.meaning,
         JsonList(checkpoint.files), checkpoint.watermark_us, seq_}));
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::AddAccount() {
  for (const RowAccount& line : plan_.account) {
    CATCHWATER_CHECK(line.row_count_added >= 0, "the account only grows");
    if (line.row_count_added == 0) continue;
    ARROW_RETURN_NOT_OK(connection_.Execute(
        "INSERT INTO row_account (partition_id, consumer, bucket, reason, row_count) "
        "VALUES (?, ?, ?, ?, ?) ON CONFLICT (partition_id, consumer, bucket, reason) "
        "DO UPDATE SET row_count = row_count + excluded.row_count",
        {line.partition_id, line.consumer, BucketName(line.bucket), line.reason,
         line.row_count_added}));
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::MarkDeadLetters() {
  for (const auto& [ids, state] :
       {std::pair{&plan_.replayed, "replayed"}, std::pair{&plan_.discarded, "discarded"}}) {
    for (const std::string& id : *ids) {
      ARROW_ASSIGN_OR_RAISE(
          const int64_t changed,
          connection_.Execute("INSERT INTO dead_letter_mark (dead_letter_id, state, seq) "
                              "VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                              {id, state, seq_}));
      if (changed != 1) return Outcome::kWorkMoved;
    }
  }
  return Outcome::kCommitted;
}

arrow::Result<Outcome> CommitSteps::WriteFeed() {
  // Work moves have added theirs already.
  ARROW_RETURN_NOT_OK(feed_.Add("commit", plan_.id, CommitEventBody(plan_)));
  for (const Event& event : plan_.events) {
    ARROW_RETURN_NOT_OK(feed_.Add(event.kind, event.object, event.body_json));
  }
  return Outcome::kCommitted;
}

}  // namespace catchwater
