#include "catchwater/crawl/parquet_crawl.h"

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>
#include <parquet/arrow/schema.h>
#include <parquet/file_reader.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/crawl/path_columns.h"
#include "catchwater/lake/append_change.h"
#include "catchwater/lake/file_names.h"
#include "catchwater/lake/live_set.h"
#include "catchwater/lake/rewrite_change.h"
#include "catchwater/lake/upkeep_commit.h"

namespace catchwater {
namespace {

constexpr char kNameMappingProperty[] = "schema.name-mapping.default";

struct OpenedFile {
  const CrawledFile* found = nullptr;
  std::shared_ptr<arrow::Schema> schema;
  ParquetMetrics metrics;
};

/// Types narrower than Iceberg's are stored as its own: int8 in 32 bits.
std::shared_ptr<arrow::DataType> LakeTypeOf(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::INT8:
    case arrow::Type::INT16:
    case arrow::Type::UINT8:
    case arrow::Type::UINT16:
      return arrow::int32();
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW:
      return arrow::utf8();
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::BINARY_VIEW:
      return arrow::binary();
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = static_cast<const arrow::TimestampType&>(*type);
      if (timestamp.unit() == arrow::TimeUnit::NANO) return type;  // Iceberg v2 has none.
      return timestamp.timezone().empty() ? arrow::timestamp(arrow::TimeUnit::MICRO)
                                          : arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    }
    default:
      return type;
  }
}

arrow::Result<OpenedFile> Open(Lake& lake, const CrawledFile& found) {
  ARROW_ASSIGN_OR_RAISE(const auto input, lake.files().OpenInput(found.entry.path));
  OpenedFile opened{.found = &found, .schema = nullptr, .metrics = {}};
  try {
    ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, input->GetSize());
    const auto reader = parquet::ParquetFileReader::Open(input);
    const auto footer = reader->metadata();
    opened.metrics = MetricsOfFooter(*footer, byte_count);
    ARROW_RETURN_NOT_OK(parquet::arrow::FromParquetSchema(footer->schema(), &opened.schema));
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return BadData("Parquet file cannot be read: ", found.entry.path, ": ", error.what());
  }
  for (const auto& field : opened.schema->fields()) {
    if (TypeFromArrow(*LakeTypeOf(field->type())).ok()) continue;
    return ConfigError(
        "Parquet column has a type that a table in place cannot have, file, column and type: ",
        found.entry.path, ", ", field->name(), ", ", field->type()->ToString());
  }
  return opened;
}

/// The file itself is at fault, and not the way to it.
bool IsRefusal(const arrow::Status& status) {
  return KindOf(status) == ErrorKind::kBadData || KindOf(status) == ErrorKind::kConfig;
}

/// The wider of two types of one column, in two files. nullptr: there is none.
std::shared_ptr<arrow::DataType> Wider(const std::shared_ptr<arrow::DataType>& a,
                                       const std::shared_ptr<arrow::DataType>& b) {
  if (a->Equals(*b)) return a;
  const auto left = TypeFromArrow(*a);
  const auto right = TypeFromArrow(*b);
  if (!left.ok() || !right.ok()) return nullptr;
  if (CanPromote(*left, *right)) return b;
  if (CanPromote(*right, *left)) return a;
  return nullptr;
}

/// All columns of the files, the path's last. A column that is in the files and in the path is one.
arrow::Result<std::shared_ptr<arrow::Schema>> SchemaOf(
    const std::vector<OpenedFile>& files,
    const std::vector<std::shared_ptr<arrow::Field>>& path_columns, const TableState* table) {
  arrow::FieldVector fields;
  const auto add = [&](const std::string& name, std::shared_ptr<arrow::DataType> type,
                       const std::string& file) -> arrow::Status {
    const auto known = std::ranges::find(fields, name, &arrow::Field::name);
    if (known == fields.end()) {
      fields.push_back(arrow::field(name, std::move(type)));
      return arrow::Status::OK();
    }
    const auto wider = Wider((*known)->type(), type);
    if (wider == nullptr) {
      return ConfigError("Column has types that do not go together, file, column and types: ", file,
                         ", ", name, ", ", (*known)->type()->ToString(), " and ", type->ToString());
    }
    *known = (*known)->WithType(wider);
    return arrow::Status::OK();
  };
  if (table != nullptr) {
    for (const auto& field : table->schema->fields()) {
      ARROW_RETURN_NOT_OK(add(field->name(), field->type(), table->table_key));
    }
  }
  for (const OpenedFile& file : files) {
    for (const auto& field : file.schema->fields()) {
      ARROW_RETURN_NOT_OK(add(field->name(), LakeTypeOf(field->type()), file.found->entry.path));
    }
  }
  for (const auto& column : path_columns) {
    const bool is_there =
        std::ranges::find(fields, column->name(), &arrow::Field::name) != fields.end();
    if (!is_there) fields.push_back(column);
  }
  return arrow::schema(std::move(fields));
}

