#include "catchwater/lake/verify_table.h"

#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/lake/foreign_watch.h"
#include "catchwater/lake/live_set.h"
#include "catchwater/lake/manifest_cache.h"

namespace catchwater {
namespace {

constexpr int kAttemptsMax = 20;

/// Table and ledger at one instant.
struct Instant {
  std::shared_ptr<const TableState> table;
  std::vector<DataFileRecord> records;
  TableRowCounts counts;
};

arrow::Result<Instant> TakeInstant(Lake& lake, const std::string& table_key) {
  WorkQuery query;
  query.table_key = table_key;
  query.live_only = true;
  query.limit = INT64_MAX;
  for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
    ARROW_RETURN_NOT_OK(ReadForeignCommits(lake).status());
    Instant instant;
    ARROW_ASSIGN_OR_RAISE(instant.table, lake.LoadTable(table_key));
    ARROW_ASSIGN_OR_RAISE(instant.records, lake.ledger().DataFiles(query));
    ARROW_ASSIGN_OR_RAISE(instant.counts, lake.ledger().RowCounts(table_key));
    // Files and counts change with the pointer only.
    ARROW_ASSIGN_OR_RAISE(const auto pointer, lake.ledger().TablePointer(table_key));
    if (pointer == instant.table->location) return instant;
  }
  return Unavailable("Table changes too quickly to be verified: ", table_key);
}

/// What each row of the manifest list says of its manifest.
arrow::Status CheckManifests(Lake& lake, const TableState& table,
                             std::vector<std::string>* violations) {
  const Snapshot* snapshot = table.metadata->current_snapshot();
  if (snapshot == nullptr) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto manifests, lake.manifests().List(snapshot->manifest_list));
  for (const ManifestFile& manifest : *manifests) {
    const PartitionSpec* spec = table.metadata->SpecById(manifest.spec_id);
    if (spec == nullptr) {
      violations->push_back("Manifest has an unknown partition spec: " + manifest.path);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const auto entries,
                          lake.manifests().Entries(manifest, table.metadata->schema(), *spec));
    int64_t live_files = 0;
    int64_t live_rows = 0;
    for (const ManifestEntry& entry : *entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      ++live_files;
      live_rows += entry.file.record_count;
    }
    const int64_t listed_rows = manifest.added_rows + manifest.existing_rows;
    if (live_files != manifest.live_files() || live_rows != listed_rows) {
      violations->push_back("Manifest list says " + std::to_string(manifest.live_files()) +
                            " files and " + std::to_string(listed_rows) +
                            " rows, the manifest has " + std::to_string(live_files) + " and " +
                            std::to_string(live_rows) + ": " + manifest.path);
    }
  }
  return arrow::Status::OK();
}

arrow::Status CheckFooter(Lake& lake, const std::string& path, int64_t row_count,
                          std::vector<std::string>* violations) {
  ARROW_ASSIGN_OR_RAISE(const auto opened, lake.files().OpenInput(path));
  const auto footer = ReadFooterMetrics(opened);
  if (!footer.ok()) {
    violations->push_back("Data file is damaged: " + path + ": " + footer.status().message());
  } else if (footer->row_count != row_count) {
    violations->push_back("Data file holds " + std::to_string(footer->row_count) +
                          " rows instead of " + std::to_string(row_count) + ": " + path);
  }
  return arrow::Status::OK();
}

arrow::Status CheckFilesOnDisk(Lake& lake, const LiveSet& live, const VerifyOptions& options,
                               std::vector<std::string>* violations) {
  for (const auto& [uri, file] : live.files) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(uri));
    const auto found = lake.files().Stat(path);
    if (!found.ok()) {
      violations->push_back("Data file is not there: " + path);
    } else if (found->byte_count != file.entry.file_byte_count) {
      violations->push_back("Data file has " + std::to_string(found->byte_count) +
                            " bytes instead of " + std::to_string(file.entry.file_byte_count) +
                            ": " + path);
    } else if (options.reads_footers) {
      ARROW_RETURN_NOT_OK(CheckFooter(lake, path, file.entry.record_count, violations));
    }
  }
  return arrow::Status::OK();
}

void CompareFiles(const LiveSet& live, const std::vector<DataFileRecord>& records,
                  std::vector<std::string>* violations) {
  std::set<std::string> known;
  for (const DataFileRecord& record : records) {
    known.insert(record.file.path);
    const auto found = live.files.find(record.file.path);
    if (found == live.files.end()) {
      violations->push_back("Ledger has a live data file that the table lacks: " +
                            record.file.path);
    } else if (found->second.entry.record_count != record.file.row_count) {
      violations->push_back(
          "Ledger says " + std::to_string(record.file.row_count) + " rows, the manifest " +
          std::to_string(found->second.entry.record_count) + ": " + record.file.path);
    }
  }
  for (const auto& [path, file] : live.files) {
    if (!known.contains(path)) {
      violations->push_back("Table has a data file that the ledger lacks: " + path);
    }
  }
}

void CompareRows(TableVerdict* verdict) {
  if (verdict->rows_in_files != verdict->rows_in_snapshot) {
    verdict->violations.push_back(
        "Snapshot says " + std::to_string(verdict->rows_in_snapshot) + " rows, its files hold " +
        std::to_string(verdict->rows_in_files) + ": " + verdict->table_key);
  }
  if (verdict->rows_in_ledger != verdict->rows_in_files) {
    verdict->violations.push_back("Commits added up to " + std::to_string(verdict->rows_in_ledger) +
                                  " rows, the files hold " +
                                  std::to_string(verdict->rows_in_files) + ": " +
                                  verdict->table_key);
  }
}

}  // namespace

arrow::Result<TableVerdict> VerifyTable(Lake& lake, const std::string& table_key,
                                        const VerifyOptions& options) {
  TableVerdict verdict{.table_key = table_key};
  ARROW_ASSIGN_OR_RAISE(const Instant instant, TakeInstant(lake, table_key));
  ARROW_RETURN_NOT_OK(CheckManifests(lake, *instant.table, &verdict.violations));
  ARROW_ASSIGN_OR_RAISE(const LiveSet live, ReadLiveSet(lake, *instant.table));
  for (const std::string& path : live.doubled) {
    verdict.violations.push_back("Data file stands in two live entries: " + path);
  }
  if (live.delete_files > 0) {
    verdict.violations.push_back(
        "Table has row-level delete files of another program, which are not applied: " + table_key);
  }
  verdict.data_files = static_cast<int64_t>(live.files.size());
  for (const auto& [path, file] : live.files) verdict.rows_in_files += file.entry.record_count;
  verdict.rows_in_snapshot = instant.table->record_count();
  verdict.rows_in_ledger = instant.counts.rows_added - instant.counts.rows_removed;
  verdict.foreign_rows = instant.counts.foreign_rows_added - instant.counts.foreign_rows_removed;
  ARROW_RETURN_NOT_OK(CheckFilesOnDisk(lake, live, options, &verdict.violations));
  CompareFiles(live, instant.records, &verdict.violations);
  CompareRows(&verdict);
  return verdict;
}

}  // namespace catchwater
