#include "catchwater/ledger/sqlite/prune.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace catchwater {
namespace {

// A commit beside it waits for one such share: a few milliseconds.
constexpr int64_t kRowsMax = 500;
constexpr int64_t kInputsMax = 100;  // Each of them is about ten rows in other tables.

// Rows of commits before this sequence number may go. What a live sink has not delivered stays.
arrow::Result<int64_t> SeqLimit(Connection& connection, int64_t older_than_us) {
  ARROW_ASSIGN_OR_RAISE(
      auto limit,
      connection.QueryNumber("SELECT seq FROM commit_log WHERE at_us >= ? ORDER BY seq LIMIT 1",
                             {older_than_us}));
  if (!limit) {
    ARROW_ASSIGN_OR_RAISE(limit, connection.QueryNumber("SELECT max(seq) + 1 FROM commit_log"));
  }
  ARROW_ASSIGN_OR_RAISE(
      const auto delivered,
      connection.QueryNumber("SELECT min(seq) FROM delivery WHERE state <> 'resync'"));
  const int64_t seq = limit.value_or(0);
  return delivered ? std::min(seq, *delivered) : seq;
}

// The last sequence number of one share: the condition holds for at most kRowsMax rows up to it.
arrow::Result<int64_t> ShareEnd(Connection& connection, const std::string& table_and_condition,
                                int64_t seq_limit) {
  ARROW_ASSIGN_OR_RAISE(
      const auto end,
      connection.QueryNumber("SELECT max(seq) FROM (SELECT seq FROM " + table_and_condition +
                                 " AND seq < ? ORDER BY seq LIMIT ?)",
                             {seq_limit, kRowsMax}));
  return end.value_or(-1);
}

arrow::Result<int64_t> PruneFeed(Connection& connection, int64_t older_than_us) {
  ARROW_ASSIGN_OR_RAISE(const int64_t limit, SeqLimit(connection, older_than_us));
  ARROW_ASSIGN_OR_RAISE(const int64_t end, ShareEnd(connection, "change_feed WHERE 1", limit));
  return connection.Execute("DELETE FROM change_feed WHERE seq <= ?", {end});
}

// Files that left their table and that the janitor has taken over.
arrow::Result<int64_t> PruneDataFiles(Connection& connection, int64_t older_than_us) {
  ARROW_ASSIGN_OR_RAISE(const int64_t limit, SeqLimit(connection, older_than_us));
  return connection.Execute(
      "DELETE FROM data_file WHERE id IN (SELECT d.id FROM data_file d WHERE d.removed_seq < ? "
      "AND d.state IN ('done', 'failed') AND d.is_unlink_queued = 1 LIMIT ?)",
      {limit, kRowsMax});
}

// Commits by table: their sums go to table_total, so that the law of rows still holds. The row of
// the present pointer stays, because the triggers look for it, and so does a foreign commit whose
// counts are not known yet.
arrow::Result<int64_t> PruneTableCommits(Connection& connection, int64_t older_than_us) {
  static const std::string kPrunable =
      "rows_added IS NOT NULL AND metadata_location NOT IN "
      "(SELECT metadata_location FROM iceberg_tables WHERE metadata_location IS NOT NULL)";
  ARROW_ASSIGN_OR_RAISE(const int64_t limit, SeqLimit(connection, older_than_us));
  ARROW_ASSIGN_OR_RAISE(const int64_t end,
                        ShareEnd(connection, "commit_table WHERE " + kPrunable, limit));
  int64_t pruned = 0;
  std::map<std::string, std::pair<int64_t, int64_t>> sums;
  ARROW_RETURN_NOT_OK(connection.Query("DELETE FROM commit_table WHERE seq <= ? AND " + kPrunable +
                                           " RETURNING table_key, rows_added, rows_removed",
                                       {end}, [&](const Row& row) {
                                         auto& [added, removed] = sums[row.Text(0)];
                                         added += row.Number(1);
                                         removed += row.Number(2);
                                         ++pruned;
                                         return arrow::Status::OK();
                                       }));
  for (const auto& [table_key, sum] : sums) {
    ARROW_RETURN_NOT_OK(
        connection.Execute("INSERT INTO table_total (table_key, is_ours, rows_added, rows_removed) "
                           "VALUES (?, 0, ?, ?) ON CONFLICT (table_key) DO UPDATE SET "
                           "rows_added = rows_added + excluded.rows_added, "
                           "rows_removed = rows_removed + excluded.rows_removed",
                           {table_key, sum.first, sum.second}));
  }
  return pruned;
}

// After the others: they find their limit by its times. What became of dead letters keeps its time.
arrow::Result<int64_t> PruneLog(Connection& connection, int64_t older_than_us) {
  static const std::string kPrunable =
      "actor NOT LIKE 'replay/%' AND actor NOT LIKE 'discard/%' AND "
      "NOT EXISTS (SELECT 1 FROM commit_table t WHERE t.seq = commit_log.seq)";
  ARROW_ASSIGN_OR_RAISE(const int64_t limit, SeqLimit(connection, older_than_us));
  ARROW_ASSIGN_OR_RAISE(const int64_t end,
                        ShareEnd(connection, "commit_log WHERE " + kPrunable, limit));
  return connection.Execute("DELETE FROM commit_log WHERE seq <= ? AND " + kPrunable, {end});
}

// Where the account of a source's pruned inputs goes on.
arrow::Result<int64_t> SumPartition(Connection& connection, int64_t partition_id) {
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO source_partition (pipeline, source, name, incarnation, state) "
      "SELECT pipeline, source, '(pruned)', '', 'gone' FROM source_partition WHERE id = ? "
      "ON CONFLICT DO NOTHING",
      {partition_id}));
  ARROW_ASSIGN_OR_RAISE(
      const auto sum,
      connection.QueryNumber("SELECT b.id FROM source_partition a JOIN source_partition b "
                             "ON b.pipeline = a.pipeline AND b.source = a.source "
                             "AND b.name = '(pruned)' AND b.incarnation = '' WHERE a.id = ?",
                             {partition_id}));
  return sum.value_or(0);
}

