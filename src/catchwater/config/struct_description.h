/// \file
/// The fields of a config struct as plain values: what the schema, reference page and sample are
/// made from. Made by visiting Describe() once with a default-constructed struct.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catchwater/config/describe.h"

namespace catchwater {

enum class FieldType {
  kBool,
  kInt,
  kDouble,
  kText,
  kDuration,
  kByteSize,
  kSecret,
  kWord,  ///< One of `words`.
  kList,
  kMap,
  kStruct,
  kNode,
};

struct StructDescription;

struct TypeDescription {
  FieldType type = FieldType::kText;
  std::vector<std::string> words;                   ///< kWord
  std::shared_ptr<const TypeDescription> item;      ///< kList, kMap
  std::shared_ptr<const StructDescription> fields;  ///< kStruct
};

struct FieldDescription {
  std::string name;
  std::string help;
  TypeDescription type;
  bool is_required = false;
  bool is_rest = false;
  std::string default_json;  ///< Empty: none.
  std::optional<Bounds> bounds;
  std::optional<Count> count;
  std::string example_yaml;
  std::string holds;  ///< kNode, or lists and maps of them.
};

struct StructDescription {
  std::vector<FieldDescription> fields;
  std::string short_for;  ///< The field that a node which is no map is read as; empty: none.

  const FieldDescription* Find(std::string_view name) const;
};

template <Described T>
StructDescription DescribeStruct();

namespace describe_internal {

void Constrain(FieldDescription& field, const Bounds& bounds);
void Constrain(FieldDescription& field, const OneOf& words);
void Constrain(FieldDescription& field, const Count& count);
void Constrain(FieldDescription& field, const Example& example);
void Constrain(FieldDescription& field, const Holds& holds);

std::string QuoteJson(std::string_view text);
std::string DoubleJson(double value);

template <class T>
TypeDescription DescribeType() {
  if constexpr (OptionalMember<T>) {
    return DescribeType<typename OptionalValue<T>::type>();
  } else if constexpr (MapMember<T>) {
    using Value = typename MapValue<T>::type;
    return {FieldType::kMap, {}, std::make_shared<TypeDescription>(DescribeType<Value>()), {}};
  } else if constexpr (ListMember<T>) {
    using Item = typename ListItem<T>::type;
    return {FieldType::kList, {}, std::make_shared<TypeDescription>(DescribeType<Item>()), {}};
  } else if constexpr (Described<T>) {
    return {FieldType::kStruct, {}, {}, std::make_shared<StructDescription>(DescribeStruct<T>())};
  } else if constexpr (WordedEnum<T>) {
    TypeDescription type{FieldType::kWord, {}, {}, {}};
    for (const auto& [value, word] : EnumWords(T{})) type.words.emplace_back(word);
    return type;
  } else if constexpr (std::is_same_v<T, bool>) {
    return {FieldType::kBool, {}, {}, {}};
  } else if constexpr (std::is_integral_v<T>) {
    return {FieldType::kInt, {}, {}, {}};
  } else if constexpr (std::is_floating_point_v<T>) {
    return {FieldType::kDouble, {}, {}, {}};
  } else if constexpr (std::is_same_v<T, Duration>) {
    return {FieldType::kDuration, {}, {}, {}};
  } else if constexpr (std::is_same_v<T, ByteSize>) {
    return {FieldType::kByteSize, {}, {}, {}};
  } else if constexpr (std::is_same_v<T, Secret>) {
    return {FieldType::kSecret, {}, {}, {}};
  } else if constexpr (std::is_same_v<T, ConfigNode>) {
    return {FieldType::kNode, {}, {}, {}};
  } else {
    static_assert(std::is_same_v<T, std::string>, "not a type of a config member");
    return {FieldType::kText, {}, {}, {}};
  }
}

/// The member's initialiser as JSON; empty where there is nothing to show.
template <class T>
std::string DefaultJson(const T& value) {
  if constexpr (OptionalMember<T>) {
    return value ? DefaultJson(*value) : std::string();
  } else if constexpr (MapMember<T> || Described<T> || std::is_same_v<T, Secret> ||
                       std::is_same_v<T, ConfigNode>) {
    return {};
  } else if constexpr (ListMember<T>) {
    std::string json = "[";
    for (const auto& item : value) {
      if (json.size() > 1) json += ", ";
      json += DefaultJson(item);
    }
    return json + "]";
  } else if constexpr (WordedEnum<T>) {
    for (const auto& [candidate, word] : EnumWords(value)) {
      if (candidate == value) return QuoteJson(word);
    }
    return {};
  } else if constexpr (std::is_same_v<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return DoubleJson(value);
  } else if constexpr (std::is_same_v<T, Duration>) {
    return QuoteJson(FormatDuration(value));
  } else if constexpr (std::is_same_v<T, ByteSize>) {
    return QuoteJson(FormatByteSize(value));
  } else {
    return QuoteJson(value);
  }
}

/// The visitor that collects.
class StructDescriber {
 public:
  explicit StructDescriber(StructDescription& description) : description_(description) {}

  template <class T, class... Constraints>
  void Required(std::string_view name, T&, std::string_view help, const Constraints&... rules) {
    Constrained(New<T>(name, help), rules...).is_required = true;
  }
  template <class T, class... Constraints>
  void Optional(std::string_view name, T& member, std::string_view help,
                const Constraints&... rules) {
    Constrained(New<T>(name, help), rules...).default_json = DefaultJson(member);
  }
  template <MapMember T, class... Constraints>
  void Rest(std::string_view name, T&, std::string_view help, const Constraints&... rules) {
    Constrained(New<T>(name, help), rules...).is_rest = true;
  }

 private:
  template <class T>
  FieldDescription& New(std::string_view name, std::string_view help) {
    FieldDescription field;
    field.name = name;
    field.help = help;
    field.type = DescribeType<T>();
    return description_.fields.emplace_back(std::move(field));
  }
  template <class... Constraints>
  FieldDescription& Constrained(FieldDescription& field, const Constraints&... rules) {
    (Constrain(field, rules), ...);
    return field;
  }

  StructDescription& description_;
};

}  // namespace describe_internal

template <Described T>
StructDescription DescribeStruct() {
  StructDescription description;
  if constexpr (HasShortForm<T>) description.short_for = T::kShortFor;
  T value;
  describe_internal::StructDescriber describer(description);
  value.Describe(describer);
  return description;
}

}  // namespace catchwater
