#include "catchwater/lake/iceberg/manifest.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "catchwater/avro/avro.h"
#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/manifest_list_notes.h"
#include "catchwater/lake/iceberg/manifest_schema.h"
#include "catchwater/lake/iceberg/metadata.h"

namespace catchwater {
namespace {

/// Sixteen bytes that no other file of the table shares.
std::string SyncMarker(int64_t snapshot_id, int64_t sequence_number) {
  std::string marker(16, '\0');
  std::memcpy(marker.data(), &snapshot_id, sizeof(snapshot_id));
  std::memcpy(marker.data() + 8, &sequence_number, sizeof(sequence_number));
  return marker;
}

void EncodeOptionalLong(AvroEncoder& out, const std::optional<int64_t>& value) {
  out.Branch(value.has_value());
  if (value) out.Long(*value);
}

void EncodeOptionalBytes(AvroEncoder& out, const std::optional<std::string>& value) {
  out.Branch(value.has_value());
  if (value) out.Bytes(*value);
}

/// An empty list is written as null.
template <typename Items, typename EncodeItem>
void EncodeList(AvroEncoder& out, const Items& items, EncodeItem&& encode) {
  out.Branch(!items.empty());
  if (items.empty()) return;
  out.Long(static_cast<int64_t>(items.size()));
  for (const auto& item : items) encode(item);
  out.Long(0);
}

void EncodeCounts(AvroEncoder& out, const CountsById& counts) {
  EncodeList(out, counts, [&out](const auto& item) {
    out.Long(item.first);
    out.Long(item.second);
  });
}

void EncodeBounds(AvroEncoder& out, const BoundsById& bounds) {
  EncodeList(out, bounds, [&out](const auto& item) {
    out.Long(item.first);
    out.Bytes(item.second);
  });
}

struct PartitionValueEncoder {
  AvroEncoder& out;
  const IcebergType& type;

  void operator()(std::monostate) const {}
  void operator()(bool value) const { out.Bool(value); }
  void operator()(int32_t value) const { out.Long(value); }
  void operator()(int64_t value) const { out.Long(value); }
  void operator()(float value) const { out.Float(value); }
  void operator()(double value) const { out.Double(value); }
  void operator()(const std::string& value) const {
    const bool is_fixed = type.kind == TypeKind::kUuid || type.kind == TypeKind::kFixed;
    is_fixed ? out.Fixed(value) : out.Bytes(value);
  }
  void operator()(const arrow::Decimal128& value) const {
    const std::string bytes = DecimalToBytes(value);
    const auto width = static_cast<size_t>(DecimalFixedBytes(type.precision));
    const char sign = value < arrow::Decimal128(0) ? '\xFF' : '\0';
    out.Fixed(std::string(width - std::min(width, bytes.size()), sign));
    out.Fixed(bytes);
  }
};

void EncodeDataFile(AvroEncoder& out, const ManifestDataFile& file,
                    const std::vector<IcebergType>& partition_types) {
  out.Long(static_cast<int64_t>(file.content));
  out.Bytes(file.path);
  out.Bytes(file.format);
  for (size_t i = 0; i < partition_types.size(); ++i) {
    out.Branch(!IsNull(file.partition[i]));
    std::visit(PartitionValueEncoder{out, partition_types[i]}, file.partition[i]);
  }
  out.Long(file.record_count);
  out.Long(file.file_byte_count);
  EncodeCounts(out, file.column_byte_counts);
  EncodeCounts(out, file.value_counts);
  EncodeCounts(out, file.null_counts);
  EncodeCounts(out, file.nan_counts);
  EncodeBounds(out, file.lower_bounds);
  EncodeBounds(out, file.upper_bounds);
  EncodeOptionalBytes(out, file.key_metadata);
  EncodeList(out, file.split_offsets, [&out](int64_t offset) { out.Long(offset); });
  EncodeList(out, file.equality_ids, [&out](int32_t id) { out.Long(id); });
  out.Branch(file.sort_order_id.has_value());
  if (file.sort_order_id) out.Long(*file.sort_order_id);
  EncodeOptionalBytes(out, file.referenced_data_file);
}

bool IsNan(const Literal& value) {
  if (const auto* number = std::get_if<float>(&value)) return std::isnan(*number);
  if (const auto* number = std::get_if<double>(&value)) return std::isnan(*number);
  return false;
}

/// Gathers contains_null and the bounds of each partition field.
class PartitionSummary {
 public:
  explicit PartitionSummary(size_t field_count)
      : nulls_(field_count), nans_(field_count), low_(field_count), high_(field_count) {}

  void Add(const PartitionValues& values) {
    for (size_t i = 0; i < nulls_.size(); ++i) {
      const Literal& value = values[i];
      if (IsNull(value)) {
        nulls_[i] = true;
      } else if (IsNan(value)) {
        nans_[i] = true;
      } else {
        if (IsNull(low_[i]) || LiteralLess(value, low_[i])) low_[i] = value;
        if (IsNull(high_[i]) || LiteralLess(high_[i], value)) high_[i] = value;
      }
    }
  }

  std::vector<PartitionFieldSummary> Finish() const {
    std::vector<PartitionFieldSummary> summaries;
    for (size_t i = 0; i < nulls_.size(); ++i) {
      PartitionFieldSummary summary{.contains_null = nulls_[i], .contains_nan = nans_[i]};
      if (!IsNull(low_[i])) {
        summary.lower_bound = LiteralToBytes(low_[i]);
        summary.upper_bound = LiteralToBytes(high_[i]);
      }
      summaries.push_back(std::move(summary));
    }
    return summaries;
  }

