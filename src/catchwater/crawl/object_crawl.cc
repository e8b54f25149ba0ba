#include "catchwater/crawl/object_crawl.h"

#include <map>
#include <memory>
#include <utility>

#include <arrow/array.h>
#include <arrow/builder.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/append_change.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/scan.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

constexpr size_t kRowsMax = 10'000;  // In a commit.

struct ObjectRow {
  std::string path;
  int64_t byte_count = 0;
  std::string sha256;
  std::string media_type;
  int64_t modified_us = 0;
  int64_t registered_us = 0;
  int64_t revision = 0;
  bool is_retracted = false;
};
using Registered = std::map<std::string, ObjectRow>;

std::shared_ptr<arrow::Schema> ObjectSchema() {
  const auto time = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  return arrow::schema({arrow::field("path", arrow::utf8(), /*nullable=*/false),
                        arrow::field("size", arrow::int64()), arrow::field("sha256", arrow::utf8()),
                        arrow::field("media_type", arrow::utf8()),
                        arrow::field("modified_at", time), arrow::field("registered_at", time),
                        arrow::field("revision", arrow::int64(), /*nullable=*/false),
                        arrow::field("retracted", arrow::boolean(), /*nullable=*/false)});
}

TableSpec SpecOf(const ObjectCrawl& crawl) {
  return {.table_key = crawl.table_key,
          .schema = ObjectSchema(),
          .partition = {},
          .sort = {},
          .properties = {{kObjectsOfProperty, crawl.root}, {"catchwater.result-key", "path"}},
          .event_time_column = {}};
}

/// The table as it is; null: not there yet.
arrow::Result<std::shared_ptr<const TableState>> Existing(Lake& lake, const ObjectCrawl& crawl) {
  auto table = lake.LoadTable(crawl.table_key);
  if (!table.ok()) {
    if (KindOf(table.status()) == ErrorKind::kNotFound) return nullptr;
    return table.status();
  }
  const auto root = (*table)->metadata->properties.find(kObjectsOfProperty);
  if (root == (*table)->metadata->properties.end() || root->second != crawl.root) {
    return ConfigError(
        "Table exists and does not have the objects of this folder; give --namespace. Table and "
        "folder: ",
        crawl.table_key, ", ", crawl.root);
  }
  return *table;
}

/// The last revision of each path.
arrow::Result<Registered> ReadRegistered(Lake& lake, const TableState* table) {
  Registered registered;
  if (table == nullptr || table->metadata->current_snapshot() == nullptr) return registered;
  ARROW_ASSIGN_OR_RAISE(const auto files, LiveFiles(lake, *table));
  if (files.empty()) return registered;
  ARROW_ASSIGN_OR_RAISE(const auto reader, ReadRows(lake, *table, files,
                                                    {"path", "size", "sha256", "media_type",
                                                     "modified_at", "revision", "retracted"}));
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const auto rows, reader->Next());
    if (rows == nullptr) return registered;
    const auto& paths = static_cast<const arrow::StringArray&>(*rows->column(0));
    const auto& sizes = static_cast<const arrow::Int64Array&>(*rows->column(1));
    const auto& hashes = static_cast<const arrow::StringArray&>(*rows->column(2));
    const auto& types = static_cast<const arrow::StringArray&>(*rows->column(3));
    const auto& times = static_cast<const arrow::TimestampArray&>(*rows->column(4));
    const auto& revisions = static_cast<const arrow::Int64Array&>(*rows->column(5));
    const auto& retracted = static_cast<const arrow::BooleanArray&>(*rows->column(6));
    for (int64_t i = 0; i < rows->num_rows(); ++i) {
      ObjectRow& row = registered[paths.GetString(i)];
      if (row.revision >= revisions.Value(i)) continue;
      row = {.path = paths.GetString(i),
             .byte_count = sizes.Value(i),
             .sha256 = hashes.GetString(i),
             .media_type = types.GetString(i),
             .modified_us = times.Value(i),
             .revision = revisions.Value(i),
             .is_retracted = retracted.Value(i)};
    }
  }
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const std::vector<ObjectRow>& rows) {
  const auto schema = ObjectSchema();
  arrow::StringBuilder path;
  arrow::Int64Builder size;
  arrow::StringBuilder sha256;
  arrow::StringBuilder media_type;
  arrow::TimestampBuilder modified(schema->field(4)->type(), arrow::default_memory_pool());
  arrow::TimestampBuilder registered(schema->field(5)->type(), arrow::default_memory_pool());
  arrow::Int64Builder revision;
  arrow::BooleanBuilder retracted;
  for (const ObjectRow& row : rows) {
    ARROW_RETURN_NOT_OK(path.Append(row.path));
    ARROW_RETURN_NOT_OK(size.Append(row.byte_count));
    ARROW_RETURN_NOT_OK(sha256.Append(row.sha256));
    ARROW_RETURN_NOT_OK(media_type.Append(row.media_type));
    ARROW_RETURN_NOT_OK(modified.Append(row.modified_us));
    ARROW_RETURN_NOT_OK(registered.Append(row.registered_us));
    ARROW_RETURN_NOT_OK(revision.Append(row.revision));
    ARROW_RETURN_NOT_OK(retracted.Append(row.is_retracted));
  }
  arrow::ArrayVector columns;
  for (arrow::ArrayBuilder* builder : std::initializer_list<arrow::ArrayBuilder*>{
           &path, &size, &sha256, &media_type, &modified, &registered, &revision, &retracted}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema, static_cast<int64_t>(rows.size()), std::move(columns));
}

