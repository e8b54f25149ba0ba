#include "catchwater/lake/foreign_watch.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/lake/live_set.h"

namespace catchwater {
namespace {

constexpr int64_t kCommitsAtOnce = 1'000;
constexpr int kReconcileAttempts = 10;

/// The summary's operation of the current snapshot, if it is another than before.
std::string OperationOf(const TableState& table, const TableState* before) {
  const Snapshot* now = table.metadata->current_snapshot();
  if (now == nullptr) return "metadata";
  const bool is_same = before != nullptr &&
                       before->metadata->current_snapshot_id == table.metadata->current_snapshot_id;
  if (is_same) return "metadata";
  const auto found = now->summary.find("operation");
  return found == now->summary.end() ? "overwrite" : found->second;
}

PointerSwap SwapOf(const TableState& table, const TableState* before, LiveDifference difference) {
  PointerSwap swap;
  swap.table_key = table.table_key;
  swap.next = table.location;
  swap.operation = OperationOf(table, before);
  swap.schema_id = table.metadata->current_schema_id;
  if (swap.operation != "metadata") {
    swap.snapshot_id = table.metadata->current_snapshot_id.value_or(0);
  }
  for (const DataFile& file : difference.added) swap.rows_added += file.row_count;
  swap.rows_removed = difference.removed_rows;
  swap.added = std::move(difference.added);
  swap.removed = std::move(difference.removed);
  return swap;
}

void Count(const PointerSwap& swap, ForeignReport* report) {
  ++report->commits;
  report->files_added += static_cast<int64_t>(swap.added.size());
  report->files_removed += static_cast<int64_t>(swap.removed.size());
  report->rows_added += swap.rows_added;
  report->rows_removed += swap.rows_removed;
}

class ForeignReader {
 public:
  explicit ForeignReader(Lake& lake) : lake_(lake) {}

  /// All unread commits of one table, oldest first.
  arrow::Status ReadTable(const std::vector<ForeignCommitRecord>& commits) {
    for (size_t i = 0; i < commits.size(); ++i) {
      const arrow::Status status = ReadCommit(commits[i]);
      if (status.ok()) continue;
      if (KindOf(status) != ErrorKind::kNotFound) return status;
      // Metadata that lay between is gone by now, or the ledger does not agree: the rest is told as
      // one difference, between what the ledger has and what the table is.
      return Reconcile({commits.begin() + static_cast<std::ptrdiff_t>(i), commits.end()});
    }
    return arrow::Status::OK();
  }

  const ForeignReport& report() const { return report_; }

 private:
  arrow::Status ReadCommit(const ForeignCommitRecord& commit) {
    ARROW_ASSIGN_OR_RAISE(const auto next,
                          lake_.LoadAt(commit.table_key, commit.metadata_location));
    std::shared_ptr<const TableState> before;
    // After a drop the table begins anew.
    if (commit.previous_location && !commit.previous_location->starts_with("drop:")) {
      ARROW_ASSIGN_OR_RAISE(before, lake_.LoadAt(commit.table_key, *commit.previous_location));
    }
    ARROW_ASSIGN_OR_RAISE(LiveDifference difference, Difference(lake_, before.get(), *next));
    return Record(commit, SwapOf(*next, before.get(), std::move(difference)));
  }

  arrow::Status Record(const ForeignCommitRecord& commit, const PointerSwap& swap) {
    ARROW_RETURN_NOT_OK(lake_.ledger().RecordForeignCommit(commit.metadata_location, swap));
    Count(swap, &report_);
    return arrow::Status::OK();
  }

  arrow::Status Reconcile(const std::vector<ForeignCommitRecord>& commits) {
    const std::string& table_key = commits.front().table_key;
    for (int attempt = 0; attempt < kReconcileAttempts; ++attempt) {
      ARROW_ASSIGN_OR_RAISE(const auto table, lake_.LoadTable(table_key));
      ARROW_ASSIGN_OR_RAISE(const LiveSet live, ReadLiveSet(lake_, *table));
      WorkQuery query;
      query.table_key = table_key;
      query.live_only = true;
      query.limit = INT64_MAX;
      ARROW_ASSIGN_OR_RAISE(const auto records, lake_.ledger().DataFiles(query));
      ARROW_ASSIGN_OR_RAISE(const auto pointer, lake_.ledger().TablePointer(table_key));
      if (pointer != table->location) continue;  // A commit came between the two.
      ARROW_ASSIGN_OR_RAISE(LiveDifference difference,
                            DifferenceToLedger(lake_, *table, live, records));
      ARROW_RETURN_NOT_OK(Record(commits.front(), SwapOf(*table, nullptr, std::move(difference))));
      for (size_t i = 1; i < commits.size(); ++i) {
        PointerSwap nothing;
        nothing.table_key = table_key;
        nothing.operation = "metadata";
        ARROW_RETURN_NOT_OK(Record(commits[i], nothing));
      }
      return arrow::Status::OK();
    }
    return Conflict("Table changes too quickly to compare it with the ledger: ", table_key);
  }

  Lake& lake_;
  ForeignReport report_;
};

}  // namespace

arrow::Result<ForeignReport> ReadForeignCommits(Lake& lake) {
  ARROW_ASSIGN_OR_RAISE(const auto unread, lake.ledger().UnreadForeignCommits(kCommitsAtOnce));
  std::map<std::string, std::vector<ForeignCommitRecord>> by_table;
  for (const ForeignCommitRecord& commit : unread) by_table[commit.table_key].push_back(commit);
  ForeignReader reader(lake);
  arrow::Status first;
  for (const auto& [table_key, commits] : by_table) {
    const arrow::Status status = reader.ReadTable(commits);
    if (first.ok() && !status.ok()) {
      first = WithContext(status, "Foreign commit of table " + table_key);
    }
  }
  ARROW_RETURN_NOT_OK(first);
  return reader.report();
}

}  // namespace catchwater
