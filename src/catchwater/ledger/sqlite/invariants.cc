// What must hold in a ledger, whatever happened to it. Each check is a query for the rows that
// break it, told as sentences. Source: docs/formats/ledger.md, invariants.
#include <array>
#include <string>

#include "catchwater/ledger/account_laws.h"
#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

// A sentence that shows up more often is cut: a damaged ledger would fill the terminal.
constexpr int64_t kSentencesMax = 100;

constexpr std::array<std::string_view, 12> kChecks{
    "SELECT 'Position is of a commit that the clock has not reached, partition and consumer: ' || "
    "partition_id || ', ' || consumer FROM position "
    "WHERE seq > (SELECT seq FROM ledger_clock)",

    "SELECT 'Commit is beyond the clock, sequence number: ' || seq FROM commit_log "
    "WHERE seq > (SELECT seq FROM ledger_clock)",

    "SELECT 'Position is of no partition, partition and consumer: ' || partition_id || ', ' || "
    "consumer FROM position WHERE partition_id NOT IN (SELECT id FROM source_partition)",

    "SELECT 'Account is of no partition, partition: ' || partition_id FROM row_account "
    "WHERE partition_id NOT IN (SELECT id FROM source_partition) GROUP BY partition_id",

    "SELECT 'Input file is processing under no lease, path: ' || path FROM input_file f "
    "WHERE state = 'processing' AND NOT EXISTS "
    "(SELECT 1 FROM lease l WHERE l.name = f.lease AND l.epoch >= f.epoch)",

    "SELECT 'Data file is processing under no lease, path: ' || path FROM data_file f "
    "WHERE state = 'processing' AND NOT EXISTS "
    "(SELECT 1 FROM lease l WHERE l.name = f.lease AND l.epoch >= f.epoch)",

    "SELECT 'Work file has a lease but is not processing, path: ' || path FROM (SELECT path, "
    "state, "
    "lease FROM input_file UNION ALL SELECT path, state, lease FROM data_file) "
    "WHERE state <> 'processing' AND lease IS NOT NULL",

    "SELECT 'Data file is in the ledger more than once, path: ' || path FROM data_file NOT INDEXED "
    "GROUP BY path HAVING count(*) > 1",

    "SELECT 'Data file is removed before it was added, path: ' || path FROM data_file "
    "WHERE removed_seq < added_seq",

    "SELECT 'Table points to metadata of no commit, table: ' || table_namespace || '.' || "
    "table_name FROM iceberg_tables t WHERE catalog_name = 'catchwater' AND metadata_location IS "
    "NOT NULL AND NOT EXISTS (SELECT 1 FROM commit_table c "
    "WHERE c.metadata_location = t.metadata_location)",

    "WITH partition AS (SELECT id, pipeline FROM source_partition "
    "UNION SELECT partition_id, pipeline FROM input_pruned), "
    "marked AS (SELECT p.pipeline, count(*) AS letters FROM dead_letter_mark m JOIN partition p "
    "ON p.id = CAST(substr(m.dead_letter_id, 1, instr(m.dead_letter_id, ':') - 1) AS INTEGER) "
    "GROUP BY p.pipeline), dead AS (SELECT p.pipeline, sum(a.row_count) AS letters "
    "FROM row_account a JOIN source_partition p ON p.id = a.partition_id "
    "WHERE a.consumer = 'lake' AND a.bucket IN ('dead_frames', 'dead_rows') GROUP BY p.pipeline) "
    "SELECT 'More dead letters are replayed or discarded than were counted, pipeline, marked and "
    "counted: ' || m.pipeline || ', ' || m.letters || ', ' || coalesce(d.letters, 0) "
    "FROM marked m LEFT JOIN dead d ON d.pipeline = m.pipeline "
    "WHERE m.letters > coalesce(d.letters, 0)",

    // Unknown counts of a foreign commit make a table's sum null: it is not checked until the table
    // watcher has read that commit.
    "WITH committed AS (SELECT table_key, CASE WHEN count(rows_added) = count(*) "
    "THEN sum(rows_added) - sum(rows_removed) END AS row_count FROM (SELECT table_key, rows_added, "
    "rows_removed FROM commit_table UNION ALL SELECT table_key, rows_added, rows_removed "
    "FROM table_total) GROUP BY table_key), live AS (SELECT table_key, sum(row_count) AS row_count "
    "FROM data_file WHERE removed_seq IS NULL GROUP BY table_key) "
    "SELECT 'Rows of the live files are not those of the commits, table, live and committed: ' || "
    "c.table_key || ', ' || coalesce(l.row_count, 0) || ', ' || c.row_count "
    "FROM committed c LEFT JOIN live l ON l.table_key = c.table_key "
    "WHERE c.row_count IS NOT NULL AND c.row_count <> coalesce(l.row_count, 0)",
};

}  // namespace

arrow::Result<std::vector<std::string>> SqliteLedger::CheckInvariants() {
  std::vector<std::string> violations;
  const auto add = [&](const Row& row) {
    violations.push_back(row.Text(0));
    return arrow::Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(Connection connection, OpenBeside(/*is_read_only=*/true));
  ARROW_RETURN_NOT_OK(connection.Query("PRAGMA integrity_check", {}, [&](const Row& row) {
    if (row.Text(0) != "ok") violations.push_back("Database is damaged: " + row.Text(0));
    return arrow::Status::OK();
  }));
  // Cross checks on pages that do not hold together would only tell the same again.
  if (!violations.empty()) return violations;
  for (const std::string_view check : kChecks) {
    ARROW_RETURN_NOT_OK(connection.Query(std::string(check) + " LIMIT ?", {kSentencesMax}, add));
  }
  ARROW_ASSIGN_OR_RAISE(const auto account, Account(""));
  for (const Unaccounted& broken : FindUnaccounted(account)) {
    violations.push_back("Account does not add up, partition, consumer, frames and rows missing: " +
                         std::to_string(broken.partition_id) + ", " + broken.consumer + ", " +
                         std::to_string(broken.frame_count) + ", " +
                         std::to_string(broken.row_count));
  }
  return violations;
}

}  // namespace catchwater
