#include "catchwater/lake/iceberg/metadata.h"

#include "catchwater/base/error.h"
#include "catchwater/base/json_text.h"

namespace catchwater {
namespace {

template <typename T, typename GetId>
const T* FindById(const std::vector<std::shared_ptr<const T>>& items, int32_t id, GetId get_id) {
  for (const auto& item : items) {
    if (get_id(*item) == id) return item.get();
  }
  return nullptr;
}

void AppendStringMap(std::string& out, const StringMap& map) {
  JsonObject object(out);
  for (const auto& [key, value] : map) object.Text(key, value);
  object.End();
}

std::string TypeToJson(const IcebergType& type) {
  if (type.kind == TypeKind::kNested) return type.nested_json;
  std::string out;
  AppendJsonString(out, TypeText(type));
  return out;
}

/// The text as found, or the one made from the members.
template <typename Make>
std::string TextOr(const std::map<int32_t, std::string>& found, int32_t id, Make&& make) {
  const auto text = found.find(id);
  return text == found.end() ? make() : text->second;
}

std::string SpecToJson(const PartitionSpec& spec) {
  std::string out;
  JsonObject object(out);
  object.Number("spec-id", spec.spec_id);
  object.Raw("fields", SpecFieldsToJson(spec));
  object.End();
  return out;
}

void AppendSnapshotLog(std::string& out, const TableMetadata& metadata) {
  AppendJsonArray(out, metadata.snapshot_log, [](std::string& text, const SnapshotLogEntry& entry) {
    JsonObject object(text);
    object.Number("timestamp-ms", entry.timestamp_ms);
    object.Number("snapshot-id", entry.snapshot_id);
    object.End();
  });
}

void AppendMetadataLog(std::string& out, const TableMetadata& metadata) {
  AppendJsonArray(out, metadata.metadata_log, [](std::string& text, const MetadataLogEntry& entry) {
    JsonObject object(text);
    object.Number("timestamp-ms", entry.timestamp_ms);
    object.Text("metadata-file", entry.location);
    object.End();
  });
}

void AppendRefs(std::string& out, const TableMetadata& metadata) {
  JsonObject refs(out);
  for (const auto& [name, ref] : metadata.refs) {
    std::string& text = refs.Key(name);
    if (!ref.json.empty()) {
      text += ref.json;
      continue;
    }
    JsonObject object(text);
    object.Number("snapshot-id", ref.snapshot_id);
    object.Text("type", ref.is_branch ? "branch" : "tag");
    object.End();
  }
  refs.End();
}

}  // namespace

const IcebergSchema* TableMetadata::SchemaById(int32_t id) const {
  return FindById(schemas, id, [](const IcebergSchema& schema) { return schema.schema_id; });
}

const PartitionSpec* TableMetadata::SpecById(int32_t id) const {
  return FindById(specs, id, [](const PartitionSpec& spec) { return spec.spec_id; });
}

const SortOrder* TableMetadata::SortOrderById(int32_t id) const {
  return FindById(sort_orders, id, [](const SortOrder& order) { return order.order_id; });
}

const IcebergSchema& TableMetadata::schema() const {
  const IcebergSchema* schema = SchemaById(current_schema_id);
  CATCHWATER_CHECK(schema != nullptr, "parsing and changing keep the current schema");
  return *schema;
}

const PartitionSpec& TableMetadata::spec() const {
  const PartitionSpec* spec = SpecById(default_spec_id);
  CATCHWATER_CHECK(spec != nullptr, "parsing and changing keep the default spec");
  return *spec;
}

const SortOrder& TableMetadata::sort_order() const {
  const SortOrder* order = SortOrderById(default_sort_order_id);
  CATCHWATER_CHECK(order != nullptr, "parsing and changing keep the default sort order");
  return *order;
}

const Snapshot* TableMetadata::SnapshotById(int64_t id) const {
  // The wanted one is nearly always among the youngest.
  for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
    if ((*snapshot)->snapshot_id == id) return snapshot->get();
  }
  return nullptr;
}

const Snapshot* TableMetadata::current_snapshot() const {
  return current_snapshot_id ? SnapshotById(*current_snapshot_id) : nullptr;
}

