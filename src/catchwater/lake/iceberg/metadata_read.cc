// Parsing of table metadata of any writer.
#include <algorithm>
#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/avro/json_guard.h"
#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/metadata.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

constexpr std::array<std::string_view, 18> kKnownKeys{"format-version",
                                                      "table-uuid",
                                                      "location",
                                                      "last-sequence-number",
                                                      "last-updated-ms",
                                                      "last-column-id",
                                                      "schemas",
                                                      "current-schema-id",
                                                      "partition-specs",
                                                      "default-spec-id",
                                                      "last-partition-id",
                                                      "sort-orders",
                                                      "default-sort-order-id",
                                                      "properties",
                                                      "current-snapshot-id",
                                                      "snapshots",
                                                      "snapshot-log",
                                                      "metadata-log"};

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Reads members; the first fault sticks and is told at the end.
class Reader {
 public:
  const Json& Member(const Json& object, const char* key, bool is_required) {
    static const Json kNothing;
    const auto found = object.is_object() ? object.find(key) : object.end();
    if (found != object.end() && !found->is_null()) return *found;
    if (is_required) Fail("is missing", key);
    return kNothing;
  }

  int64_t Integer(const Json& object, const char* key, bool is_required = true,
                  int64_t otherwise = 0) {
    const Json& value = Member(object, key, is_required);
    if (value.is_null()) return otherwise;
    if (!value.is_number_integer()) {
      Fail("is no integer", key);
      return otherwise;
    }
    return value.get<int64_t>();
  }

  int32_t Int(const Json& object, const char* key, bool is_required = true, int32_t otherwise = 0) {
    const int64_t value = Integer(object, key, is_required, otherwise);
    if (value < INT32_MIN || value > INT32_MAX) Fail("is out of range", key);
    return static_cast<int32_t>(value);
  }

  std::string Text(const Json& object, const char* key, bool is_required = true) {
    const Json& value = Member(object, key, is_required);
    if (value.is_null()) return {};
    if (!value.is_string()) Fail("is no text", key);
    return value.is_string() ? value.get<std::string>() : std::string();
  }

  bool Bool(const Json& object, const char* key) {
    const Json& value = Member(object, key, /*is_required=*/false);
    return value.is_boolean() && value.get<bool>();
  }

  const Json& Array(const Json& object, const char* key, bool is_required) {
    static const Json kEmpty = Json::array();
    const Json& value = Member(object, key, is_required);
    if (value.is_array()) return value;
    if (!value.is_null()) Fail("is no list", key);
    return kEmpty;
  }

  StringMap Texts(const Json& object, const char* key) {
    StringMap map;
    const Json& value = Member(object, key, /*is_required=*/false);
    if (!value.is_object()) return map;
    for (const auto& [name, text] : value.items()) {
      map[name] = text.is_string() ? text.get<std::string>() : Dump(text);
    }
    return map;
  }

  void Fail(const char* what, std::string_view key) {
    if (fault_.empty())
      fault_ = std::string("Table metadata key ") + what + ": " + std::string(key);
  }
  void Keep(const arrow::Status& status) {
    if (!status.ok() && fault_.empty()) fault_ = status.message();
  }
  arrow::Status Finish() const { return fault_.empty() ? arrow::Status::OK() : BadData(fault_); }

 private:
  std::string fault_;
};

IcebergField ReadField(Reader& in, const Json& json) {
  IcebergField field{.id = in.Int(json, "id"),
                     .name = in.Text(json, "name"),
                     .is_required = in.Bool(json, "required"),
                     .type = {},
                     .doc = in.Text(json, "doc", /*is_required=*/false)};
  const Json& type = in.Member(json, "type", /*is_required=*/true);
  if (type.is_object()) {
    field.type = IcebergType{.kind = TypeKind::kNested, .nested_json = Dump(type)};
  } else if (type.is_string()) {
    auto parsed = ParseType(type.get<std::string>());
    in.Keep(parsed.status());
    if (parsed.ok()) field.type = *parsed;
  } else {
    in.Fail("is no type", "type");
  }
  return field;
}

