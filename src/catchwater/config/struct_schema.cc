// StructSchema(): descriptions as JSON Schema.
#include <nlohmann/json.hpp>

#include "catchwater/config/describe_writers.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

Json Reference(std::string_view name) { return {{"$ref", "#/$defs/" + std::string(name)}}; }

// A scalar may be a substitution instead. Texts may be one anyway.
Json OrSubstitution(Json schema) {
  return {{"anyOf", Json::array({std::move(schema), Reference("substitution")})}};
}

// Whole bounds are written as integers, so that 5 is not 5.0.
Json Number(long double value) {
  const auto whole = static_cast<int64_t>(value);
  if (static_cast<long double>(whole) == value) return whole;
  return static_cast<double>(value);
}

void AddBounds(const FieldDescription& field, Json& schema) {
  if (!field.bounds) return;
  if (field.bounds->lo > static_cast<long double>(INT64_MIN)) {
    schema["minimum"] = Number(field.bounds->lo);
  }
  if (field.bounds->hi < static_cast<long double>(INT64_MAX)) {
    schema["maximum"] = Number(field.bounds->hi);
  }
}

void AddCount(const FieldDescription& field, bool is_map, Json& schema) {
  if (!field.count) return;
  if (field.count->lo > 0) schema[is_map ? "minProperties" : "minItems"] = field.count->lo;
  if (field.count->hi < INT64_MAX) {
    schema[is_map ? "maxProperties" : "maxItems"] = field.count->hi;
  }
}

Json TypeSchema(const TypeDescription& type, const FieldDescription& field, const SlotSchema& slot);

Json TextSchema() {
  // The reader takes `name: 5` as the text 5, so the schema does, too.
  return {{"type", Json::array({"string", "number", "boolean"})}};
}

Json ContainerSchema(const TypeDescription& type, const FieldDescription& field,
                     const SlotSchema& slot) {
  FieldDescription items = field;
  items.count.reset();
  const bool is_map = type.type == FieldType::kMap;
  Json schema{{"type", is_map ? "object" : "array"}};
  schema[is_map ? "additionalProperties" : "items"] = TypeSchema(*type.item, items, slot);
  AddCount(field, is_map, schema);
  return schema;
}

Json TypeSchema(const TypeDescription& type, const FieldDescription& field,
                const SlotSchema& slot) {
  switch (type.type) {
    case FieldType::kBool:
      return OrSubstitution({{"type", "boolean"}});
    case FieldType::kInt:
    case FieldType::kDouble: {
      Json schema{{"type", type.type == FieldType::kInt ? "integer" : "number"}};
      AddBounds(field, schema);
      return OrSubstitution(std::move(schema));
    }
    case FieldType::kText:
    case FieldType::kSecret:
      return TextSchema();
    case FieldType::kDuration:
      return OrSubstitution(Reference("duration"));
    case FieldType::kByteSize:
      return OrSubstitution(Reference("byte_size"));
    case FieldType::kWord: {
      Json words = Json::array();
      for (const std::string& word : type.words) {
        words.push_back(word == "null" ? Json(nullptr) : Json(word));
        if (word == "null") words.push_back("null");
        if (word == "true" || word == "false") words.push_back(word == "true");
      }
      return OrSubstitution({{"enum", std::move(words)}});
    }
    case FieldType::kList:
    case FieldType::kMap:
      return ContainerSchema(type, field, slot);
    case FieldType::kStruct:
      return StructSchema(*type.fields, slot);
    case FieldType::kNode: {
      Json schema = slot && !field.holds.empty() ? slot(field.holds) : Json();
      return schema.is_null() ? Json::object() : schema;
    }
  }
  return Json::object();
}

Json FieldSchema(const FieldDescription& field, const SlotSchema& slot) {
  Json schema = TypeSchema(field.type, field, slot);
  std::string text = field.help;
  const bool is_unit_type =
      field.type.type == FieldType::kDuration || field.type.type == FieldType::kByteSize;
  if (is_unit_type && field.bounds) text += " Bounds: " + BoundsText(field) + ".";
  schema["description"] = std::move(text);
  if (!field.default_json.empty()) schema["default"] = Json::parse(field.default_json);
  return schema;
}

Json MapSchema(const StructDescription& description, const SlotSchema& slot) {
  Json schema{{"type", "object"}, {"properties", Json::object()}};
  Json required = Json::array();
  schema["additionalProperties"] = false;
  for (const FieldDescription& field : description.fields) {
    if (field.is_rest) {
      FieldDescription value = field;
      value.count.reset();
      schema["additionalProperties"] = TypeSchema(*field.type.item, value, slot);
      AddCount(field, /*is_map=*/true, schema);
      continue;
    }
    schema["properties"][field.name] = FieldSchema(field, slot);
    if (field.is_required) required.push_back(field.name);
  }
  if (!required.empty()) schema["required"] = std::move(required);
  return schema;
}

}  // namespace

Json StructSchema(const StructDescription& description, const SlotSchema& slot) {
  Json schema = MapSchema(description, slot);
  Json forms = Json::array();
  const FieldDescription* short_for = description.Find(description.short_for);
  const bool can_be_empty = !schema.contains("required") && !schema.contains("minProperties");
  if (short_for == nullptr && !can_be_empty) return schema;
  if (short_for == nullptr) {
    // Nothing behind the key stands for an empty map.
    schema["type"] = Json::array({"object", "null"});
    return schema;
  }
  forms.push_back(std::move(schema));
  forms.push_back(FieldSchema(*short_for, slot));
  if (can_be_empty) forms.push_back({{"type", "null"}});
  return {{"anyOf", std::move(forms)}};
}

Json SubstitutionSchema() {
  return {{"type", "string"},
          {"pattern", R"(\$\{[^}]+\})"},
          {"description", "The value of a variable: ${NAME} or ${NAME:default}."}};
}

Json DurationSchema() {
  return {{"type", "string"},
          {"pattern", "^0*[1-9][0-9]*(ms|s|m|h|d)$"},
          {"description", "A positive whole number and a unit: ms, s, m, h or d."}};
}

Json ByteSizeSchema() {
  return {
      {"anyOf", Json::array({{{"type", "integer"}, {"minimum", 0}},
                             {{"type", "string"}, {"pattern", "^[0-9]+(B|[KMGT]iB|[kKMGT]B)?$"}}})},
      {"description", "A number of bytes, or with a unit: KiB, MiB, GiB, kB, MB, GB."}};
}

}  // namespace catchwater
