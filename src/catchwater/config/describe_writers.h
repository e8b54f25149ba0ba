/// \file
/// What is made from a StructDescription: JSON Schema, reference page, sample.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "catchwater/config/struct_description.h"

namespace catchwater {

/// Returns the schema of a component slot (`Holds{"source"}`), e.g. {"$ref": "#/$defs/source"};
/// null JSON: any value.
using SlotSchema = std::function<nlohmann::ordered_json(std::string_view slot)>;

/// JSON Schema (draft 2020-12) of the struct, strict: no other properties. A value may always be a
/// text with `${...}` in it, so the document needs SubstitutionSchema() as #/$defs/substitution.
nlohmann::ordered_json StructSchema(const StructDescription& description, const SlotSchema& slot);

/// A text that holds a substitution.
nlohmann::ordered_json SubstitutionSchema();

/// Schemas of durations and byte sizes, as #/$defs/duration and #/$defs/byte_size.
nlohmann::ordered_json DurationSchema();
nlohmann::ordered_json ByteSizeSchema();

/// Markdown: a table of the options, nested ones by dotted name.
/// `| `flush.every` | duration | `10s` | 100ms to 24h | Longest time between commits. |`
std::string OptionsTable(const StructDescription& description);

/// YAML with every option: required ones with their example, the others as comments with their
/// defaults, each below its help. `indent` blanks before each line.
std::string SampleYaml(const StructDescription& description, int indent);

/// "duration", "list of texts", "map of numbers", "`a`, `b`", ...
std::string TypeText(const TypeDescription& type);
/// "1 to 38", "at least 64KiB", "2 items"; empty without bounds.
std::string BoundsText(const FieldDescription& field);

}  // namespace catchwater
