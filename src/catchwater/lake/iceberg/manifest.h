/// \file
/// Manifests and manifest lists: typed structs, written to and read from Avro by field id.
/// Source: Iceberg spec, manifests; docs/formats/lake.md.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/lake/iceberg/literal.h"
#include "catchwater/lake/iceberg/spec.h"
#include "catchwater/lake/iceberg/type.h"

namespace catchwater {

using CountsById = std::vector<std::pair<int32_t, int64_t>>;      ///< By field id, ascending.
using BoundsById = std::vector<std::pair<int32_t, std::string>>;  ///< Single-value bytes.

enum class FileContent { kData = 0, kPositionDeletes = 1, kEqualityDeletes = 2 };

/// The struct data_file of a manifest entry.
struct ManifestDataFile {
  FileContent content = FileContent::kData;
  std::string path;  ///< URI: `file:///...`
  std::string format = "PARQUET";
  PartitionValues partition;  ///< In the order of the manifest's partition spec.
  int64_t record_count = 0;
  int64_t file_byte_count = 0;
  CountsById column_byte_counts;
  CountsById value_counts;
  CountsById null_counts;
  CountsById nan_counts;
  BoundsById lower_bounds;
  BoundsById upper_bounds;
  std::optional<std::string> key_metadata;
  std::vector<int64_t> split_offsets;
  std::vector<int32_t> equality_ids;
  std::optional<int32_t> sort_order_id;
  std::optional<std::string> referenced_data_file;
};

enum class EntryStatus { kExisting = 0, kAdded = 1, kDeleted = 2 };

struct ManifestEntry {
  EntryStatus status = EntryStatus::kAdded;
  std::optional<int64_t> snapshot_id;
  std::optional<int64_t> sequence_number;       ///< nullopt: inherited from the manifest list.
  std::optional<int64_t> file_sequence_number;  ///< nullopt: inherited.
  ManifestDataFile file;
};

struct PartitionFieldSummary {
  bool contains_null = false;
  std::optional<bool> contains_nan = {};
  std::optional<std::string> lower_bound = {};
  std::optional<std::string> upper_bound = {};
};

/// One row of a manifest list.
struct ManifestFile {
  std::string path;
  int64_t byte_count = 0;
  int32_t spec_id = 0;
  bool is_deletes = false;
  int64_t sequence_number = 0;
  int64_t min_sequence_number = 0;
  int64_t added_snapshot_id = 0;
  int32_t added_files = 0, existing_files = 0, deleted_files = 0;
  int64_t added_rows = 0, existing_rows = 0, deleted_rows = 0;
  std::vector<PartitionFieldSummary> partitions;
  std::optional<std::string> key_metadata;

  int32_t live_files() const { return added_files + existing_files; }
};

/// The bytes of a manifest and its row of the list (path left empty).
struct EncodedManifest {
  std::string bytes;
  ManifestFile row;
};

/// Encodes entries of one spec. Entries ADDED keep null sequence numbers; others must have them.
/// sequence_number is that of the snapshot which adds the manifest.
arrow::Result<EncodedManifest> EncodeManifest(const std::vector<ManifestEntry>& entries,
                                              const IcebergSchema& schema,
                                              const PartitionSpec& spec, int64_t snapshot_id,
                                              int64_t sequence_number);

/// Reads a manifest of any writer; inherited ids and numbers are filled in from its list row.
/// `spec` types the partition values, `schema` its sources. \retval kBadData if it is damaged
arrow::Result<std::vector<ManifestEntry>> DecodeManifest(std::string_view bytes,
                                                         const ManifestFile& row,
                                                         const IcebergSchema& schema,
                                                         const PartitionSpec& spec);

std::string EncodeManifestList(const std::vector<ManifestFile>& manifests, int64_t snapshot_id,
                               std::optional<int64_t> parent_snapshot_id, int64_t sequence_number);
/// \retval kBadData if it is damaged
arrow::Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes);

}  // namespace catchwater
