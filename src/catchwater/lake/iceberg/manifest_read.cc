// Decoding of manifests and manifest lists of any writer: by field id, in the writer's order.
#include <algorithm>
#include <utility>

#include "catchwater/avro/avro.h"
#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/manifest.h"

namespace catchwater {
namespace {

using Kind = AvroNode::Kind;

constexpr int64_t kEntriesMax = 20'000'000;

int64_t ReadLong(AvroDecoder& in, const AvroNode& unresolved) {
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind == Kind::kInt || node.kind == Kind::kLong) return in.Long();
  if (node.kind != Kind::kNull) in.Fail();
  return 0;
}

int32_t ReadInt(AvroDecoder& in, const AvroNode& node) {
  const int64_t value = ReadLong(in, node);
  if (value < INT32_MIN || value > INT32_MAX) in.Fail();
  return in.ok() ? static_cast<int32_t>(value) : 0;
}

std::optional<int64_t> ReadOptionalLong(AvroDecoder& in, const AvroNode& unresolved) {
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind == Kind::kNull) return std::nullopt;
  return ReadLong(in, node);
}

std::optional<std::string> ReadOptionalBytes(AvroDecoder& in, const AvroNode& unresolved) {
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind == Kind::kNull) return std::nullopt;
  if (node.kind == Kind::kFixed) return std::string(in.Fixed(node.fixed_byte_count));
  if (node.kind != Kind::kBytes && node.kind != Kind::kString) in.Fail();
  return std::string(in.ok() ? in.Bytes() : std::string_view());
}

std::string ReadBytes(AvroDecoder& in, const AvroNode& node) {
  return ReadOptionalBytes(in, node).value_or(std::string());
}

std::optional<bool> ReadOptionalBool(AvroDecoder& in, const AvroNode& unresolved) {
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind == Kind::kNull) return std::nullopt;
  if (node.kind != Kind::kBool) in.Fail();
  return in.ok() && in.Bool();
}

/// Calls `read(item node)` for each item of an array; null is an empty one.
template <typename ReadItem>
void ReadArray(AvroDecoder& in, const AvroNode& unresolved, ReadItem&& read) {
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind == Kind::kNull || !in.ok()) return;
  if (node.kind != Kind::kArray) return in.Fail();
  for (int64_t count = in.BlockCount(); count > 0; count = in.BlockCount()) {
    for (int64_t i = 0; i < count && in.ok(); ++i) read(node.children[0]);
  }
}

/// A map with int keys: an array of records (key, value). `read_value(key, value node)`.
template <typename ReadValue>
void ReadIntMap(AvroDecoder& in, const AvroNode& node, ReadValue&& read_value) {
  ReadArray(in, node, [&](const AvroNode& unresolved) {
    const AvroNode& item = in.Resolve(unresolved);
    if (item.kind != Kind::kRecord || item.fields.size() != 2 || item.fields[0].name != "key") {
      return in.Fail();
    }
    const int32_t key = ReadInt(in, item.fields[0].type);
    read_value(key, item.fields[1].type);
  });
}

CountsById ReadCounts(AvroDecoder& in, const AvroNode& node) {
  CountsById counts;
  ReadIntMap(in, node, [&](int32_t key, const AvroNode& value) {
    counts.emplace_back(key, ReadLong(in, value));
  });
  return counts;
}

BoundsById ReadBounds(AvroDecoder& in, const AvroNode& node) {
  BoundsById bounds;
  ReadIntMap(in, node, [&](int32_t key, const AvroNode& value) {
    bounds.emplace_back(key, ReadBytes(in, value));
  });
  return bounds;
}

Literal DecimalOf(AvroDecoder& in, std::string_view bytes) {
  const auto value = arrow::Decimal128::FromBigEndian(
      reinterpret_cast<const uint8_t*>(bytes.data()), static_cast<int32_t>(bytes.size()));
  if (!value.ok()) in.Fail();
  return value.ok() ? Literal(*value) : Literal();
}

/// A partition value as the spec's type wants it. `type` is null when its column is not known any
/// more; then the Avro type decides.
Literal ReadPartitionValue(AvroDecoder& in, const AvroNode& unresolved, const IcebergType* type) {
  const AvroNode& node = in.Resolve(unresolved);
  if (!in.ok()) return {};
  const TypeKind kind = type == nullptr ? TypeKind::kNested : type->kind;
  switch (node.kind) {
    case Kind::kNull:
      return {};
    case Kind::kBool:
      return in.Bool();
    case Kind::kInt:
    case Kind::kLong: {
      const int64_t value = in.Long();
      const bool is_long = kind == TypeKind::kLong || kind == TypeKind::kTime ||
                           kind == TypeKind::kTimestamp || kind == TypeKind::kTimestampTz ||
                           (kind == TypeKind::kNested && node.kind == Kind::kLong);
      if (is_long) return value;
      if (value < INT32_MIN || value > INT32_MAX) in.Fail();
      return static_cast<int32_t>(value);
    }
    case Kind::kFloat: {
      const float value = in.Float();
      return kind == TypeKind::kDouble ? Literal(static_cast<double>(value)) : Literal(value);
    }
    case Kind::kDouble:
      return in.Double();
    case Kind::kBytes:
    case Kind::kString:
    case Kind::kFixed: {
      const std::string bytes = ReadBytes(in, node);
      return kind == TypeKind::kDecimal ? DecimalOf(in, bytes) : Literal(bytes);
    }
    default:
      in.Fail();
      return {};
  }
}

