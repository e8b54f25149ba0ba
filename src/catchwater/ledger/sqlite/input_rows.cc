#include "catchwater/ledger/sqlite/input_rows.h"

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/sqlite/json_text.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {

std::string_view SelectInputs() {
  return "SELECT f.partition_id, s.pipeline, s.source, s.name, f.path, f.byte_count, f.head_hash, "
         "f.full_hash, f.state, f.attempts, f.lease, f.epoch, f.reason, f.entities, "
         "f.event_us_min, f.event_us_max, f.created_us, f.started_us, f.finished_us, "
         "f.not_before_us, f.is_growing, f.start_mark, f.crashes, "
         "(SELECT coalesce(sum(p.ordinal), 0) FROM position p "
         "WHERE p.partition_id = f.partition_id) "
         "FROM input_file f JOIN source_partition s ON s.id = f.partition_id";
}

arrow::Result<InputRow> ReadInput(const Row& row) {
  ARROW_ASSIGN_OR_RAISE(const WorkState state, WorkStateFromName(row.Text(8)));
  ARROW_ASSIGN_OR_RAISE(auto entities, ListFromJson(row.Text(13)));
  return InputRow{.record = {.partition_id = row.Number(0),
                             .pipeline = row.Text(1),
                             .source = row.Text(2),
                             .name = row.Text(3),
                             .path = row.Text(4),
                             .byte_count = row.Number(5),
                             .head_hash = row.Text(6),
                             .full_hash = row.Text(7),
                             .state = state,
                             .attempts = static_cast<int>(row.Number(9)),
                             .lease = row.Text(10),
                             .epoch = row.Number(11),
                             .reason = row.Text(12),
                             .entities = std::move(entities),
                             .event_us_min = row.OptionalNumber(14),
                             .event_us_max = row.OptionalNumber(15),
                             .created_us = row.Number(16),
                             .started_us = row.OptionalNumber(17),
                             .finished_us = row.OptionalNumber(18),
                             .not_before_us = row.Number(19),
                             .is_growing = row.Number(20) != 0},
                  .start_mark = row.Number(21),
                  .mark = row.Number(23),
                  .suspicion = static_cast<int>(row.Number(22))};
}

InputMove MoveOf(const InputRow& row, WorkState to) {
  return {.partition_id = row.record.partition_id,
          .path = row.record.path,
          .pipeline = row.record.pipeline,
          .from = row.record.state,
          .to = to,
          .holder = {},
          .attempts = row.record.attempts,
          .suspicion = row.suspicion,
          .start_mark = row.start_mark,
          .reason = row.record.reason};
}

arrow::Status MoveInputRow(Connection& connection, FeedWriter& feed, const InputMove& move) {
  CheckMove(WorkMove::Kind::kInput, move.from, move.to);
  ARROW_ASSIGN_OR_RAISE(const int64_t seq, feed.Seq());
  const bool is_held = move.to == WorkState::kProcessing;
  ARROW_ASSIGN_OR_RAISE(
      const int64_t changed,
      connection.Execute(
          "UPDATE input_file SET state = ?, lease = ?, epoch = ?, attempts = ?, crashes = ?, "
          "start_mark = ?, not_before_us = ?, reason = ?, started_us = coalesce(?, started_us), "
          "finished_us = ?, changed_seq = ? WHERE partition_id = ? AND state = ?",
          {WorkStateName(move.to), is_held ? Value(move.holder.lease) : Value(std::nullopt),
           is_held ? Value(move.holder.epoch) : Value(std::nullopt), move.attempts, move.suspicion,
           move.start_mark, move.not_before_us,
           move.reason.empty() ? Value(std::nullopt) : Value(move.reason), move.started_us,
           move.finished_us, seq, move.partition_id, WorkStateName(move.from)}));
  CATCHWATER_CHECK(changed == 1, "a row that was read in this transaction is still as it was");
  return feed.AddWork(WorkMove::Kind::kInput, move.path,
                      {.id = move.partition_id,
                       .owner = move.pipeline,
                       .from = move.from,
                       .to = move.to,
                       .reason = move.reason});
}

}  // namespace catchwater
