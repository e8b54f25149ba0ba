/// \file
/// The part of the strict reader that needs no templates: scalars, words, keys and their messages.
/// Components use config/config_reader.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/status.h>

#include "catchwater/config/describe.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {

/// What a message calls the subtree that is being read: "source `file`", then "`take.min_files` of
/// source `file`". An implied owner is named only where there is no path ("the pipeline").
struct Where {
  std::string owner{};
  std::string path{};
  bool is_owner_implied = false;

  Where Child(std::string_view name) const;
  Where Item(size_t index) const;
  std::string ToString() const;
};

namespace describe_internal {

/// The constraints of one field.
struct FieldRules {
  std::optional<Bounds> bounds;
  std::optional<Count> count;
  std::vector<std::string> words;

  /// What holds for the items of a list or map: all but their number.
  FieldRules ForItems() const { return {bounds, std::nullopt, words}; }

  void Add(const Bounds& rule) { bounds = rule; }
  void Add(const OneOf& rule) { words = rule.words; }
  void Add(const Count& rule) { count = rule; }
  void Add(const Example&) {}
  void Add(const Holds&) {}
};

/// Where, rules and diagnostics of the value being read.
struct ReadContext {
  const Where& where;
  const FieldRules& rules;
  Diagnostics& diagnostics;
};

bool ReadScalar(const ConfigNode& node, const ReadContext& context, bool& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, int64_t& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, uint64_t& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, int32_t& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, double& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, std::string& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, Duration& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, ByteSize& out);
bool ReadScalar(const ConfigNode& node, const ReadContext& context, Secret& out);
/// The index of the word, or nothing.
std::optional<size_t> ReadWord(const ConfigNode& node, const ReadContext& context,
                               const std::vector<std::string>& words);
bool ExpectList(const ConfigNode& node, const ReadContext& context);
bool ExpectMap(const ConfigNode& node, const ReadContext& context);
void ReportFailedCheck(const ConfigNode& node, const Where& where, const arrow::Status& failure,
                       Diagnostics& diagnostics);

/// The part of a struct's reading that needs no types: which keys are known, which are missing.
class KeyTracker {
 public:
  KeyTracker(const ConfigNode& node, const Where& where, Diagnostics& diagnostics)
      : node_(node), where_(where), diagnostics_(diagnostics) {}

  /// Returns the value of the key, or a missing node.
  ConfigNode Take(std::string_view name);
  void ReportMissing(std::string_view name, std::string_view help);
  /// The entries whose key no field took.
  std::vector<ConfigEntry> Others() const;
  void ReportUnknown(const std::vector<ConfigEntry>& entries);

 private:
  const ConfigNode& node_;
  const Where& where_;
  Diagnostics& diagnostics_;
  std::vector<std::string> known_;
};

}  // namespace describe_internal
}  // namespace catchwater
