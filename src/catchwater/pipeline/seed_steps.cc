#include "catchwater/pipeline/seed_steps.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/scan.h"

namespace catchwater {
namespace {

/// Paths of the data files that hold the rows a step asks for: newest event times first, until
/// there are enough rows or the rest is too old.
arrow::Result<std::set<std::string>> PathsFor(Lake& lake, const std::string& table_key,
                                              const Step::SeedRequest& request) {
  WorkQuery query;
  query.table_key = table_key;
  query.live_only = true;
  query.limit = std::numeric_limits<int64_t>::max();
  ARROW_ASSIGN_OR_RAISE(auto records, lake.ledger().DataFiles(query));
  // A file without event times may hold anything.
  auto newest_us = [](const DataFileRecord& record) {
    return record.file.event_us_max.value_or(std::numeric_limits<int64_t>::max());
  };
  std::ranges::sort(records, std::ranges::greater(), newest_us);
  int64_t greatest_us = std::numeric_limits<int64_t>::min();
  for (const DataFileRecord& record : records) {
    if (record.file.event_us_max) greatest_us = std::max(greatest_us, *record.file.event_us_max);
  }
  std::set<std::string> paths;
  int64_t row_count = 0;
  for (const DataFileRecord& record : records) {
    if (row_count >= request.row_count_max) break;
    const bool is_too_old = record.file.event_us_max &&
                            request.within_us < std::numeric_limits<int64_t>::max() &&
                            *record.file.event_us_max < greatest_us - request.within_us;
    if (is_too_old) break;
    paths.insert(record.file.path);
    row_count += record.file.row_count;
  }
  return paths;
}

arrow::Status SeedStep(Lake& lake, const TableState& table, const Step::SeedRequest& request,
                       Step& step) {
  for (const std::string& column : request.columns) {
    if (table.schema->GetFieldByName(column) != nullptr) continue;
    return ConfigError(
        "A step that remembers rows needs its columns in the table, to go on after a restart, "
        "table and column: ",
        table.table_key, " ", column);
  }
  ARROW_ASSIGN_OR_RAISE(const auto paths, PathsFor(lake, table.table_key, request));
  ARROW_ASSIGN_OR_RAISE(auto files, LiveFiles(lake, table));
  std::erase_if(files, [&](const LiveFile& file) { return !paths.contains(file.entry.file.path); });
  if (files.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, table, files, request.columns));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(step.Seed(*rows));
  }
}

}  // namespace

arrow::Status SeedSteps(Lake& lake, const std::string& table_key, StatefulTail& tail) {
  for (const auto& step : tail.steps) {
    const auto request = step->seed_request();
    if (!request) continue;
    ARROW_ASSIGN_OR_RAISE(const auto table, lake.LoadTable(table_key));
    ARROW_RETURN_NOT_OK(SeedStep(lake, *table, *request, *step));
    step->Committed();
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