/// How readers find the columns of files without field ids.
std::string NameMappingOf(const IcebergSchema& schema) {
  auto mapping = nlohmann::ordered_json::array();
  for (const IcebergField& field : schema.fields) {
    mapping.push_back({{"field-id", field.id}, {"names", {field.name}}});
  }
  return mapping.dump();
}

/// Bounds are kept only of columns that are stored as the table has them, or as int32 of a long.
bool HasTrueBounds(const arrow::DataType& stored, const IcebergType& type) {
  const auto as_stored = TypeFromArrow(stored);
  if (!as_stored.ok()) return false;
  if (stored.id() == arrow::Type::TIMESTAMP &&
      static_cast<const arrow::TimestampType&>(stored).unit() != arrow::TimeUnit::MICRO) {
    return false;
  }
  return *as_stored == type || (as_stored->kind == TypeKind::kInt && type.kind == TypeKind::kLong);
}

arrow::Result<WrittenFile> EntryOf(const TableState& table, OpenedFile file) {
  const IcebergSchema& schema = table.metadata->schema();
  const PartitionSpec& spec = table.metadata->spec();
  const std::string& path = file.found->entry.path;
  const bool has_ids = std::ranges::any_of(file.metrics.columns,
                                           [](const auto& column) { return column.field_id >= 0; });
  for (ParquetColumnMetrics& column : file.metrics.columns) {
    const IcebergField* field = schema.FieldByName(column.name);
    if (field == nullptr) return Internal("Column is not in the table: ", column.name);
    if (has_ids && column.field_id != field->id) {
      return ConfigError(
          "Parquet file has field ids of another table, so readers would take its "
          "columns for others; write it without ids. File and column: ",
          path, ", ", column.name);
    }
    column.field_id = field->id;
    if (!HasTrueBounds(*file.schema->GetFieldByName(column.name)->type(), field->type)) {
      column.min.reset();
      column.max.reset();
    }
  }
  WrittenFile written{.data_file = {}, .entry = ManifestFileOf(file.metrics, schema)};
  written.entry.path = UriOfPath(path);
  written.spec_id = spec.spec_id;
  ARROW_ASSIGN_OR_RAISE(const auto types, PartitionTypes(spec, schema));
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    const auto part = std::ranges::find(file.found->partition, spec.fields[i].name,
                                        [](const auto& pair) { return pair.first; });
    if (part == file.found->partition.end()) {
      return ConfigError("Path lacks a partition of the table, file and partition: ", path, ", ",
                         spec.fields[i].name);
    }
    auto value = PathValue(part->second, types[i]);
    if (!value.ok()) return WithContext(value.status(), path);
    written.entry.partition.push_back(*std::move(value));
  }
  written.data_file = {.path = written.entry.path,
                       .partition_key = PartitionKeyText(spec, types, written.entry.partition),
                       .tier = -1,  // Not ours: never merged.
                       .row_count = written.entry.record_count,
                       .byte_count = written.entry.file_byte_count};
  return written;
}

/// The table as it is; null: not there yet.
arrow::Result<std::shared_ptr<const TableState>> Existing(Lake& lake, const CrawlRecord& record) {
  auto table = lake.LoadTable(record.table_key);
  if (!table.ok()) {
    if (KindOf(table.status()) == ErrorKind::kNotFound) return nullptr;
    return table.status();
  }
  const auto root = (*table)->metadata->properties.find(kCrawledFromProperty);
  if (root == (*table)->metadata->properties.end() || root->second != record.root) {
    return ConfigError(
        "Table exists and is not of a crawl of this folder; give --namespace. "
        "Table and folder: ",
        record.table_key, ", ", record.root);
  }
  return *table;
}