arrow::Status PruneInput(Connection& connection, int64_t partition_id) {
  ARROW_ASSIGN_OR_RAISE(const int64_t sum_id, SumPartition(connection, partition_id));
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO input_pruned (partition_id, pipeline, source, path, byte_count, head_hash, "
      "full_hash) SELECT f.partition_id, s.pipeline, s.source, f.path, f.byte_count, f.head_hash, "
      "f.full_hash FROM input_file f JOIN source_partition s ON s.id = f.partition_id "
      "WHERE f.partition_id = ?",
      {partition_id}));
  ARROW_RETURN_NOT_OK(connection.Execute(
      "INSERT INTO row_account (partition_id, consumer, bucket, reason, row_count) "
      "SELECT ?, consumer, bucket, reason, row_count FROM row_account WHERE partition_id = ? "
      "ON CONFLICT (partition_id, consumer, bucket, reason) "
      "DO UPDATE SET row_count = row_count + excluded.row_count",
      {sum_id, partition_id}));
  for (const std::string_view sql : {"DELETE FROM row_account WHERE partition_id = ?",
                                     "DELETE FROM position WHERE partition_id = ?",
                                     "DELETE FROM input_file WHERE partition_id = ?",
                                     "DELETE FROM source_partition WHERE id = ?"}) {
    ARROW_RETURN_NOT_OK(connection.Execute(sql, {partition_id}));
  }
  return arrow::Status::OK();
}

// Growing files stay: they may go on after a year.
arrow::Result<int64_t> PruneInputs(Connection& connection, int64_t older_than_us) {
  std::vector<int64_t> partition_ids;
  ARROW_RETURN_NOT_OK(connection.Query(
      "SELECT partition_id FROM input_file WHERE state = 'done' AND finished_us < ? "
      "AND is_growing = 0 LIMIT ?",
      {older_than_us, kInputsMax}, [&](const Row& row) {
        partition_ids.push_back(row.Number(0));
        return arrow::Status::OK();
      }));
  for (const int64_t id : partition_ids) ARROW_RETURN_NOT_OK(PruneInput(connection, id));
  return static_cast<int64_t>(partition_ids.size());
}

constexpr std::array<PruneStep, 5> kSteps{PruneFeed, PruneDataFiles, PruneInputs, PruneTableCommits,
                                          PruneLog};

}  // namespace

std::span<const PruneStep> AllPruneSteps() { return kSteps; }

}  // namespace catchwater
