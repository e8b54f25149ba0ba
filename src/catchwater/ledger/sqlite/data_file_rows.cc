#include "catchwater/ledger/sqlite/data_file_rows.h"

#include <string>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {

std::string_view SelectDataFiles() {
  return "SELECT id, table_key, path, partition_key, tier, row_count, byte_count, event_us_min, "
         "event_us_max, added_seq, added_by, removed_seq, state, attempts, lease, epoch, reason, "
         "added_us, finished_us, not_before_us, ordinal FROM data_file";
}

arrow::Result<DataFileRecord> ReadDataFile(const Row& row) {
  ARROW_ASSIGN_OR_RAISE(const WorkState state, WorkStateFromName(row.Text(12)));
  return DataFileRecord{.id = row.Number(0),
                        .table_key = row.Text(1),
                        .file = {.path = row.Text(2),
                                 .partition_key = row.Text(3),
                                 .tier = static_cast<int>(row.Number(4)),
                                 .row_count = row.Number(5),
                                 .byte_count = row.Number(6),
                                 .event_us_min = row.OptionalNumber(7),
                                 .event_us_max = row.OptionalNumber(8)},
                        .added_seq = row.Number(9),
                        .ordinal = row.Number(20),
                        .added_by = row.Text(10),
                        .removed_seq = row.OptionalNumber(11),
                        .state = state,
                        .attempts = static_cast<int>(row.Number(13)),
                        .lease = row.Text(14),
                        .epoch = row.Number(15),
                        .reason = row.Text(16),
                        .added_us = row.Number(17),
                        .finished_us = row.OptionalNumber(18),
                        .not_before_us = row.Number(19)};
}

WorkConditions DataFileConditions(const WorkQuery& query, int64_t now_us) {
  WorkConditions conditions;
  if (query.live_only) {
    const bool is_pending = query.state == WorkState::kToProcess;
    conditions.UseIndex(is_pending ? "data_file_pending" : "data_file_live");
  }
  if (!query.table_key.empty()) conditions.Add("table_key = ?", query.table_key);
  if (query.state == WorkState::kToProcess) {
    conditions.Add("state = 'to_process'");  // As in the partial index.
  } else if (query.state == WorkState::kProcessing) {
    conditions.Add("state = 'processing'");  // Likewise.
  } else if (query.state) {
    conditions.Add("state = ?", WorkStateName(*query.state));
  }
  if (!query.path_contains.empty()) conditions.Add("instr(path, ?) > 0", query.path_contains);
  if (query.live_only) conditions.Add("removed_seq IS NULL");
  if (query.due_only) conditions.Add("not_before_us <= ?", now_us);
  if (query.event_us_max_below) {
    conditions.Add("event_us_max < ?", query.event_us_max_below);
  }
  conditions.Finish("id", query.limit);
  return conditions;
}

arrow::Status MoveDataFileRow(Connection& connection, FeedWriter& feed, WorkState from,
                              const DataFileRecord& to) {
  CheckMove(WorkMove::Kind::kData, from, to.state);
  const bool is_held = to.state == WorkState::kProcessing;
  ARROW_ASSIGN_OR_RAISE(
      const int64_t changed,
      connection.Execute(
          "UPDATE data_file SET state = ?, lease = ?, epoch = ?, attempts = ?, reason = ?, "
          "not_before_us = ?, finished_us = ? WHERE id = ? AND state = ?",
          {WorkStateName(to.state), is_held ? Value(to.lease) : Value(std::nullopt),
           is_held ? Value(to.epoch) : Value(std::nullopt), to.attempts,
           to.reason.empty() ? Value(std::nullopt) : Value(to.reason), to.not_before_us,
           to.finished_us, to.id, WorkStateName(from)}));
  CATCHWATER_CHECK(changed == 1, "a row that was read in this transaction is still as it was");
  return feed.AddWork(
      WorkMove::Kind::kData, to.file.path,
      {.id = to.id, .owner = to.table_key, .from = from, .to = to.state, .reason = to.reason});
}

arrow::Result<int64_t> RetryDataFiles(Connection& connection, FeedWriter& feed,
                                      const WorkQuery& query) {
  WorkQuery live = query;
  live.live_only = true;
  const WorkConditions conditions = DataFileConditions(live, 0);
  std::vector<DataFileRecord> files;
  ARROW_RETURN_NOT_OK(connection.Query(std::string(SelectDataFiles()) + conditions.sql(),
                                       conditions.values(), [&](const Row& row) -> arrow::Status {
                                         ARROW_ASSIGN_OR_RAISE(auto file, ReadDataFile(row));
                                         files.push_back(std::move(file));
                                         return arrow::Status::OK();
                                       }));
  for (DataFileRecord& file : files) {
    file.state = WorkState::kToProcess;
    file.attempts = 0;
    file.not_before_us = 0;
    file.finished_us.reset();
    ARROW_RETURN_NOT_OK(MoveDataFileRow(connection, feed, WorkState::kFailed, file));
  }
  return static_cast<int64_t>(files.size());
}

}  // namespace catchwater