arrow::Result<std::shared_ptr<const TableState>> Evolve(Lake& lake, const Fence& fence,
                                                        const CrawlRecord& record,
                                                        const std::vector<OpenedFile>& opened,
                                                        const std::vector<CrawledFile>& found,
                                                        const TableState* table) {
  ARROW_ASSIGN_OR_RAISE(const auto path_columns, PathColumnsOf(found));
  TableSpec spec{.table_key = record.table_key,
                 .schema = nullptr,
                 .partition = {},
                 .sort = {},
                 .properties = {{kCrawledFromProperty, record.root}},
                 .event_time_column = {}};
  ARROW_ASSIGN_OR_RAISE(spec.schema, SchemaOf(opened, path_columns, table));
  for (const auto& column : path_columns) {
    spec.partition.push_back({.transform = {}, .column = column->name(), .name = column->name()});
  }
  ARROW_ASSIGN_OR_RAISE(auto made, lake.EnsureTable(spec, fence.lease, {fence}));
  spec.properties[kNameMappingProperty] = NameMappingOf(made->metadata->schema());
  return lake.EnsureTable(spec, fence.lease, {fence});
}

/// What the table has of the crawled folder by path, as the record saw it; what the record does not
/// know is taken anew. What a pipeline or another program wrote into the table is none of it.
arrow::Result<std::map<std::string, SeenFile>> SeenOf(Lake& lake, const TableState* table,
                                                      const CrawlRecord& record) {
  std::map<std::string, SeenFile> seen;
  if (table == nullptr) return seen;
  ARROW_ASSIGN_OR_RAISE(const LiveSet live, ReadLiveSet(lake, *table));
  for (const auto& [uri, file] : live.files) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, PathOfUri(uri));
    if (IsOwnFile(*table, uri) || !path.starts_with(record.root + "/")) continue;
    const auto known = record.files.find(path);
    seen[path] = known == record.files.end() ? SeenFile{.byte_count = -1} : known->second;
    if (file.entry.file_byte_count != seen[path].byte_count) seen[path] = {.byte_count = -1};
  }
  return seen;
}

}  // namespace

arrow::Result<CrawlReport> CrawlParquet(Lake& lake, const Fence& fence,
                                        const std::vector<CrawledFile>& found,
                                        CrawlRecord* record) {
  ARROW_ASSIGN_OR_RAISE(auto table, Existing(lake, *record));
  ARROW_ASSIGN_OR_RAISE(const auto seen, SeenOf(lake, table.get(), *record));
  const FileChanges changes = ChangesSince(seen, found);
  CrawlReport report{.table_key = record->table_key,
                     .files = static_cast<int64_t>(found.size()),
                     .added = static_cast<int64_t>(changes.added.size()),
                     .changed = static_cast<int64_t>(changes.changed.size()),
                     .gone = static_cast<int64_t>(changes.gone.size())};
  if (changes.empty()) return report;

  // All that can be refused is refused before the first commit.
  std::vector<OpenedFile> opened;
  for (const auto& [files, count] :
       {std::pair(&changes.added, &report.added), std::pair(&changes.changed, &report.changed)}) {
    for (const CrawledFile& file : *files) {
      auto one = Open(lake, file);
      if (one.ok()) {
        opened.push_back(*std::move(one));
        continue;
      }
      if (!IsRefusal(one.status())) return one.status();
      report.refused.push_back({.path = file.entry.path, .reason = one.status().message()});
      --*count;
      if (files == &changes.changed) ++report.gone;  // What it held before is.
    }
  }
  report.files -= static_cast<int64_t>(report.refused.size());
  if (!opened.empty()) {
    ARROW_ASSIGN_OR_RAISE(table, Evolve(lake, fence, *record, opened, found, table.get()));
  }
  std::vector<WrittenFile> added;
  for (OpenedFile& file : opened) {
    ARROW_ASSIGN_OR_RAISE(added.emplace_back(), EntryOf(*table, std::move(file)));
  }
  RewriteRequest removal{.table_key = record->table_key,
                         .operation = "delete",
                         .removed = {},
                         .added = {},
                         .fail_points = {}};
  for (const std::string& path : changes.gone) removal.removed.insert(UriOfPath(path));
  for (const CrawledFile& file : changes.changed)
    removal.removed.insert(UriOfPath(file.entry.path));
  if (!removal.removed.empty()) {
    RewriteChange change(lake, std::move(removal));
    ARROW_RETURN_NOT_OK(CommitUpkeep(lake, change, fence));
  }
  if (!added.empty()) {
    AppendChange change(lake, record->table_key, added, /*positions_json=*/{});
    ARROW_RETURN_NOT_OK(CommitUpkeep(lake, change, fence));
  }
  std::set<std::string_view> refused;
  for (const RefusedFile& file : report.refused) refused.insert(file.path);
  record->files.clear();
  for (const CrawledFile& file : found) {
    if (refused.contains(file.entry.path)) continue;
    record->files[file.entry.path] = {.byte_count = file.entry.byte_count,
                                      .modified_us = file.entry.modified_us};
  }
  return report;
}

}  // namespace catchwater
