#include "catchwater/lake/scan.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/parquet_reader.h"

namespace catchwater {
namespace {

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Read(
    Lake& lake, const TableState& table, const std::vector<std::string>& uris,
    std::shared_ptr<arrow::Schema> schema) {
  std::vector<std::string> paths;
  for (const std::string& uri : uris) {
    ARROW_ASSIGN_OR_RAISE(std::string path, PathOfUri(uri));
    paths.push_back(std::move(path));
  }
  const bool has_name_mapping = table.metadata->properties.contains("schema.name-mapping.default");
  return ReadParquet(lake.files(), std::move(paths), std::move(schema),
                     {.allow_names = has_name_mapping});
}

}  // namespace

arrow::Result<std::vector<LiveFile>> LiveFiles(Lake& lake, const TableState& table,
                                               std::optional<int64_t> snapshot_id) {
  const TableMetadata& metadata = *table.metadata;
  const Snapshot* snapshot =
      snapshot_id ? metadata.SnapshotById(*snapshot_id) : metadata.current_snapshot();
  std::vector<LiveFile> files;
  if (snapshot == nullptr) {
    if (!snapshot_id) return files;
    return NotFound("Snapshot is not kept any more, table and snapshot: ", table.table_key, " ",
                    *snapshot_id);
  }
  ARROW_ASSIGN_OR_RAISE(const auto manifests, lake.manifests().List(snapshot->manifest_list));
  for (const ManifestFile& manifest : *manifests) {
    if (manifest.live_files() == 0) continue;
    if (manifest.is_deletes) {
      return ConfigError(
          "Table has row-level delete files of another program; let it rewrite the data files, "
          "table: ",
          table.table_key);
    }
    const PartitionSpec* spec = metadata.SpecById(manifest.spec_id);
    if (spec == nullptr) return BadData("Manifest has an unknown partition spec: ", manifest.path);
    ARROW_ASSIGN_OR_RAISE(const auto entries,
                          lake.manifests().Entries(manifest, metadata.schema(), *spec));
    for (const ManifestEntry& entry : *entries) {
      if (entry.status == EntryStatus::kDeleted) continue;
      files.push_back({.entry = entry, .spec_id = manifest.spec_id});
    }
  }
  return files;
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadRows(
    Lake& lake, const TableState& table, const std::vector<LiveFile>& files,
    const std::vector<std::string>& columns) {
  std::shared_ptr<arrow::Schema> schema = table.schema;
  if (!columns.empty()) {
    arrow::FieldVector fields;
    for (const std::string& column : columns) {
      auto field = table.schema->GetFieldByName(column);
      if (field == nullptr) {
        return ConfigError("Column is not in the table, table and column: ", table.table_key, " ",
                           column);
      }
      fields.push_back(std::move(field));
    }
    schema = arrow::schema(std::move(fields));
  }
  std::vector<std::string> uris;
  for (const LiveFile& file : files) uris.push_back(file.entry.file.path);
  return Read(lake, table, uris, std::move(schema));
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadRows(
    Lake& lake, const TableState& table, const std::vector<std::string>& uris) {
  return Read(lake, table, uris, table.schema);
}

}  // namespace catchwater
