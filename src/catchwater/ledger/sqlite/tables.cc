// Catalog rows and the log of commits by table.
#include "catchwater/base/error.h"
#include "catchwater/ledger/sqlite/commit_steps.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"
#include "catchwater/ledger/sqlite/table_key.h"

namespace catchwater {

arrow::Result<std::optional<std::string>> SqliteLedger::TablePointer(const std::string& table_key) {
  const TableKey key = SplitTableKey(table_key);
  std::optional<std::string> location;
  ARROW_RETURN_NOT_OK(
      Read("SELECT metadata_location FROM iceberg_tables WHERE catalog_name = 'catchwater' "
           "AND table_namespace = ? AND table_name = ? AND metadata_location IS NOT NULL "
           "AND coalesce(iceberg_type, 'TABLE') = 'TABLE'",
           {key.table_namespace, key.table_name}, [&](const Row& row) {
             location = row.Text(0);
             return arrow::Status::OK();
           }));
  return location;
}

arrow::Result<CatalogView> SqliteLedger::Catalog() {
  CatalogView view;
  // One statement is one instant.
  ARROW_RETURN_NOT_OK(
      Read("SELECT c.seq, t.table_namespace || '.' || t.table_name, t.metadata_location "
           "FROM ledger_clock c LEFT JOIN iceberg_tables t ON t.catalog_name = 'catchwater' "
           "AND t.metadata_location IS NOT NULL AND coalesce(t.iceberg_type, 'TABLE') = 'TABLE'",
           {}, [&](const Row& row) {
             view.seq = row.Number(0);
             if (!row.IsNull(1)) view.metadata_location.emplace(row.Text(1), row.Text(2));
             return arrow::Status::OK();
           }));
  return view;
}

arrow::Result<std::vector<TableCommitRecord>> SqliteLedger::TableCommits(
    const std::string& table_key, int64_t after_seq) {
  std::vector<TableCommitRecord> commits;
  ARROW_RETURN_NOT_OK(
      Read("SELECT t.seq, l.commit_id, l.actor, l.at_us, t.metadata_location, t.operation, "
           "t.snapshot_id, t.rows_added, t.rows_removed FROM commit_table t "
           "JOIN commit_log l ON l.seq = t.seq WHERE t.table_key = ? AND t.seq > ? ORDER BY t.seq",
           {table_key, after_seq}, [&](const Row& row) {
             commits.push_back({.seq = row.Number(0),
                                .commit_id = row.Text(1),
                                .actor = row.Text(2),
                                .at_us = row.Number(3),
                                .metadata_location = row.Text(4),
                                .operation = row.Text(5),
                                .snapshot_id = row.OptionalNumber(6),
                                .rows_added = row.OptionalNumber(7),
                                .rows_removed = row.OptionalNumber(8)});
             return arrow::Status::OK();
           }));
  return commits;
}

namespace {

// A roll-back makes files current again that a later commit had removed: their rows live again.
// \return the files that the ledger does not know yet
arrow::Result<std::vector<DataFile>> ReviveFiles(Connection& connection, const PointerSwap& swap) {
  std::vector<DataFile> unknown;
  for (const DataFile& file : swap.added) {
    ARROW_ASSIGN_OR_RAISE(
        const int64_t revived,
        connection.Execute("UPDATE data_file SET removed_seq = NULL, is_unlink_queued = 0 "
                           "WHERE path = ? AND table_key = ? AND removed_seq IS NOT NULL",
                           {file.path, swap.table_key}));
    if (revived == 0) {
      unknown.push_back(file);
      continue;
    }
    ARROW_RETURN_NOT_OK(connection.Execute(
        "DELETE FROM unlink_queue WHERE path = ?1 OR 'file://' || path = ?1", {file.path}));
  }
  return unknown;
}

}  // namespace

arrow::Status SqliteLedger::RecordForeignCommit(const std::string& metadata_location,
                                                const PointerSwap& what_it_did) {
  return Write([&](Connection& connection) -> arrow::Status {
    std::optional<int64_t> seq;
    bool is_recorded = false;
    ARROW_RETURN_NOT_OK(connection.Query(
        "SELECT seq, rows_added FROM commit_table WHERE metadata_location = ? AND table_key = ? "
        "AND operation = 'foreign'",
        {metadata_location, what_it_did.table_key}, [&](const Row& row) {
          seq = row.Number(0);
          is_recorded = !row.IsNull(1);
          return arrow::Status::OK();
        }));
    if (!seq) {
      return NotFound("There is no foreign commit with this metadata location: ",
                      metadata_location);
    }
    if (is_recorded) return arrow::Status::OK();  // Another watcher was quicker.
    ARROW_RETURN_NOT_OK(connection.Execute(
        "UPDATE commit_table SET snapshot_id = ?, schema_id = ?, rows_added = ?, "
        "rows_removed = ? WHERE metadata_location = ?",
        {what_it_did.snapshot_id, what_it_did.schema_id, what_it_did.rows_added,
         what_it_did.rows_removed, metadata_location}));
    // Sinks skip files that a replace adds, whoever made it.
    const std::string_view added_by = what_it_did.operation == "replace" ? "replace" : "foreign";
    PointerSwap change = what_it_did;
    ARROW_ASSIGN_OR_RAISE(change.added, ReviveFiles(connection, what_it_did));
    ARROW_ASSIGN_OR_RAISE(
        const Outcome outcome,
        CommitSteps::ChangeFiles(connection, change, *seq, added_by, clock_.NowMicros()));
    if (outcome == Outcome::kCommitted) return arrow::Status::OK();
    return NotFound("A foreign commit removes a file that is not live in the ledger, metadata: ",
                    metadata_location);
  });
}

}  // namespace catchwater