void ReadSchemas(Reader& in, const Json& json, TableMetadata& metadata) {
  for (const Json& item : in.Array(json, "schemas", /*is_required=*/true)) {
    auto schema = std::make_shared<IcebergSchema>();
    schema->schema_id = in.Int(item, "schema-id");
    for (const Json& field : in.Array(item, "fields", /*is_required=*/true)) {
      schema->fields.push_back(ReadField(in, field));
    }
    for (const Json& id : in.Array(item, "identifier-field-ids", /*is_required=*/false)) {
      if (id.is_number_integer()) schema->identifier_field_ids.push_back(id.get<int32_t>());
    }
    metadata.schema_json[schema->schema_id] = Dump(item);
    metadata.schemas.push_back(std::move(schema));
  }
}

Transform ReadTransform(Reader& in, const Json& json) {
  const auto transform = ParseTransform(in.Text(json, "transform"));
  in.Keep(transform.status());
  return transform.ok() ? *transform : Transform{};
}

void ReadSpecs(Reader& in, const Json& json, TableMetadata& metadata) {
  for (const Json& item : in.Array(json, "partition-specs", /*is_required=*/true)) {
    auto spec = std::make_shared<PartitionSpec>();
    spec->spec_id = in.Int(item, "spec-id");
    for (const Json& field : in.Array(item, "fields", /*is_required=*/true)) {
      spec->fields.push_back({.source_id = in.Int(field, "source-id"),
                              .field_id = in.Int(field, "field-id"),
                              .name = in.Text(field, "name"),
                              .transform = ReadTransform(in, field)});
    }
    metadata.spec_json[spec->spec_id] = Dump(item);
    metadata.specs.push_back(std::move(spec));
  }
}

void ReadSortOrders(Reader& in, const Json& json, TableMetadata& metadata) {
  for (const Json& item : in.Array(json, "sort-orders", /*is_required=*/true)) {
    auto order = std::make_shared<SortOrder>();
    order->order_id = in.Int(item, "order-id");
    for (const Json& field : in.Array(item, "fields", /*is_required=*/true)) {
      order->fields.push_back({.source_id = in.Int(field, "source-id"),
                               .transform = ReadTransform(in, field),
                               .is_descending = in.Text(field, "direction") == "desc",
                               .is_nulls_first = in.Text(field, "null-order") == "nulls-first"});
    }
    metadata.sort_order_json[order->order_id] = Dump(item);
    metadata.sort_orders.push_back(std::move(order));
  }
}

void ReadSnapshots(Reader& in, const Json& json, TableMetadata& metadata) {
  for (const Json& item : in.Array(json, "snapshots", /*is_required=*/false)) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->snapshot_id = in.Integer(item, "snapshot-id");
    if (item.is_object() && item.contains("parent-snapshot-id")) {
      snapshot->parent_snapshot_id = in.Integer(item, "parent-snapshot-id", false, -1);
      if (*snapshot->parent_snapshot_id == -1) snapshot->parent_snapshot_id.reset();
    }
    snapshot->sequence_number = in.Integer(item, "sequence-number", /*is_required=*/false);
    snapshot->timestamp_ms = in.Integer(item, "timestamp-ms");
    snapshot->manifest_list = in.Text(item, "manifest-list");
    snapshot->summary = in.Texts(item, "summary");
    if (item.is_object() && item.contains("schema-id")) {
      snapshot->schema_id = in.Int(item, "schema-id", /*is_required=*/false);
    }
    snapshot->json = Dump(item);
    metadata.snapshots.push_back(std::move(snapshot));
  }
  for (const Json& item : in.Array(json, "snapshot-log", /*is_required=*/false)) {
    metadata.snapshot_log.push_back({.timestamp_ms = in.Integer(item, "timestamp-ms"),
                                     .snapshot_id = in.Integer(item, "snapshot-id")});
  }
  for (const Json& item : in.Array(json, "metadata-log", /*is_required=*/false)) {
    metadata.metadata_log.push_back({.timestamp_ms = in.Integer(item, "timestamp-ms"),
                                     .location = in.Text(item, "metadata-file")});
  }
}

