// What keeping tables in shape asks: foreign commits, sums, which files nobody refers to.
#include <string>

#include "catchwater/ledger/sqlite/data_file_rows.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {

arrow::Result<std::vector<ForeignCommitRecord>> SqliteLedger::UnreadForeignCommits(int64_t limit) {
  std::vector<ForeignCommitRecord> commits;
  ARROW_RETURN_NOT_OK(
      Read("SELECT t.seq, t.table_key, t.metadata_location, (SELECT p.metadata_location "
           "FROM commit_table p WHERE p.table_key = t.table_key AND p.seq < t.seq "
           "ORDER BY p.seq DESC LIMIT 1) FROM commit_table t "
           "WHERE t.operation = 'foreign' AND t.rows_added IS NULL ORDER BY t.seq LIMIT ?",
           {limit}, [&](const Row& row) {
             ForeignCommitRecord commit{.seq = row.Number(0),
                                        .table_key = row.Text(1),
                                        .metadata_location = row.Text(2),
                                        .previous_location = std::nullopt};
             if (!row.IsNull(3)) commit.previous_location = row.Text(3);
             commits.push_back(std::move(commit));
             return arrow::Status::OK();
           }));
  return commits;
}

arrow::Result<TableRowCounts> SqliteLedger::RowCounts(const std::string& table_key) {
  TableRowCounts counts;
  const auto add_up = [&](const Row& row) {
    counts.rows_added += row.Number(0);
    counts.rows_removed += row.Number(1);
    counts.foreign_rows_added += row.Number(2);
    counts.foreign_rows_removed += row.Number(3);
    counts.foreign_commits += row.Number(4);
    counts.unread_commits += row.Number(5);
    return arrow::Status::OK();
  };
  // One statement, so that a pruning between the two cannot count rows twice.
  ARROW_RETURN_NOT_OK(
      Read("SELECT sum(rows_added), sum(rows_removed), "
           "sum(CASE WHEN operation = 'foreign' THEN rows_added END), "
           "sum(CASE WHEN operation = 'foreign' THEN rows_removed END), "
           "count(CASE WHEN operation = 'foreign' THEN 1 END), "
           "count(CASE WHEN rows_added IS NULL THEN 1 END) "
           "FROM commit_table WHERE table_key = ?1 UNION ALL "
           "SELECT rows_added, rows_removed, 0, 0, 0, 0 FROM table_total WHERE table_key = ?1",
           {table_key}, add_up));
  return counts;
}

arrow::Result<std::vector<std::pair<int64_t, int64_t>>> SqliteLedger::SnapshotSeqs(
    const std::string& table_key, const std::vector<int64_t>& snapshot_ids) {
  std::vector<std::pair<int64_t, int64_t>> seqs;
  for (const int64_t snapshot_id : snapshot_ids) {
    ARROW_RETURN_NOT_OK(Read("SELECT seq FROM commit_table WHERE snapshot_id = ? AND table_key = ?",
                             {snapshot_id, table_key}, [&](const Row& row) {
                               seqs.emplace_back(snapshot_id, row.Number(0));
                               return arrow::Status::OK();
                             }));
  }
  return seqs;
}

arrow::Result<std::vector<std::string>> SqliteLedger::UnknownDataFiles(
    const std::vector<std::string>& paths) {
  std::vector<std::string> unknown;
  for (const std::string& path : paths) {
    bool is_known = false;
    ARROW_RETURN_NOT_OK(Read("SELECT 1 FROM data_file WHERE path = ?", {path}, [&](const Row&) {
      is_known = true;
      return arrow::Status::OK();
    }));
    if (!is_known) unknown.push_back(path);
  }
  return unknown;
}

arrow::Result<std::vector<std::string>> SqliteLedger::QueuedUnlinks(
    const std::vector<std::string>& paths) {
  std::vector<std::string> queued;
  for (const std::string& path : paths) {
    ARROW_RETURN_NOT_OK(
        Read("SELECT path FROM unlink_queue WHERE path = ?", {path}, [&](const Row& row) {
          queued.push_back(row.Text(0));
          return arrow::Status::OK();
        }));
  }
  return queued;
}

arrow::Result<std::vector<DataFileRecord>> SqliteLedger::RemovedDataFiles(
    const std::string& table_key, const RemovedCursor& after, int64_t limit) {
  std::vector<DataFileRecord> files;
  // A sink that is not behind its hold limit still needs what it has not delivered: appended files.
  // It passes over merged ones.
  ARROW_RETURN_NOT_OK(
      Read(std::string(SelectDataFiles()) +
               " WHERE table_key = ?1 AND removed_seq IS NOT NULL AND is_unlink_queued = 0 "
               "AND state IN ('done', 'failed') AND (removed_seq, id) > (?2, ?3) "
               "AND (added_by = 'replace' OR NOT EXISTS (SELECT 1 FROM delivery d WHERE "
               "d.table_key = ?1 "
               "AND d.state <> 'resync' AND (d.seq, d.ordinal) < (added_seq, data_file.ordinal))) "
               "ORDER BY removed_seq, id LIMIT ?4",
           {table_key, after.removed_seq, after.id, limit}, [&](const Row& row) -> arrow::Status {
             ARROW_ASSIGN_OR_RAISE(auto file, ReadDataFile(row));
             files.push_back(std::move(file));
             return arrow::Status::OK();
           }));
  return files;
}

}  // namespace catchwater
