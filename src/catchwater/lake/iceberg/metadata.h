/// \file
/// Table metadata of format v2: parsed from any writer, written fast by us.
/// Source: Iceberg spec, table metadata; docs/formats/lake.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/iceberg/spec.h"
#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

using StringMap = std::map<std::string, std::string>;

/// Immutable once in a TableMetadata; shared between versions of it.
struct Snapshot {
  int64_t snapshot_id = 0;
  std::optional<int64_t> parent_snapshot_id;
  int64_t sequence_number = 0;
  int64_t timestamp_ms = 0;
  std::string manifest_list;
  StringMap summary;  ///< With `operation`.
  std::optional<int32_t> schema_id;
  std::string json;  ///< Itself as text, as found or as written: unknown keys are kept.
};

struct SnapshotLogEntry {
  int64_t timestamp_ms = 0;
  int64_t snapshot_id = 0;
};

struct MetadataLogEntry {
  int64_t timestamp_ms = 0;
  std::string location;
};

struct SnapshotRef {
  int64_t snapshot_id = 0;
  bool is_branch = true;
  std::string json = {};  ///< As found: with retention settings.
};

/// A value: copied, changed, written. Parts that are large are shared.
struct TableMetadata {
  std::string table_uuid;
  std::string location;  ///< Of the table: `file:///<warehouse>/<namespace>/<name>`.
  int64_t last_sequence_number = 0;
  int64_t last_updated_ms = 0;
  int32_t last_column_id = 0;
  int32_t current_schema_id = 0;
  std::vector<std::shared_ptr<const IcebergSchema>> schemas;
  int32_t default_spec_id = 0;
  std::vector<std::shared_ptr<const PartitionSpec>> specs;
  int32_t last_partition_id = 999;
  int32_t default_sort_order_id = 0;
  std::vector<std::shared_ptr<const SortOrder>> sort_orders;
  StringMap properties;
  std::optional<int64_t> current_snapshot_id;
  std::vector<std::shared_ptr<const Snapshot>> snapshots;  ///< Oldest first as found.
  std::vector<SnapshotLogEntry> snapshot_log;
  std::vector<MetadataLogEntry> metadata_log;
  std::map<std::string, SnapshotRef> refs;
  StringMap unknown;  ///< Keys that we do not know, with their JSON text: kept.
  /// JSON text as found, by id, for what may carry keys that we do not know.
  std::map<int32_t, std::string> schema_json;
  std::map<int32_t, std::string> spec_json;
  std::map<int32_t, std::string> sort_order_json;

  const IcebergSchema& schema() const;  ///< The current one.
  const PartitionSpec& spec() const;    ///< The default one.
  const SortOrder& sort_order() const;  ///< The default one.
  const IcebergSchema* SchemaById(int32_t id) const;
  const PartitionSpec* SpecById(int32_t id) const;
  const SortOrder* SortOrderById(int32_t id) const;
  const Snapshot* SnapshotById(int64_t id) const;
  const Snapshot* current_snapshot() const;  ///< nullptr without one.
};

/// \retval kBadData if it is damaged; kConfig for format v1 or v3, naming what to do
arrow::Result<TableMetadata> ParseMetadata(std::string_view json);
std::string MetadataToJson(const TableMetadata& metadata);

/// The schema, spec and sort order objects as text.
std::string SchemaToJson(const IcebergSchema& schema);
std::string SpecFieldsToJson(const PartitionSpec& spec);
std::string SortOrderToJson(const SortOrder& order);
/// Sets snapshot.json from the other members.
void RenderSnapshot(Snapshot& snapshot);

}  // namespace catchwater