std::string SchemaToJson(const IcebergSchema& schema) {
  std::string out;
  JsonObject object(out);
  object.Text("type", "struct");
  object.Number("schema-id", schema.schema_id);
  if (!schema.identifier_field_ids.empty()) {
    AppendJsonArray(object.Key("identifier-field-ids"), schema.identifier_field_ids,
                    [](std::string& text, int32_t id) { AppendJsonNumber(text, id); });
  }
  AppendJsonArray(object.Key("fields"), schema.fields,
                  [](std::string& text, const IcebergField& field) {
                    JsonObject item(text);
                    item.Number("id", field.id);
                    item.Text("name", field.name);
                    item.Bool("required", field.is_required);
                    item.Raw("type", TypeToJson(field.type));
                    if (!field.doc.empty()) item.Text("doc", field.doc);
                    item.End();
                  });
  object.End();
  return out;
}

std::string SpecFieldsToJson(const PartitionSpec& spec) {
  std::string out;
  AppendJsonArray(out, spec.fields, [](std::string& text, const PartitionField& field) {
    JsonObject item(text);
    item.Text("name", field.name);
    item.Text("transform", TransformText(field.transform));
    item.Number("source-id", field.source_id);
    item.Number("field-id", field.field_id);
    item.End();
  });
  return out;
}

std::string SortOrderToJson(const SortOrder& order) {
  std::string out;
  JsonObject object(out);
  object.Number("order-id", order.order_id);
  AppendJsonArray(object.Key("fields"), order.fields,
                  [](std::string& text, const SortField& field) {
                    JsonObject item(text);
                    item.Text("transform", TransformText(field.transform));
                    item.Number("source-id", field.source_id);
                    item.Text("direction", field.is_descending ? "desc" : "asc");
                    item.Text("null-order", field.is_nulls_first ? "nulls-first" : "nulls-last");
                    item.End();
                  });
  object.End();
  return out;
}

void RenderSnapshot(Snapshot& snapshot) {
  snapshot.json.clear();
  JsonObject object(snapshot.json);
  object.Number("snapshot-id", snapshot.snapshot_id);
  if (snapshot.parent_snapshot_id) {
    object.Number("parent-snapshot-id", *snapshot.parent_snapshot_id);
  }
  object.Number("sequence-number", snapshot.sequence_number);
  object.Number("timestamp-ms", snapshot.timestamp_ms);
  object.Text("manifest-list", snapshot.manifest_list);
  AppendStringMap(object.Key("summary"), snapshot.summary);
  if (snapshot.schema_id) object.Number("schema-id", *snapshot.schema_id);
  object.End();
}

std::string MetadataToJson(const TableMetadata& metadata) {
  std::string out;
  out.reserve(4'096 + metadata.snapshots.size() * 800);
  JsonObject object(out);
  object.Number("format-version", 2);
  object.Text("table-uuid", metadata.table_uuid);
  object.Text("location", metadata.location);
  object.Number("last-sequence-number", metadata.last_sequence_number);
  object.Number("last-updated-ms", metadata.last_updated_ms);
  object.Number("last-column-id", metadata.last_column_id);
  object.Number("current-schema-id", metadata.current_schema_id);
  AppendJsonArray(
      object.Key("schemas"), metadata.schemas, [&](std::string& text, const auto& item) {
        text += TextOr(metadata.schema_json, item->schema_id, [&] { return SchemaToJson(*item); });
      });
  object.Number("default-spec-id", metadata.default_spec_id);
  AppendJsonArray(
      object.Key("partition-specs"), metadata.specs, [&](std::string& text, const auto& item) {
        text += TextOr(metadata.spec_json, item->spec_id, [&] { return SpecToJson(*item); });
      });
  object.Number("last-partition-id", metadata.last_partition_id);
  object.Number("default-sort-order-id", metadata.default_sort_order_id);
  AppendJsonArray(object.Key("sort-orders"), metadata.sort_orders,
                  [&](std::string& text, const auto& item) {
                    text += TextOr(metadata.sort_order_json, item->order_id,
                                   [&] { return SortOrderToJson(*item); });
                  });
  AppendStringMap(object.Key("properties"), metadata.properties);
  if (metadata.current_snapshot_id) {
    object.Number("current-snapshot-id", *metadata.current_snapshot_id);
  }
  AppendJsonArray(object.Key("snapshots"), metadata.snapshots,
                  [](std::string& text, const auto& item) { text += item->json; });
  AppendSnapshotLog(object.Key("snapshot-log"), metadata);
  AppendMetadataLog(object.Key("metadata-log"), metadata);
  AppendRefs(object.Key("refs"), metadata);
  for (const auto& [key, json] : metadata.unknown) object.Raw(key, json);
  object.End();
  return out;
}

}  // namespace catchwater
