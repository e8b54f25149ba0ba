#include "catchwater/lake/retention.h"

#include <utility>
#include <vector>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/rewrite_change.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

constexpr int64_t kFilesPerCommit = 1'000;

arrow::Result<std::vector<DataFileRecord>> ExpiredFiles(Lake& lake, const std::string& table_key,
                                                        int64_t before_us) {
  WorkQuery query;
  query.table_key = table_key;
  query.live_only = true;
  query.event_us_max_below = before_us;
  query.limit = kFilesPerCommit;
  ARROW_ASSIGN_OR_RAISE(auto files, lake.ledger().DataFiles(query));
  // A file that is being merged comes back in a merged one.
  std::erase_if(files,
                [](const DataFileRecord& file) { return file.state == WorkState::kProcessing; });
  return files;
}

}  // namespace

arrow::Result<RetentionReport> RemoveExpiredFiles(Lake& lake, const std::string& owner,
                                                  const std::string& table_key, int64_t retain_ms,
                                                  std::stop_token stop) {
  RetentionReport report;
  const int64_t before_us = lake.clock().NowMicros() - retain_ms * 1000;
  ARROW_ASSIGN_OR_RAISE(auto files, ExpiredFiles(lake, table_key, before_us));
  if (files.empty()) return report;
  ARROW_ASSIGN_OR_RAISE(const auto lease, UpkeepLease::Take(lake, table_key, owner));
  while (lease && !files.empty() && !stop.stop_requested()) {
    RewriteRequest request{.table_key = table_key,
                           .operation = "delete",
                           .removed = {},
                           .added = {},
                           .fail_points = {.metadata_written = FailPoint::kExpireMetadataWritten}};
    int64_t row_count = 0;
    for (const DataFileRecord& file : files) {
      request.removed.insert(file.file.path);
      row_count += file.file.row_count;
    }
    RewriteChange change(lake, std::move(request));
    ARROW_RETURN_NOT_OK(CommitUpkeep(lake, change, lease->fence()));
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kExpireCommitted));
    report.files_removed += static_cast<int64_t>(files.size());
    report.rows_removed += row_count;
    ARROW_ASSIGN_OR_RAISE(files, ExpiredFiles(lake, table_key, before_us));
  }
  return report;
}

}  // namespace catchwater
