/// \file
/// One description of a configuration's fields. A config struct has one template method:
///
///   struct CsvConfig {
///     std::string delimiter = ",";
///     std::vector<std::string> null_tokens = {""};
///     template <class Visitor>
///     void Describe(Visitor& field) {
///       field.Optional("delimiter", delimiter, "Character between fields.", Example{"';'"});
///       field.Optional("null_tokens", null_tokens, "Texts that mean null.");
///     }
///   };
///
/// From it come the strict reader (config/config_reader.h), the JSON Schema, the reference page and
/// the sample (config/describe_writers.h). Calls of a visitor:
///   Required(name, member, help, constraints...)     the key must be there
///   Optional(name, member, help, constraints...)     the member's initialiser is the default
///   Rest(name, map_member, help, constraints...)     all keys that are no other field; `name` is
///                                                    the word for such a key in messages
/// Members: bool, int32_t, int64_t, uint64_t, double, std::string, Duration, ByteSize, Secret,
/// enums with EnumWords (below), ConfigNode (any subtree, as it is), described structs, and of
/// these std::vector<T>, std::optional<T> and std::vector<std::pair<std::string, T>> (a map in the
/// order of the file). A described struct must not contain itself.
///
/// A struct may also have
///   static constexpr std::string_view kShortFor = "path";   a node that is no map is read as that
///       field (`file: a.csv` is short for `file: {path: a.csv}`); it must be a field's name
///   arrow::Status Check() const;   called after a clean read; a failure becomes E1405 at the node
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catchwater/base/byte_size.h"
#include "catchwater/base/duration.h"
#include "catchwater/config/yaml_tree.h"
#include "catchwater/security/secret.h"

namespace catchwater {

/// The least and the greatest value, both allowed, in the member's unit; also per list item.
struct Bounds {
  template <class Low, class High>
  constexpr Bounds(Low low, High high) : lo(Number(low)), hi(Number(high)) {}

  long double lo;  // Holds every int64 exactly.
  long double hi;

 private:
  static constexpr long double Number(Duration value) { return static_cast<long double>(value.ms); }
  static constexpr long double Number(ByteSize value) {
    return static_cast<long double>(value.bytes);
  }
  template <class T>
  requires std::is_arithmetic_v<T>
  static constexpr long double Number(T value) { return static_cast<long double>(value); }
};

/// The words that a text may be: `OneOf{{"fast", "small"}}`. For enums use EnumWords instead.
struct OneOf {
  std::vector<std::string> words;
};

/// How many items a list or map may have.
struct Count {
  int64_t lo = 0;
  int64_t hi = std::numeric_limits<int64_t>::max();
};

/// A YAML value for the sample: `Example{"data/*.csv"}`.
struct Example {
  std::string yaml;
};

/// For ConfigNode members: what stands there, "source", "codec", "step" or "sink" (a component,
/// so that the schema can list them), or a free word for people, e.g. "condition".
struct Holds {
  std::string what;
};

/// An enum becomes a member type by a function beside it that returns its words:
///   enum class OnFail { kDeadLetter, kNull, kDrop };
///   constexpr auto EnumWords(OnFail) {
///     return std::array{std::pair{OnFail::kDeadLetter, std::string_view("dead_letter")}, ...};
///   }
template <class T>
concept WordedEnum = std::is_enum_v<T> && requires(T value) {
  EnumWords(value).begin();
};

namespace describe_internal {

struct AnyVisitor {
  template <class T, class... Constraints>
  void Required(std::string_view, T&, std::string_view, const Constraints&...) {}
  template <class T, class... Constraints>
  void Optional(std::string_view, T&, std::string_view, const Constraints&...) {}
  template <class T, class... Constraints>
  void Rest(std::string_view, T&, std::string_view, const Constraints&...) {}
};

template <class T>
struct ListItem {};
template <class T>
struct ListItem<std::vector<T>> {
  using type = T;
};
template <class T>
struct MapValue {};
template <class T>
struct MapValue<std::vector<std::pair<std::string, T>>> {
  using type = T;
};
template <class T>
struct OptionalValue {};
template <class T>
struct OptionalValue<std::optional<T>> {
  using type = T;
};

}  // namespace describe_internal

/// A struct with a Describe method.
template <class T>
concept Described = requires(T value, describe_internal::AnyVisitor visitor) {
  value.Describe(visitor);
};
template <class T>
concept HasShortForm = requires {
  { T::kShortFor } -> std::convertible_to<std::string_view>;
};
template <class T>
concept HasCheck = requires(const T value) {
  { value.Check() } -> std::same_as<arrow::Status>;
};
template <class T>
concept MapMember = requires {
  typename describe_internal::MapValue<T>::type;
};
template <class T>
concept ListMember = requires {
  typename describe_internal::ListItem<T>::type;
}
&&!MapMember<T>;
template <class T>
concept OptionalMember = requires {
  typename describe_internal::OptionalValue<T>::type;
};

}  // namespace catchwater
