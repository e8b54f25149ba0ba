// Data files as work of compaction.
#include <algorithm>
#include <string>

#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/sqlite/data_file_rows.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"
#include "catchwater/ledger/state_machine.h"

namespace catchwater {
namespace {

arrow::Result<std::optional<DataFileRecord>> FindById(Connection& connection, int64_t id) {
  std::optional<DataFileRecord> file;
  ARROW_RETURN_NOT_OK(connection.Query(std::string(SelectDataFiles()) + " WHERE id = ?", {id},
                                       [&](const Row& row) -> arrow::Status {
                                         ARROW_ASSIGN_OR_RAISE(file, ReadDataFile(row));
                                         return arrow::Status::OK();
                                       }));
  return file;
}

bool IsHeldUnder(const DataFileRecord& file, const Fence& fence) {
  return file.state == WorkState::kProcessing && file.lease == fence.lease &&
         file.epoch == fence.epoch;
}

arrow::Result<std::vector<DataFileRecord>> FindProcessing(Connection& connection,
                                                          std::string_view epoch_condition,
                                                          const Fence& fence) {
  std::vector<DataFileRecord> files;
  ARROW_RETURN_NOT_OK(connection.Query(
      std::string(SelectDataFiles()) + " WHERE state = 'processing' AND lease = ? AND " +
          std::string(epoch_condition),
      {fence.lease, fence.epoch}, [&](const Row& row) -> arrow::Status {
        ARROW_ASSIGN_OR_RAISE(auto file, ReadDataFile(row));
        files.push_back(std::move(file));
        return arrow::Status::OK();
      }));
  return files;
}

// Ends an attempt that did not merge the file.
arrow::Status EndAttempt(Connection& connection, FeedWriter& feed, DataFileRecord file,
                         const std::string& reason, int64_t now_us) {
  if (file.removed_seq) {
    file.state = WorkState::kDone;  // Somebody else removed it: nothing is left to merge.
    file.finished_us = now_us;
  } else if (file.attempts >= kWorkAttemptsMax) {
    file.state = WorkState::kFailed;
    file.reason = reason;
    file.finished_us = now_us;
  } else {
    file.state = WorkState::kToProcess;
    file.reason = reason;
    file.not_before_us = now_us + BackOffMicros(file.attempts);
  }
  return MoveDataFileRow(connection, feed, WorkState::kProcessing, file);
}

}  // namespace

arrow::Status GiveBackDataFiles(Connection& connection, FeedWriter& feed, const Fence& fence,
                                int64_t now_us) {
  ARROW_ASSIGN_OR_RAISE(auto held, FindProcessing(connection, "epoch = ?", fence));
  for (DataFileRecord& file : held) {
    file.attempts = std::max(0, file.attempts - 1);
    file.state = file.removed_seq ? WorkState::kDone : WorkState::kToProcess;
    if (file.removed_seq) file.finished_us = now_us;
    ARROW_RETURN_NOT_OK(MoveDataFileRow(connection, feed, WorkState::kProcessing, file));
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<DataFileRecord>> SqliteLedger::DataFiles(const WorkQuery& query) {
  const WorkConditions conditions = DataFileConditions(query, clock_.NowMicros());
  std::vector<DataFileRecord> files;
  ARROW_RETURN_NOT_OK(Read(std::string(SelectDataFiles()) + conditions.sql(), conditions.values(),
                           [&](const Row& row) -> arrow::Status {
                             ARROW_ASSIGN_OR_RAISE(auto file, ReadDataFile(row));
                             files.push_back(std::move(file));
                             return arrow::Status::OK();
                           }));
  return files;
}

arrow::Result<bool> SqliteLedger::ClaimDataFiles(const std::vector<int64_t>& ids,
                                                 const Fence& fence) {
  bool is_claimed = true;
  const arrow::Status status = Write([&](Connection& connection) -> arrow::Status {
    const int64_t now_us = clock_.NowMicros();
    ARROW_ASSIGN_OR_RAISE(const bool is_held, HoldsFence(connection, fence));
    if (!is_held) {
      return Conflict("Lease is lost, name and epoch: ", fence.lease, ", ", fence.epoch);
    }
    FeedWriter feed(connection);
    for (const int64_t id : ids) {
      ARROW_ASSIGN_OR_RAISE(auto file, FindById(connection, id));
      const bool is_pending = file && file->state == WorkState::kToProcess && !file->removed_seq &&
                              file->not_before_us <= now_us;
      if (!is_pending) {
        is_claimed = false;
        return Cancelled("A data file is not pending any more, id: ", id);
      }
      file->state = WorkState::kProcessing;
      file->attempts += 1;
      file->lease = fence.lease;
      file->epoch = fence.epoch;
      file->finished_us.reset();
      ARROW_RETURN_NOT_OK(MoveDataFileRow(connection, feed, WorkState::kToProcess, *file));
    }
    return arrow::Status::OK();
  });
  if (!is_claimed) return false;  // Rolled back on purpose.
  ARROW_RETURN_NOT_OK(status);
  return true;
}

arrow::Status SqliteLedger::FailDataFiles(const std::vector<int64_t>& ids, const Fence& fence,
                                          const std::string& reason) {
  return Write([&](Connection& connection) -> arrow::Status {
    FeedWriter feed(connection);
    for (const int64_t id : ids) {
      ARROW_ASSIGN_OR_RAISE(auto file, FindById(connection, id));
      if (!file || !IsHeldUnder(*file, fence)) {
        return Conflict("Data file is not processing under the lease, id, lease and epoch: ", id,
                        ", ", fence.lease, ", ", fence.epoch);
      }
      ARROW_RETURN_NOT_OK(
          EndAttempt(connection, feed, std::move(*file), reason, clock_.NowMicros()));
    }
    return arrow::Status::OK();
  });
}

arrow::Result<int64_t> SqliteLedger::ReclaimDataFiles(const Fence& fence) {
  std::vector<DataFileRecord> files;
  ARROW_RETURN_NOT_OK(Write([&](Connection& connection) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(files, FindProcessing(connection, "epoch < ?", fence));
    FeedWriter feed(connection);
    for (const DataFileRecord& file : files) {
      ARROW_RETURN_NOT_OK(EndAttempt(connection, feed, file,
                                     "The program ended while it merged this file",
                                     clock_.NowMicros()));
    }
    return arrow::Status::OK();
  }));
  return static_cast<int64_t>(files.size());
}

arrow::Result<WorkCounts> SqliteLedger::DataFileCounts(const std::string& table_key) {
  return Counts(
      "SELECT state, count(*), sum(byte_count) FROM data_file WHERE ?1 = '' OR table_key = ?1 "
      "GROUP BY state",
      table_key);
}

}  // namespace catchwater
