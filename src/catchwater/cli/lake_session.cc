#include "catchwater/cli/lake_session.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/crawl/crawl_record.h"
#include "catchwater/crawl/external_crawl.h"
#include "catchwater/io/store_path.h"
#include "catchwater/pipeline/control_server.h"

namespace catchwater {
namespace {

// DuckDB's reader of JSON has two buffers of 32 MiB a thread.
constexpr int64_t kMemoryOfTwoJsonReaders = 192 << 20;

arrow::Result<ReadPoint> ReadPointAt(Workspace& workspace, const std::string& at) {
  if (at.empty()) {
    // A running program sees rows that are in no commit yet.
    ARROW_ASSIGN_OR_RAISE(auto live, AskReadPoint(workspace.control_socket()));
    if (live) return *std::move(live);
  }
  ReadPoint point;
  ARROW_ASSIGN_OR_RAISE(const CatalogView catalog, workspace.ledger().Catalog());
  point.seq = catalog.seq;
  point.metadata_location = catalog.metadata_location;
  if (!at.empty()) {
    const LocalTime time = ToUtc(ParseIso(at));
    if (time.fault != TimeFault::kNone) {
      return BadData(
          "Time of --at cannot be read, ", TimeFaultText(time.fault), ": ", at,
          "\n  = note: forms: 2026-01-31, 2026-01-31T12:30, \"2026-01-31 12:30:05.5\", "
          "2026-01-31T12:30:05Z, 2026-01-31T12:30:05+01:00; without an offset it is UTC"
          "\n  = help: `catchwater tables --snapshots` lists the moments that there are");
    }
    point.as_of_us = time.us;
  }
  return point;
}

}  // namespace

arrow::Result<std::unique_ptr<LakeQuery>> OpenLakeSession(Workspace& workspace,
                                                          const std::string& at) {
  ARROW_ASSIGN_OR_RAISE(ReadPoint point, ReadPointAt(workspace, at));
  LakeQueryOptions options;
  options.sql.threads = 2;
  options.sql.memory_bytes_max = workspace.project().settings.memory.sql.bytes;
  options.sql.temp_directory = workspace.data_folder() + "/tmp";
  options.extension_folder = Workspace::ExtensionFolder();
  options.s3 = [&workspace] { return SqlOptionsOf(workspace.store()); };
  ARROW_ASSIGN_OR_RAISE(const auto records,
                        LoadCrawlRecords(workspace.files(), workspace.data_folder()));
  for (const auto& [table_key, record] : records) {
    if (record.shapes.empty()) continue;
    options.external[table_key] = {.select = ExternalSelect(record),
                                   .is_in_store = IsStorePath(record.root)};
    const bool is_narrow = options.sql.memory_bytes_max < kMemoryOfTwoJsonReaders;
    if (record.format == CrawlFormat::kJson && is_narrow) options.sql.threads = 1;
  }
  return LakeQuery::Open(workspace.lake(), std::move(point), options);
}

}  // namespace catchwater
