/// \file
/// The strict reader: a YAML subtree into a described struct. All mistakes of the subtree are
/// reported, not only the first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catchwater/config/read_scalar.h"

namespace catchwater {

namespace describe_internal {

template <class T>
bool ReadValue(const ConfigNode& node, const ReadContext& context, T& out);

/// The visitor that reads the fields of one struct.
class StructReader {
 public:
  /// \param short_for the only field that is read, from the node itself; empty: all, from a map
  StructReader(const ConfigNode& node, const Where& where, std::string_view short_for,
               Diagnostics& diagnostics)
      : node_(node),
        where_(where),
        short_for_(short_for),
        diagnostics_(diagnostics),
        keys_(node, where, diagnostics) {}

  template <class T, class... Constraints>
  void Required(std::string_view name, T& member, std::string_view help,
                const Constraints&... rules) {
    Field(name, member, help, /*is_required=*/true, rules...);
  }
  template <class T, class... Constraints>
  void Optional(std::string_view name, T& member, std::string_view help,
                const Constraints&... rules) {
    Field(name, member, help, /*is_required=*/false, rules...);
  }
  template <MapMember T, class... Constraints>
  void Rest(std::string_view, T& member, std::string_view, const Constraints&... rules) {
    FieldRules collected;
    (collected.Add(rules), ...);
    // Runs when all other fields are known.
    read_rest_ = [this, &member, collected] {
      ReadValue(ConfigNode::Map(keys_.Others(), node_.place()),
                ReadContext{where_, collected, diagnostics_}, member);
    };
  }
  void Finish();

 private:
  template <class T, class... Constraints>
  void Field(std::string_view name, T& member, std::string_view help, bool is_required,
             const Constraints&... rules) {
    const bool is_short = !short_for_.empty();
    if (is_short && name != short_for_) {
      if (is_required) keys_.ReportMissing(name, help);
      return;
    }
    const ConfigNode value = is_short ? node_ : keys_.Take(name);
    if (value.is_missing()) {
      if (is_required) keys_.ReportMissing(name, help);
      return;
    }
    FieldRules collected;
    (collected.Add(rules), ...);
    const Where child = is_short ? where_ : where_.Child(name);
    ReadValue(value, ReadContext{child, collected, diagnostics_}, member);
  }

  const ConfigNode& node_;
  const Where& where_;
  std::string_view short_for_;
  Diagnostics& diagnostics_;
  KeyTracker keys_;
  std::function<void()> read_rest_;
};

template <Described T>
bool ReadStruct(const ConfigNode& node, const ReadContext& context, T& out) {
  std::string_view short_for;
  // A null stands for an empty map: `console:` is `console: {}`.
  if (!node.is_map() && !node.is_null()) {
    if constexpr (HasShortForm<T>) short_for = T::kShortFor;
    if (short_for.empty() && !ExpectMap(node, context)) return false;
  }
  const int64_t errors_before = context.diagnostics.error_count();
  StructReader reader(node, context.where, short_for, context.diagnostics);
  out.Describe(reader);
  reader.Finish();
  if (context.diagnostics.error_count() != errors_before) return false;
  if constexpr (HasCheck<T>) {
    if (const arrow::Status status = std::as_const(out).Check(); !status.ok()) {
      ReportFailedCheck(node, context.where, status, context.diagnostics);
      return false;
    }
  }
  return true;
}

template <class T>
bool ReadValue(const ConfigNode& node, const ReadContext& context, T& out) {
  const Where& where = context.where;
  if constexpr (std::is_same_v<T, ConfigNode>) {
    out = node;
    return true;
  } else if constexpr (OptionalMember<T>) {
    return ReadValue(node, context, out.emplace());
  } else if constexpr (Described<T>) {
    return ReadStruct(node, context, out);
  } else if constexpr (WordedEnum<T>) {
    std::vector<std::string> words;
    for (const auto& [value, word] : EnumWords(T{})) words.emplace_back(word);
    const auto index = ReadWord(node, context, words);
    if (index) out = (EnumWords(T{}).begin() + static_cast<std::ptrdiff_t>(*index))->first;
    return index.has_value();
  } else if constexpr (MapMember<T>) {
    if (!ExpectMap(node, context)) return false;
    bool is_good = true;
    const FieldRules rules = context.rules.ForItems();
    out.clear();
    for (const ConfigEntry& entry : node.entries()) {
      const Where child = where.Child(entry.key);
      auto& value = out.emplace_back(entry.key, typename MapValue<T>::type{}).second;
      is_good &= ReadValue(entry.value, {child, rules, context.diagnostics}, value);
    }
    return is_good;
  } else if constexpr (ListMember<T>) {
    if (!ExpectList(node, context)) return false;
    bool is_good = true;
    const FieldRules rules = context.rules.ForItems();
    out.clear();
    for (size_t i = 0; i < node.items().size(); ++i) {
      const Where child = where.Item(i);
      typename ListItem<T>::type item{};
      is_good &= ReadValue(node.items()[i], {child, rules, context.diagnostics}, item);
      out.push_back(std::move(item));
    }
    return is_good;
  } else {
    return ReadScalar(node, context, out);
  }
}

}  // namespace describe_internal

/// Reads the subtree into the struct. \return false if there were errors; they are in the
/// diagnostics and the struct is partly filled
template <Described T>
bool ReadConfig(const ConfigNode& node, const Where& where, Diagnostics& diagnostics, T& out) {
  const describe_internal::FieldRules rules;
  return describe_internal::ReadStruct(
      node, describe_internal::ReadContext{where, rules, diagnostics}, out);
}
template <Described T>
bool ReadConfig(const ConfigNode& node, std::string_view owner, Diagnostics& diagnostics, T& out) {
  return ReadConfig(node, Where{.owner = std::string(owner)}, diagnostics, out);
}

}  // namespace catchwater
