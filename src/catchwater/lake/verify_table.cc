#include "catchwater/lake/verify_table.h"

#include <map>
#include <set>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/lake/manifest_cache.h"

namespace catchwater {
namespace {

struct LiveFile {
  int64_t row_count = 0;
  int64_t byte_count = 0;
};

/// Live data files by path; a path that stands in two live entries is a violation.
arrow::Result<std::map<std::string, LiveFile>> LiveFiles(Lake& lake, const TableState& table,
                                                         TableVerdict* verdict) {
  std::map<std::string, LiveFile> live;
  const Snapshot* snapshot = table.metadata->current_snapshot();
  if (snapshot == nullptr) return live;
  ARROW_ASSIGN_OR_RAISE(const auto manifests, lake.manifests().List(snapshot->manifest_list));
  for (const ManifestFile& manifest : *manifests) {
    if (manifest.is_deletes) continue;
    const PartitionSpec* spec = table.metadata->SpecById(manifest.spec_id);
    if (spec == nullptr) {
      verdict->violations.push_back("Manifest has an unknown partition spec: " + manifest.path);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(const auto entries, lake.manifests().Entries(
                                                  manifest, table.metadata->schema(), *spec));
    for (const ManifestEntry& entry : *entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      const LiveFile file{entry.file.record_count, entry.file.file_byte_count};
      if (!live.emplace(entry.file.path, file).second) {
        verdict->violations.push_back("Data file stands in two live entries: " + entry.file.path);
      }
      verdict->rows_in_files += entry.file.record_count;
    }
  }
  return live;
}

arrow::Status CheckFilesOnDisk(Lake& lake, const std::map<std::string, LiveFile>& live,
                               const VerifyOptions& options, TableVerdict* verdict) {
  for (const auto& [uri, file] : live) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(uri));
    const auto found = lake.files().Stat(path);
    if (!found.ok()) {
      verdict->violations.push_back("Data file is not there: " + path);
    } else if (found->byte_count != file.byte_count) {
      verdict->violations.push_back("Data file has " + std::to_string(found->byte_count) +
                                    " bytes instead of " + std::to_string(file.byte_count) + ": " +
                                    path);
    } else if (options.reads_footers) {
      ARROW_ASSIGN_OR_RAISE(const auto opened, lake.files().OpenInput(path));
      const auto footer = ReadFooterMetrics(opened);
      if (!footer.ok()) {
        verdict->violations.push_back("Data file is damaged: " + path + ": " +
                                      footer.status().message());
      } else if (footer->row_count != file.row_count) {
        verdict->violations.push_back("Data file holds " + std::to_string(footer->row_count) +
                                      " rows instead of " + std::to_string(file.row_count) + ": " +
                                      path);
      }
    }
  }
  return arrow::Status::OK();
}

arrow::Status CompareWithLedger(Lake& lake, const std::map<std::string, LiveFile>& live,
                                TableVerdict* verdict) {
  WorkQuery query;
  query.table_key = verdict->table_key;
  query.live_only = true;
  query.limit = INT64_MAX;
  ARROW_ASSIGN_OR_RAISE(const auto records, lake.ledger().DataFiles(query));
  std::set<std::string> known;
  for (const DataFileRecord& record : records) {
    known.insert(record.file.path);
    const auto found = live.find(record.file.path);
    if (found == live.end()) {
      verdict->violations.push_back("Ledger has a live data file that the table lacks: " +
                                    record.file.path);
    } else if (found->second.row_count != record.file.row_count) {
      verdict->violations.push_back("Ledger and manifest disagree on a file's rows: " +
                                    record.file.path);
    }
  }
  for (const auto& [path, file] : live) {
    if (!known.contains(path)) {
      verdict->violations.push_back("Table has a data file that the ledger lacks: " + path);
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto commits,
                        lake.ledger().TableCommits(verdict->table_key, /*after_seq=*/0));
  for (const TableCommitRecord& commit : commits) {
    verdict->rows_in_ledger += commit.rows_added.value_or(0) - commit.rows_removed.value_or(0);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<TableVerdict> VerifyTable(Lake& lake, const std::string& table_key,
                                        const VerifyOptions& options) {
  TableVerdict verdict{.table_key = table_key};
  ARROW_ASSIGN_OR_RAISE(const auto table, lake.LoadTable(table_key));
  verdict.rows_in_snapshot = table->record_count();
  ARROW_ASSIGN_OR_RAISE(const auto live, LiveFiles(lake, *table, &verdict));
  verdict.data_files = static_cast<int64_t>(live.size());
  ARROW_RETURN_NOT_OK(CheckFilesOnDisk(lake, live, options, &verdict));
  ARROW_RETURN_NOT_OK(CompareWithLedger(lake, live, &verdict));
  if (verdict.rows_in_files != verdict.rows_in_snapshot) {
    verdict.violations.push_back(
        "Snapshot says " + std::to_string(verdict.rows_in_snapshot) + " rows, its files hold " +
        std::to_string(verdict.rows_in_files) + ": " + table_key);
  }
  if (verdict.rows_in_ledger != verdict.rows_in_files) {
    verdict.violations.push_back(
        "Commits added up to " + std::to_string(verdict.rows_in_ledger) + " rows, the files hold " +
        std::to_string(verdict.rows_in_files) + ": " + table_key);
  }
  return verdict;
}

}  // namespace catchwater
