#include "catchwater/config/struct_description.h"

#include <array>
#include <charconv>

#include <nlohmann/json.hpp>

namespace catchwater {

const FieldDescription* StructDescription::Find(std::string_view name) const {
  for (const FieldDescription& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

namespace describe_internal {

void Constrain(FieldDescription& field, const Bounds& bounds) { field.bounds = bounds; }

void Constrain(FieldDescription& field, const OneOf& words) {
  // On a list or map it holds for the items.
  if (field.type.item) {
    TypeDescription item = *field.type.item;
    item.type = FieldType::kWord;
    item.words = words.words;
    field.type.item = std::make_shared<const TypeDescription>(std::move(item));
  } else {
    field.type.type = FieldType::kWord;
    field.type.words = words.words;
  }
}

void Constrain(FieldDescription& field, const Count& count) { field.count = count; }
void Constrain(FieldDescription& field, const Example& example) {
  field.example_yaml = example.yaml;
}
void Constrain(FieldDescription& field, const Holds& holds) { field.holds = holds.what; }

std::string QuoteJson(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string DoubleJson(double value) {
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), end);
}

}  // namespace describe_internal
}  // namespace catchwater