/// What the partition values of a manifest mean: the type of each field by its id.
struct PartitionLayout {
  std::vector<int32_t> field_ids;
  std::vector<std::optional<IcebergType>> types;

  PartitionLayout(const PartitionSpec& spec, const IcebergSchema& schema) {
    for (const PartitionField& field : spec.fields) {
      field_ids.push_back(field.field_id);
      const IcebergField* source = schema.FieldById(field.source_id);
      std::optional<IcebergType> type;
      if (source != nullptr) {
        const auto result = TransformResultType(field.transform, source->type);
        if (result.ok()) type = *result;
      }
      types.push_back(std::move(type));
    }
  }

  size_t IndexOf(int32_t field_id) const {
    const auto found = std::find(field_ids.begin(), field_ids.end(), field_id);
    return static_cast<size_t>(found - field_ids.begin());
  }
};

PartitionValues ReadPartition(AvroDecoder& in, const AvroNode& unresolved,
                              const PartitionLayout& layout) {
  PartitionValues values(layout.field_ids.size());
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind != Kind::kRecord) in.Fail();
  for (const AvroField& field : node.fields) {
    const size_t index = layout.IndexOf(field.field_id);
    if (index == values.size()) {
      in.Skip(field.type);
    } else {
      const auto& type = layout.types[index];
      values[index] = ReadPartitionValue(in, field.type, type ? &*type : nullptr);
    }
  }
  return values;
}

void ReadDataFileField(AvroDecoder& in, const AvroField& field, const PartitionLayout& layout,
                       ManifestDataFile& file) {
  const AvroNode& type = field.type;
  switch (field.field_id) {
    case 134: {
      const int32_t content = ReadInt(in, type);
      if (content < 0 || content > 2) in.Fail();
      file.content = static_cast<FileContent>(content);
      return;
    }
    case 100:
      file.path = ReadBytes(in, type);
      return;
    case 101:
      file.format = ReadBytes(in, type);
      return;
    case 102:
      file.partition = ReadPartition(in, type, layout);
      return;
    case 103:
      file.record_count = ReadLong(in, type);
      return;
    case 104:
      file.file_byte_count = ReadLong(in, type);
      return;
    case 108:
      file.column_byte_counts = ReadCounts(in, type);
      return;
    case 109:
      file.value_counts = ReadCounts(in, type);
      return;
    case 110:
      file.null_counts = ReadCounts(in, type);
      return;
    case 137:
      file.nan_counts = ReadCounts(in, type);
      return;
    case 125:
      file.lower_bounds = ReadBounds(in, type);
      return;
    case 128:
      file.upper_bounds = ReadBounds(in, type);
      return;
    case 131:
      file.key_metadata = ReadOptionalBytes(in, type);
      return;
    case 132:
      ReadArray(in, type,
                [&](const AvroNode& item) { file.split_offsets.push_back(ReadLong(in, item)); });
      return;
    case 135:
      ReadArray(in, type,
                [&](const AvroNode& item) { file.equality_ids.push_back(ReadInt(in, item)); });
      return;
    case 140: {
      const auto order = ReadOptionalLong(in, type);
      if (order) file.sort_order_id = static_cast<int32_t>(*order);
      return;
    }
    case 143:
      file.referenced_data_file = ReadOptionalBytes(in, type);
      return;
    default:
      in.Skip(type);
  }
}

ManifestEntry ReadEntry(AvroDecoder& in, const AvroNode& record, const PartitionLayout& layout) {
  ManifestEntry entry;
  entry.file.partition.resize(layout.field_ids.size());
  for (const AvroField& field : record.fields) {
    if (field.field_id == 0) {
      const int32_t status = ReadInt(in, field.type);
      if (status < 0 || status > 2) in.Fail();
      entry.status = static_cast<EntryStatus>(status);
    } else if (field.field_id == 1) {
      entry.snapshot_id = ReadOptionalLong(in, field.type);
    } else if (field.field_id == 3) {
      entry.sequence_number = ReadOptionalLong(in, field.type);
    } else if (field.field_id == 4) {
      entry.file_sequence_number = ReadOptionalLong(in, field.type);
    } else if (field.field_id == 2) {
      const AvroNode& file = in.Resolve(field.type);
      if (file.kind != Kind::kRecord) in.Fail();
      for (const AvroField& part : file.fields) {
        if (in.ok()) ReadDataFileField(in, part, layout, entry.file);
      }
    } else {
      in.Skip(field.type);
    }
  }
  return entry;
}

