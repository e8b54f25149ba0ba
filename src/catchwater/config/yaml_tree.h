/// \file
/// YAML as an immutable tree that knows where everything stands.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/diagnostic.h"
#include "catchwater/config/environment.h"
#include "catchwater/config/source_text.h"

namespace catchwater {

struct ConfigEntry;

/// A handle to a subtree; cheap to copy; immutable; any thread. The default one is kMissing.
class ConfigNode {
 public:
  enum class Kind { kMissing, kNull, kScalar, kSequence, kMap };

  ConfigNode();

  Kind kind() const;
  bool is_missing() const { return kind() == Kind::kMissing; }
  bool is_null() const { return kind() == Kind::kNull; }
  bool is_scalar() const { return kind() == Kind::kScalar; }
  bool is_sequence() const { return kind() == Kind::kSequence; }
  bool is_map() const { return kind() == Kind::kMap; }

  /// The scalar's text with variables put in; empty for others. May be a secret: do not show it.
  const std::string& text() const;
  /// What may be shown: the text as written in the file, before substitution.
  const std::string& shown() const;
  /// The scalar was quoted or a block (`|`), so it is a text whatever it looks like.
  bool is_quoted() const;
  /// The text contains the value of a variable or a file.
  bool is_substituted() const;
  /// The substitution failed, which is reported already: there is no value to judge.
  bool is_unknown() const;

  /// Items of a sequence, in order; empty for others.
  const std::vector<ConfigNode>& items() const;
  /// Entries of a map, in the order of the file; keys are unique; empty for others.
  const std::vector<ConfigEntry>& entries() const;
  /// The entry of a map, or null.
  const ConfigEntry* Find(std::string_view key) const;
  /// The value of the key, or a missing node.
  ConfigNode At(std::string_view key) const;

  const Place& place() const;
  /// Nodes in the subtree, aliases counted as often as they are used.
  int64_t node_count() const;

  /// "a map", "a list", "a text", "empty": for messages.
  std::string_view KindName() const;

  /// Makers for trees that come from no file (tests, shorthands). `place` is where to point at.
  static ConfigNode Scalar(std::string text, Place place = {}, bool is_quoted = false);
  static ConfigNode Sequence(std::vector<ConfigNode> items, Place place = {});
  static ConfigNode Map(std::vector<ConfigEntry> entries, Place place = {});

  /// Returns a map with the value at the key replaced or added at the end.
  ConfigNode With(std::string_view key, const ConfigNode& value, const Place& key_place) const;

 private:
  friend class YamlTreeBuilder;
  struct Content;
  explicit ConfigNode(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::shared_ptr<const Content> content_;  // Never null.
};

struct ConfigEntry {
  std::string key;
  Place key_place;
  ConfigNode value;
};

struct YamlLimits {
  int64_t byte_count_max = 1 << 20;
  int64_t depth_max = 64;
  /// Nodes with aliases expanded: stops "billion laughs".
  int64_t node_count_max = 200'000;
};

/// Parses one YAML document. Everything that is wrong is added to the diagnostics (E10xx); then
/// the tree may be partial, and it is missing when the text is not YAML at all. Variables are put
/// into scalars once. Throws nothing.
ConfigNode ParseYaml(std::shared_ptr<const SourceText> source, const Environment& environment,
                     Diagnostics& diagnostics, const YamlLimits& limits = {});

/// The same for a text that is shown as another one: `text` with blanks where they differ. For
/// flags, whose value is YAML and whose whole is shown.
ConfigNode ParseYamlShownAs(std::shared_ptr<const SourceText> shown, const std::string& text,
                            const Environment& environment, Diagnostics& diagnostics,
                            const YamlLimits& limits = {});

/// The same for a text without a file, as in tests.
ConfigNode ParseYamlText(std::string_view name, std::string_view text,
                         const Environment& environment, Diagnostics& diagnostics);

/// Writes the tree as YAML in flow style with variables as written: `{a: 1, b: [x, "${Y}"]}`.
std::string ToYaml(const ConfigNode& node);

}  // namespace catchwater
