#include "catchwater/lake/iceberg/manifest_schema.h"

#include <array>
#include <cstdio>

namespace catchwater {
namespace {

std::string Field(int id, std::string_view name, const std::string& type) {
  return R"({"name":")" + std::string(name) + R"(","type":)" + type + R"(,"field-id":)" +
         std::to_string(id) + "}";
}

std::string Optional(int id, std::string_view name, const std::string& type) {
  return R"({"name":")" + std::string(name) + R"(","type":["null",)" + type +
         R"(],"default":null,"field-id":)" + std::to_string(id) + "}";
}

/// A map with int keys. Without the logical type readers fail, and DuckDB ends its process.
std::string IntMap(int key_id, int value_id, std::string_view value_type) {
  const std::string name = "k" + std::to_string(key_id) + "_v" + std::to_string(value_id);
  return R"({"type":"array","logicalType":"map","items":{"type":"record","name":")" + name +
         R"(","fields":[)" + Field(key_id, "key", R"("int")") + "," +
         Field(value_id, "value", "\"" + std::string(value_type) + "\"") + "]}}";
}

std::string List(int element_id, const std::string& items) {
  return R"({"type":"array","items":)" + items + R"(,"element-id":)" + std::to_string(element_id) +
         "}";
}

std::string AvroType(const IcebergType& type) {
  switch (type.kind) {
    case TypeKind::kBool:
      return R"("boolean")";
    case TypeKind::kInt:
      return R"("int")";
    case TypeKind::kLong:
      return R"("long")";
    case TypeKind::kFloat:
      return R"("float")";
    case TypeKind::kDouble:
      return R"("double")";
    case TypeKind::kDate:
      return R"({"type":"int","logicalType":"date"})";
    case TypeKind::kTime:
      return R"({"type":"long","logicalType":"time-micros"})";
    case TypeKind::kTimestamp:
      return R"({"type":"long","logicalType":"timestamp-micros","adjust-to-utc":false})";
    case TypeKind::kTimestampTz:
      return R"({"type":"long","logicalType":"timestamp-micros","adjust-to-utc":true})";
    case TypeKind::kUuid:
      return R"({"type":"fixed","size":16,"logicalType":"uuid","name":"uuid_fixed"})";
    case TypeKind::kFixed:
      return R"({"type":"fixed","size":)" + std::to_string(type.byte_width) + R"(,"name":"fixed_)" +
             std::to_string(type.byte_width) + "\"}";
    case TypeKind::kDecimal: {
      const std::string precision = std::to_string(type.precision);
      const std::string scale = std::to_string(type.scale);
      return R"({"type":"fixed","size":)" + std::to_string(DecimalFixedBytes(type.precision)) +
             R"(,"logicalType":"decimal","precision":)" + precision + R"(,"scale":)" + scale +
             R"(,"name":"decimal_)" + precision + "_" + scale + "\"}";
    }
    case TypeKind::kBinary:
      return R"("bytes")";
    case TypeKind::kString:
    case TypeKind::kNested:
      break;
  }
  return R"("string")";
}

/// Joins with commas.
template <size_t N>
std::string Join(const std::array<std::string, N>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!text.empty()) text += ",";
    text += part;
  }
  return text;
}

std::string DataFileRecord(const std::string& partition_fields) {
  const std::string partition =
      R"({"type":"record","name":"r102","fields":[)" + partition_fields + "]}";
  return R"({"type":"record","name":"r2","fields":[)" +
         Join(std::array{
             Field(134, "content", R"("int")"),
             Field(100, "file_path", R"("string")"),
             Field(101, "file_format", R"("string")"),
             Field(102, "partition", partition),
             Field(103, "record_count", R"("long")"),
             Field(104, "file_size_in_bytes", R"("long")"),
             Optional(108, "column_sizes", IntMap(117, 118, "long")),
             Optional(109, "value_counts", IntMap(119, 120, "long")),
             Optional(110, "null_value_counts", IntMap(121, 122, "long")),
             Optional(137, "nan_value_counts", IntMap(138, 139, "long")),
             Optional(125, "lower_bounds", IntMap(126, 127, "bytes")),
             Optional(128, "upper_bounds", IntMap(129, 130, "bytes")),
             Optional(131, "key_metadata", R"("bytes")"),
             Optional(132, "split_offsets", List(133, R"("long")")),
             Optional(135, "equality_ids", List(136, R"("int")")),
             Optional(140, "sort_order_id", R"("int")"),
             Optional(143, "referenced_data_file", R"("string")"),
         }) +
         "]}";
}

}  // namespace

std::string ManifestAvroSchema(const PartitionSpec& spec, const std::vector<IcebergType>& types) {
  std::string partition_fields;
  for (size_t i = 0; i < spec.fields.size(); ++i) {
    if (i > 0) partition_fields += ",";
    partition_fields +=
        Optional(spec.fields[i].field_id, AvroName(spec.fields[i].name), AvroType(types[i]));
  }
  return R"({"type":"record","name":"manifest_entry","fields":[)" +
         Join(std::array{
             Field(0, "status", R"("int")"),
             Optional(1, "snapshot_id", R"("long")"),
             Optional(3, "sequence_number", R"("long")"),
             Optional(4, "file_sequence_number", R"("long")"),
             Field(2, "data_file", DataFileRecord(partition_fields)),
         }) +
         "]}";
}

std::string_view ManifestListAvroSchema() {
  static const std::string kSchema = [] {
    const std::string summary = R"({"type":"record","name":"r508","fields":[)" +
                                Join(std::array{
                                    Field(509, "contains_null", R"("boolean")"),
                                    Optional(518, "contains_nan", R"("boolean")"),
                                    Optional(510, "lower_bound", R"("bytes")"),
                                    Optional(511, "upper_bound", R"("bytes")"),
                                }) +
                                "]}";
    return R"({"type":"record","name":"manifest_file","fields":[)" +
           Join(std::array{
               Field(500, "manifest_path", R"("string")"),
               Field(501, "manifest_length", R"("long")"),
               Field(502, "partition_spec_id", R"("int")"),
               Field(517, "content", R"("int")"),
               Field(515, "sequence_number", R"("long")"),
               Field(516, "min_sequence_number", R"("long")"),
               Field(503, "added_snapshot_id", R"("long")"),
               Field(504, "added_files_count", R"("int")"),
               Field(505, "existing_files_count", R"("int")"),
               Field(506, "deleted_files_count", R"("int")"),
               Field(512, "added_rows_count", R"("long")"),
               Field(513, "existing_rows_count", R"("long")"),
               Field(514, "deleted_rows_count", R"("long")"),
               Optional(507, "partitions", List(508, summary)),
               Optional(519, "key_metadata", R"("bytes")"),
           }) +
           "]}";
  }();
  return kSchema;
}

int DecimalFixedBytes(int32_t precision) {
  // The fewest bytes whose signed range holds 10^precision - 1; log2(10) as a ratio above it.
  const int bits = precision * 3322 / 1000 + 2;
  return (bits + 7) / 8;
}

std::string AvroName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool is_digit = c >= '0' && c <= '9';
    if (is_letter || (is_digit && !out.empty())) {
      out.push_back(c);
    } else if (is_digit) {
      out += '_';
      out += c;
    } else {
      std::array<char, 8> code{};
      std::snprintf(code.data(), code.size(), "_x%X",
                    static_cast<unsigned>(static_cast<uint8_t>(c)));
      out += code.data();
    }
  }
  return out;
}

}  // namespace catchwater