/// Fills in what an entry inherits from the manifest list's row.
arrow::Status Inherit(const ManifestFile& row, ManifestEntry& entry) {
  if (!entry.snapshot_id) entry.snapshot_id = row.added_snapshot_id;
  if (entry.status == EntryStatus::kAdded) {
    if (!entry.sequence_number) entry.sequence_number = row.sequence_number;
    if (!entry.file_sequence_number) entry.file_sequence_number = row.sequence_number;
  }
  // A v1 manifest in an upgraded table has no numbers at all: they count as 0.
  if (!entry.sequence_number) entry.sequence_number = 0;
  if (!entry.file_sequence_number) entry.file_sequence_number = entry.sequence_number;
  if (entry.file.path.empty() || entry.file.record_count < 0 || entry.file.file_byte_count < 0) {
    return BadData("Manifest entry lacks its path or counts, manifest: ", row.path);
  }
  return arrow::Status::OK();
}

PartitionFieldSummary ReadSummary(AvroDecoder& in, const AvroNode& unresolved) {
  PartitionFieldSummary summary;
  const AvroNode& node = in.Resolve(unresolved);
  if (node.kind != Kind::kRecord) in.Fail();
  for (const AvroField& field : node.fields) {
    switch (field.field_id) {
      case 509:
        summary.contains_null = ReadOptionalBool(in, field.type).value_or(true);
        break;
      case 518:
        summary.contains_nan = ReadOptionalBool(in, field.type);
        break;
      case 510:
        summary.lower_bound = ReadOptionalBytes(in, field.type);
        break;
      case 511:
        summary.upper_bound = ReadOptionalBytes(in, field.type);
        break;
      default:
        in.Skip(field.type);
    }
  }
  return summary;
}

void ReadListField(AvroDecoder& in, const AvroField& field, ManifestFile& row) {
  const AvroNode& type = field.type;
  switch (field.field_id) {
    case 500:
      row.path = ReadBytes(in, type);
      return;
    case 501:
      row.byte_count = ReadLong(in, type);
      return;
    case 502:
      row.spec_id = ReadInt(in, type);
      return;
    case 517:
      row.is_deletes = ReadLong(in, type) == 1;
      return;
    case 515:
      row.sequence_number = ReadLong(in, type);
      return;
    case 516:
      row.min_sequence_number = ReadLong(in, type);
      return;
    case 503:
      row.added_snapshot_id = ReadLong(in, type);
      return;
    case 504:
      row.added_files = ReadInt(in, type);
      return;
    case 505:
      row.existing_files = ReadInt(in, type);
      return;
    case 506:
      row.deleted_files = ReadInt(in, type);
      return;
    case 512:
      row.added_rows = ReadLong(in, type);
      return;
    case 513:
      row.existing_rows = ReadLong(in, type);
      return;
    case 514:
      row.deleted_rows = ReadLong(in, type);
      return;
    case 507:
      ReadArray(in, type,
                [&](const AvroNode& item) { row.partitions.push_back(ReadSummary(in, item)); });
      return;
    case 519:
      row.key_metadata = ReadOptionalBytes(in, type);
      return;
    default:
      in.Skip(type);
  }
}

}  // namespace

arrow::Result<std::vector<ManifestEntry>> DecodeManifest(std::string_view bytes,
                                                         const ManifestFile& row,
                                                         const IcebergSchema& schema,
                                                         const PartitionSpec& spec) {
  ARROW_ASSIGN_OR_RAISE(AvroFileReader reader, AvroFileReader::Open(bytes));
  if (reader.schema().kind != Kind::kRecord)
    return BadData("Manifest holds no records: ", row.path);
  const PartitionLayout layout(spec, schema);
  std::vector<ManifestEntry> entries;
  for (;;) {
    std::string_view block;
    ARROW_ASSIGN_OR_RAISE(const int64_t count, reader.NextBlock(block));
    if (count == 0) return entries;
    AvroDecoder in(block);
    for (int64_t i = 0; i < count; ++i) {
      ManifestEntry entry = ReadEntry(in, reader.schema(), layout);
      if (!in.ok()) return BadData("Manifest is damaged, path and entry: ", row.path, " ", i);
      ARROW_RETURN_NOT_OK(Inherit(row, entry));
      entries.push_back(std::move(entry));
    }
    if (static_cast<int64_t>(entries.size()) > kEntriesMax) {
      return BadData("Manifest has too many entries: ", row.path);
    }
  }
}

arrow::Result<std::vector<ManifestFile>> DecodeManifestList(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(AvroFileReader reader, AvroFileReader::Open(bytes));
  if (reader.schema().kind != Kind::kRecord) return BadData("Manifest list holds no records");
  std::vector<ManifestFile> rows;
  for (;;) {
    std::string_view block;
    ARROW_ASSIGN_OR_RAISE(const int64_t count, reader.NextBlock(block));
    if (count == 0) return rows;
    AvroDecoder in(block);
    for (int64_t i = 0; i < count; ++i) {
      ManifestFile row;
      for (const AvroField& field : reader.schema().fields) ReadListField(in, field, row);
      if (!in.ok() || row.path.empty()) return BadData("Manifest list is damaged, row: ", i);
      rows.push_back(std::move(row));
    }
  }
}

}  // namespace catchwater
