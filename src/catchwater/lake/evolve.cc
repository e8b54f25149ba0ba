#include "catchwater/lake/evolve.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/lake/file_names.h"

namespace catchwater {
namespace {

constexpr int32_t kPartitionIdFirst = 1000;

/// The partition fields of the spec with ids; a field that some older spec of the table has keeps
/// its id.
std::vector<PartitionField> PartitionFieldsOf(const TableSpec& spec, const IcebergSchema& schema,
                                              const TableMetadata& base) {
  int32_t id_next = std::max(base.last_partition_id + 1, kPartitionIdFirst);
  std::vector<PartitionField> fields;
  for (const PartitionTerm& term : spec.partition) {
    const IcebergField* source = schema.FieldByName(term.column);
    CATCHWATER_CHECK(source != nullptr, "CheckTableSpec found the column");
    PartitionField field{
        .source_id = source->id, .field_id = -1, .name = term.name, .transform = term.transform};
    for (const auto& known : base.specs) {
      for (const PartitionField& old : known->fields) {
        if (old.source_id == field.source_id && old.transform == field.transform &&
            old.name == field.name) {
          field.field_id = old.field_id;
        }
      }
    }
    if (field.field_id < 0) field.field_id = id_next++;
    fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<SortField> SortFieldsOf(const TableSpec& spec, const IcebergSchema& schema) {
  std::vector<SortField> fields;
  for (const SortTerm& term : spec.sort) {
    const IcebergField* source = schema.FieldByName(term.column);
    CATCHWATER_CHECK(source != nullptr, "CheckTableSpec found the column");
    fields.push_back({.source_id = source->id,
                      .transform = {},
                      .is_descending = term.is_descending,
                      .is_nulls_first = !term.is_descending});
  }
  return fields;
}

arrow::Status DoNotGoTogether(const TableSpec& spec, const std::string& column,
                              const IcebergType& table, const IcebergType& wanted) {
  return ConfigError(
      "Column of the table cannot become the declared type; use another table or column name, "
      "table, column, type in the table and declared type: ",
      spec.table_key, " ", column, " ", TypeText(table), " ", TypeText(wanted));
}

/// Brings one column of the schema to the declared type. \return true if something changed
arrow::Result<bool> EvolveField(const TableSpec& spec, const arrow::Field& wanted,
                                IcebergField& field) {
  ARROW_ASSIGN_OR_RAISE(const IcebergType type, TypeFromArrow(*wanted.type()));
  bool is_changed = false;
  if (!(field.type == type)) {
    if (CanPromote(field.type, type)) {
      field.type = type;
      is_changed = true;
    } else if (!CanPromote(type, field.type)) {  // A narrower batch fits into the wider column.
      return DoNotGoTogether(spec, field.name, field.type, type);
    }
  }
  if (field.is_required && wanted.nullable()) {
    field.is_required = false;
    is_changed = true;
  }
  return is_changed;
}

arrow::Result<bool> EvolveSchema(const TableSpec& spec, TableMetadata& next,
                                 IcebergSchema& schema) {
  bool is_changed = false;
  for (const auto& wanted : spec.schema->fields()) {
    const auto found = std::ranges::find(schema.fields, wanted->name(), &IcebergField::name);
    if (found != schema.fields.end()) {
      ARROW_ASSIGN_OR_RAISE(const bool is_field_changed, EvolveField(spec, *wanted, *found));
      is_changed = is_changed || is_field_changed;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(IcebergType type, TypeFromArrow(*wanted->type()));
    schema.fields.push_back({.id = ++next.last_column_id,
                             .name = wanted->name(),
                             .is_required = false,  // Rows that are there have no value.
                             .type = std::move(type)});
    is_changed = true;
  }
  for (IcebergField& field : schema.fields) {
    if (field.is_required && spec.schema->GetFieldByName(field.name) == nullptr) {
      field.is_required = false;  // New rows will have no value.
      is_changed = true;
    }
  }
  return is_changed;
}

template <typename Item, typename GetId>
int32_t NextId(const std::vector<std::shared_ptr<const Item>>& items, GetId get_id) {
  int32_t next = 0;
  for (const auto& item : items) next = std::max(next, get_id(*item) + 1);
  return next;
}

bool EvolveSpec(const TableSpec& spec, const IcebergSchema& schema, TableMetadata& next) {
  std::vector<PartitionField> fields = PartitionFieldsOf(spec, schema, next);
  if (next.spec().fields == fields) return false;
  for (const auto& known : next.specs) {
    if (known->fields == fields) {
      next.default_spec_id = known->spec_id;
      return true;
    }
  }
  for (const PartitionField& field : fields) {
    next.last_partition_id = std::max(next.last_partition_id, field.field_id);
  }
  PartitionSpec added{.spec_id = NextId(next.specs, [](const auto& s) { return s.spec_id; }),
                      .fields = std::move(fields)};
  next.default_spec_id = added.spec_id;
  next.specs.push_back(std::make_shared<const PartitionSpec>(std::move(added)));
  return true;
}

bool EvolveSort(const TableSpec& spec, const IcebergSchema& schema, TableMetadata& next) {
  std::vector<SortField> fields = SortFieldsOf(spec, schema);
  if (next.sort_order().fields == fields) return false;
  for (const auto& known : next.sort_orders) {
    if (known->fields == fields) {
      next.default_sort_order_id = known->order_id;
      return true;
    }
  }
  // Order 0 is reserved for "not sorted".
  const int32_t id = fields.empty() ? 0 : std::max(1, NextId(next.sort_orders, [](const auto& s) {
                                                     return s.order_id;
                                                   }));
  next.default_sort_order_id = id;
  next.sort_orders.push_back(
      std::make_shared<const SortOrder>(SortOrder{.order_id = id, .fields = std::move(fields)}));
  return true;
}

StringMap WantedProperties(const TableSpec& spec) {
  StringMap wanted = spec.properties;
  if (!spec.event_time_column.empty()) wanted[kEventTimeProperty] = spec.event_time_column;
  return wanted;
}

}  // namespace

arrow::Result<TableMetadata> NewTableMetadata(const TableSpec& spec, std::string table_uuid,
                                              std::string location, int64_t now_ms) {
  TableMetadata metadata;
  metadata.table_uuid = std::move(table_uuid);
  metadata.location = std::move(location);
  metadata.last_updated_ms = now_ms;
  auto schema = std::make_shared<IcebergSchema>();
  for (const auto& field : spec.schema->fields()) {
    ARROW_ASSIGN_OR_RAISE(IcebergType type, TypeFromArrow(*field->type()));
    schema->fields.push_back({.id = ++metadata.last_column_id,
                              .name = field->name(),
                              .is_required = !field->nullable(),
                              .type = std::move(type)});
  }
  PartitionSpec partition{.spec_id = 0, .fields = PartitionFieldsOf(spec, *schema, metadata)};
  for (const PartitionField& field : partition.fields) {
    metadata.last_partition_id = std::max(metadata.last_partition_id, field.field_id);
  }
  metadata.specs.push_back(std::make_shared<const PartitionSpec>(std::move(partition)));
  metadata.sort_orders.push_back(std::make_shared<const SortOrder>());
  EvolveSort(spec, *schema, metadata);
  metadata.schemas.push_back(std::move(schema));
  metadata.properties = WantedProperties(spec);
  return metadata;
}

arrow::Result<std::optional<TableMetadata>> EvolveMetadata(const TableMetadata& base,
                                                           const TableSpec& spec) {
  TableMetadata next = base;
  IcebergSchema schema = base.schema();
  ARROW_ASSIGN_OR_RAISE(bool is_changed, EvolveSchema(spec, next, schema));
  if (is_changed) {
    schema.schema_id = NextId(next.schemas, [](const auto& s) { return s.schema_id; });
    next.current_schema_id = schema.schema_id;
    next.schemas.push_back(std::make_shared<const IcebergSchema>(schema));
  }
  is_changed = EvolveSpec(spec, schema, next) || is_changed;
  is_changed = EvolveSort(spec, schema, next) || is_changed;
  for (const auto& [key, value] : WantedProperties(spec)) {
    std::string& present = next.properties[key];
    is_changed = is_changed || present != value;
    present = value;
  }
  if (!is_changed) return std::nullopt;
  return next;
}

bool EvolveChange::IsFulfilledBy(Lake& lake) const {
  const auto state = lake.LoadTable(spec_.table_key);
  if (!state.ok()) return false;
  const auto evolved = EvolveMetadata(*(*state)->metadata, spec_);
  return evolved.ok() && !evolved->has_value();
}

arrow::Result<std::optional<PreparedChange>> EvolveChange::Prepare(
    const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) {
  std::optional<TableMetadata> next;
  if (base == nullptr) {
    const std::string folder = lake_.TableFolder(spec_.table_key);
    ARROW_RETURN_NOT_OK(lake_.files().CreateDirectories(folder + "/data"));
    ARROW_RETURN_NOT_OK(lake_.files().CreateDirectories(folder + "/metadata"));
    ARROW_RETURN_NOT_OK(lake_.files().SyncDirectory(folder));
    ARROW_RETURN_NOT_OK(lake_.files().SyncDirectory(folder.substr(0, folder.rfind('/'))));
    ARROW_RETURN_NOT_OK(lake_.files().SyncDirectory(lake_.options().warehouse));
    ARROW_ASSIGN_OR_RAISE(
        next, NewTableMetadata(spec_, lake_.NewUuid(), UriOfPath(folder), stamp.now_us / 1000));
  } else {
    ARROW_ASSIGN_OR_RAISE(next, EvolveMetadata(*base->metadata, spec_));
    if (!next) return std::nullopt;
    next->last_updated_ms = std::max(stamp.now_us / 1000, base->metadata->last_updated_ms);
  }
  ARROW_ASSIGN_OR_RAISE(PreparedChange prepared,
                        WriteNextMetadata(lake_, spec_.table_key, base, std::move(*next), stamp));
  prepared.swap.operation = "metadata";
  return prepared;
}

arrow::Result<PreparedChange> WriteNextMetadata(Lake& lake, const std::string& table_key,
                                                const std::shared_ptr<const TableState>& base,
                                                TableMetadata next, const CommitStamp& stamp,
                                                UnsyncedFiles unsynced) {
  PreparedChange prepared;
  int64_t version = 0;
  if (base != nullptr) {
    version = MetadataVersion(base->location) + 1;
    next.metadata_log.push_back(
        {.timestamp_ms = base->metadata->last_updated_ms, .location = base->location});
  }
  const auto log_max = static_cast<size_t>(lake.options().metadata_log_max);
  while (next.metadata_log.size() > log_max) {
    ARROW_ASSIGN_OR_RAISE(std::string old, PathOfUri(next.metadata_log.front().location));
    prepared.superseded.push_back(
        {.path = std::move(old),
         .table_key = table_key,
         .not_before_us = stamp.now_us + lake.options().metadata_grace_us});
    next.metadata_log.erase(next.metadata_log.begin());
  }
  ARROW_ASSIGN_OR_RAISE(const std::string table_folder, PathOfUri(next.location));
  const std::string folder = table_folder + "/metadata";
  const std::string path =
      folder + "/" +
      MetadataName(MakeWriterTag(stamp.lease, stamp.epoch), version, lake.NewRandom());
  prepared.written_paths.push_back(path);
  arrow::Status written = unsynced.Write(lake.files(), path, MetadataToJson(next));
  if (written.ok()) written = unsynced.SyncAll();
  if (written.ok()) written = lake.files().SyncDirectory(folder);
  if (!written.ok()) {
    // Nobody hears of it. What stays is found by orphan clean-up.
    static_cast<void>(lake.files().Remove(path));
    return written;
  }
  ARROW_ASSIGN_OR_RAISE(prepared.next,
                        MakeTableState(table_key, UriOfPath(path),
                                       std::make_shared<const TableMetadata>(std::move(next))));
  prepared.swap.table_key = table_key;
  prepared.swap.expected = base == nullptr ? "" : base->location;
  prepared.swap.next = prepared.next->location;
  prepared.swap.schema_id = prepared.next->metadata->current_schema_id;
  return prepared;
}

}  // namespace catchwater