/// Collects rows and commits them.
class Register {
 public:
  Register(Lake& lake, const Fence& fence, const ObjectCrawl& crawl)
      : lake_(lake), fence_(fence), crawl_(crawl) {}

  arrow::Status Add(ObjectRow row) {
    row.registered_us = lake_.clock().NowMicros();
    ++row.revision;
    rows_.push_back(std::move(row));
    return rows_.size() < kRowsMax ? arrow::Status::OK() : Commit();
  }

  arrow::Status Commit() {
    if (rows_.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto table,
                          lake_.EnsureTable(SpecOf(crawl_), fence_.lease, {fence_}));
    ARROW_ASSIGN_OR_RAISE(
        const auto writer,
        PartitionWriter::Make(lake_, table, {.lease = fence_.lease, .epoch = fence_.epoch}));
    ARROW_ASSIGN_OR_RAISE(const auto batch, BatchOf(rows_));
    ARROW_RETURN_NOT_OK(writer->Add(batch));
    ARROW_ASSIGN_OR_RAISE(auto written, writer->Close());
    AppendChange change(lake_, crawl_.table_key, written, /*positions_json=*/{});
    const arrow::Status committed = CommitUpkeep(lake_, change, fence_);
    if (!committed.ok() && KindOf(committed) != ErrorKind::kCommitUnknown) {
      static_cast<void>(RemoveWritten(lake_.files(), written));
    }
    rows_.clear();
    return committed;
  }

 private:
  Lake& lake_;
  const Fence& fence_;
  const ObjectCrawl& crawl_;
  std::vector<ObjectRow> rows_;
};

}  // namespace

arrow::Result<CrawlReport> CrawlObjects(Lake& lake, const Fence& fence, ObjectReader& reader,
                                        const ObjectCrawl& crawl,
                                        const std::vector<CrawledFile>& found) {
  ARROW_ASSIGN_OR_RAISE(const auto table, Existing(lake, crawl));
  ARROW_ASSIGN_OR_RAISE(Registered registered, ReadRegistered(lake, table.get()));
  CrawlReport report{.table_key = crawl.table_key, .files = static_cast<int64_t>(found.size())};
  Register rows(lake, fence, crawl);
  for (const CrawledFile& file : found) {
    const auto known = registered.extract(file.entry.path);
    const bool is_known = !known.empty() && !known.mapped().is_retracted;
    ObjectRow row = known.empty() ? ObjectRow{.path = file.entry.path} : known.mapped();
    const bool is_same = is_known && row.byte_count == file.entry.byte_count &&
                         row.modified_us == file.entry.modified_us;
    if (is_same) continue;
    auto facts = reader.Read(lake.files(), file.entry.path);
    if (!facts.ok()) {
      const ErrorKind kind = KindOf(facts.status());
      if (kind != ErrorKind::kDenied && kind != ErrorKind::kNotFound) return facts.status();
      report.refused.push_back({.path = file.entry.path, .reason = facts.status().message()});
      --report.files;
      continue;
    }
    row.byte_count = facts->byte_count;
    row.sha256 = std::move(facts->sha256);
    row.media_type = std::move(facts->media_type);
    row.modified_us = file.entry.modified_us;
    row.is_retracted = false;
    ++(is_known ? report.changed : report.added);
    ARROW_RETURN_NOT_OK(rows.Add(std::move(row)));
  }
  for (auto& [path, row] : registered) {
    if (row.is_retracted) continue;
    row.is_retracted = true;
    ++report.gone;
    ARROW_RETURN_NOT_OK(rows.Add(std::move(row)));
  }
  ARROW_RETURN_NOT_OK(rows.Commit());
  return report;
}

}  // namespace catchwater