void ReadRefs(Reader& in, const Json& json, TableMetadata& metadata) {
  const int64_t current = in.Integer(json, "current-snapshot-id", /*is_required=*/false, -1);
  if (current != -1) metadata.current_snapshot_id = current;
  const Json& refs = in.Member(json, "refs", /*is_required=*/false);
  if (refs.is_object()) {
    for (const auto& [name, ref] : refs.items()) {
      metadata.refs[name] = {.snapshot_id = in.Integer(ref, "snapshot-id"),
                             .is_branch = in.Text(ref, "type") == "branch",
                             .json = Dump(ref)};
    }
  }
  if (metadata.current_snapshot_id && !metadata.refs.contains("main")) {
    metadata.refs["main"] = {.snapshot_id = *metadata.current_snapshot_id, .json = {}};
  }
}

arrow::Status CheckFormat(const Json& json) {
  if (!json.is_object()) return BadData("Table metadata is no JSON object");
  const auto version = json.find("format-version");
  if (version == json.end() || !version->is_number_integer()) {
    return BadData("Table metadata key is missing: format-version");
  }
  const auto number = version->get<int64_t>();
  if (number == 1) {
    return ConfigError(
        "Table has Iceberg format 1 and only 2 is supported; upgrade it with the program that "
        "wrote it (property format-version=2), format: 1");
  }
  if (number != 2) {
    return ConfigError(
        "Table has a newer Iceberg format than the supported 2; it was upgraded by another program "
        "and cannot go back: copy it into a new table, format: ",
        number);
  }
  return arrow::Status::OK();
}

arrow::Status CheckReferences(const TableMetadata& metadata) {
  if (metadata.SchemaById(metadata.current_schema_id) == nullptr) {
    return BadData("Table metadata lacks its current schema, id: ", metadata.current_schema_id);
  }
  if (metadata.SpecById(metadata.default_spec_id) == nullptr) {
    return BadData("Table metadata lacks its default partition spec, id: ",
                   metadata.default_spec_id);
  }
  if (metadata.SortOrderById(metadata.default_sort_order_id) == nullptr) {
    return BadData("Table metadata lacks its default sort order, id: ",
                   metadata.default_sort_order_id);
  }
  if (metadata.current_snapshot_id && metadata.current_snapshot() == nullptr) {
    return BadData("Table metadata lacks its current snapshot, id: ",
                   *metadata.current_snapshot_id);
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<TableMetadata> ParseMetadata(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(const Json json, ParseJsonGuarded(text));
  ARROW_RETURN_NOT_OK(CheckFormat(json));
  Reader in;
  TableMetadata metadata;
  metadata.table_uuid = in.Text(json, "table-uuid");
  metadata.location = in.Text(json, "location");
  metadata.last_sequence_number = in.Integer(json, "last-sequence-number");
  metadata.last_updated_ms = in.Integer(json, "last-updated-ms");
  metadata.last_column_id = in.Int(json, "last-column-id");
  metadata.current_schema_id = in.Int(json, "current-schema-id");
  metadata.default_spec_id = in.Int(json, "default-spec-id");
  metadata.last_partition_id = in.Int(json, "last-partition-id", /*is_required=*/false, 999);
  metadata.default_sort_order_id = in.Int(json, "default-sort-order-id", /*is_required=*/false);
  ReadSchemas(in, json, metadata);
  ReadSpecs(in, json, metadata);
  ReadSortOrders(in, json, metadata);
  metadata.properties = in.Texts(json, "properties");
  ReadSnapshots(in, json, metadata);
  ReadRefs(in, json, metadata);
  for (const auto& [key, value] : json.items()) {
    if (key == "refs" || std::ranges::find(kKnownKeys, key) != kKnownKeys.end()) continue;
    metadata.unknown[key] = Dump(value);
  }
  ARROW_RETURN_NOT_OK(in.Finish());
  ARROW_RETURN_NOT_OK(CheckReferences(metadata));
  return metadata;
}

}  // namespace catchwater