 private:
  std::vector<bool> nulls_, nans_;
  std::vector<Literal> low_, high_;
};

void CountEntry(ManifestFile& row, const ManifestEntry& entry) {
  switch (entry.status) {
    case EntryStatus::kAdded:
      ++row.added_files;
      row.added_rows += entry.file.record_count;
      break;
    case EntryStatus::kExisting:
      ++row.existing_files;
      row.existing_rows += entry.file.record_count;
      break;
    case EntryStatus::kDeleted:
      ++row.deleted_files;
      row.deleted_rows += entry.file.record_count;
      break;
  }
}

arrow::Status CheckEntry(const ManifestEntry& entry, const PartitionSpec& spec) {
  if (entry.file.partition.size() != spec.fields.size()) {
    return Internal("Data file has the wrong number of partition values: ", entry.file.path);
  }
  if (entry.status != EntryStatus::kAdded &&
      !(entry.sequence_number && entry.file_sequence_number && entry.snapshot_id)) {
    return Internal("Kept or deleted entry lacks its sequence numbers: ", entry.file.path);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<EncodedManifest> EncodeManifest(const std::vector<ManifestEntry>& entries,
                                              const IcebergSchema& schema,
                                              const PartitionSpec& spec, int64_t snapshot_id,
                                              int64_t sequence_number) {
  ARROW_ASSIGN_OR_RAISE(const auto types, PartitionTypes(spec, schema));
  AvroFileWriter writer(ManifestAvroSchema(spec, types),
                        {{"schema", SchemaToJson(schema)},
                         {"schema-id", std::to_string(schema.schema_id)},
                         {"partition-spec", SpecFieldsToJson(spec)},
                         {"partition-spec-id", std::to_string(spec.spec_id)},
                         {"format-version", "2"},
                         {"content", "data"}},
                        SyncMarker(snapshot_id, sequence_number));
  EncodedManifest result;
  ManifestFile& row = result.row;
  row.spec_id = spec.spec_id;
  row.sequence_number = sequence_number;
  row.min_sequence_number = sequence_number;
  row.added_snapshot_id = snapshot_id;
  PartitionSummary summary(spec.fields.size());
  for (const ManifestEntry& entry : entries) {
    ARROW_RETURN_NOT_OK(CheckEntry(entry, spec));
    AvroEncoder& out = writer.record();
    out.Long(static_cast<int64_t>(entry.status));
    EncodeOptionalLong(out, entry.snapshot_id);
    EncodeOptionalLong(out, entry.sequence_number);
    EncodeOptionalLong(out, entry.file_sequence_number);
    EncodeDataFile(out, entry.file, types);
    writer.EndRecord();
    CountEntry(row, entry);
    summary.Add(entry.file.partition);
    if (entry.status != EntryStatus::kDeleted && entry.sequence_number) {
      row.min_sequence_number = std::min(row.min_sequence_number, *entry.sequence_number);
    }
  }
  result.bytes = writer.Finish();
  row.byte_count = static_cast<int64_t>(result.bytes.size());
  row.partitions = summary.Finish();
  return result;
}

std::string EncodeManifestList(const std::vector<ManifestFile>& manifests, int64_t snapshot_id,
                               std::optional<int64_t> parent_snapshot_id, int64_t sequence_number) {
  return EncodeManifestListWithNotes(manifests, snapshot_id, parent_snapshot_id, sequence_number,
                                     /*notes=*/{});
}

std::string EncodeManifestListWithNotes(const std::vector<ManifestFile>& manifests,
                                        int64_t snapshot_id,
                                        std::optional<int64_t> parent_snapshot_id,
                                        int64_t sequence_number,
                                        const std::map<std::string, std::string>& notes) {
  std::map<std::string, std::string> header = notes;
  header["snapshot-id"] = std::to_string(snapshot_id);
  header["parent-snapshot-id"] = parent_snapshot_id ? std::to_string(*parent_snapshot_id) : "null";
  header["sequence-number"] = std::to_string(sequence_number);
  header["format-version"] = "2";
  AvroFileWriter writer(ManifestListAvroSchema(), header, SyncMarker(snapshot_id, sequence_number));
  for (const ManifestFile& row : manifests) {
    AvroEncoder& out = writer.record();
    out.Bytes(row.path);
    out.Long(row.byte_count);
    out.Long(row.spec_id);
    out.Long(row.is_deletes ? 1 : 0);
    out.Long(row.sequence_number);
    out.Long(row.min_sequence_number);
    out.Long(row.added_snapshot_id);
    out.Long(row.added_files);
    out.Long(row.existing_files);
    out.Long(row.deleted_files);
    out.Long(row.added_rows);
    out.Long(row.existing_rows);
    out.Long(row.deleted_rows);
    EncodeList(out, row.partitions, [&out](const PartitionFieldSummary& summary) {
      out.Bool(summary.contains_null);
      out.Branch(summary.contains_nan.has_value());
      if (summary.contains_nan) out.Bool(*summary.contains_nan);
      EncodeOptionalBytes(out, summary.lower_bound);
      EncodeOptionalBytes(out, summary.upper_bound);
    });
    EncodeOptionalBytes(out, row.key_metadata);
    writer.EndRecord();
  }
  return writer.Finish();
}

}  // namespace catchwater
