#include "catchwater/component/registry.h"

#include <algorithm>
#include <tuple>

#include "catchwater/base/text.h"
#include "catchwater/config/pipeline_config.h"

namespace catchwater {
namespace {

// Options that stand beside the component in the same map.
std::vector<std::string> NamesBeside(ComponentKind kind) {
  std::vector<std::string> names;
  if (kind != ComponentKind::kSource) return names;
  for (const FieldDescription& field : DescribeStruct<SourceSection>().fields) {
    if (!field.is_rest) names.push_back(field.name);
  }
  return names;
}

void ReportUnknown(ComponentKind kind, const std::string& name, const Place& place,
                   const std::vector<std::string>& known, Diagnostics& diagnostics) {
  std::vector<std::string> candidates = known;
  for (std::string& option : NamesBeside(kind)) candidates.push_back(std::move(option));
  const std::string kind_name(ComponentKindName(kind));
  Diagnostic& error = diagnostics.Error("E1301", place, "unknown " + kind_name + " `" + name + "`");
  if (const std::string_view near = Nearest(name, candidates); !near.empty()) {
    error.label = "did you mean `" + std::string(near) + "`?";
  }
  error.notes.push_back(known.empty() ? "this program has no " + kind_name
                                      : "known " + kind_name + "s: " + JoinWords(known));
}

// A name or a map of one key as an entry; nothing, with a diagnostic, for something else.
std::optional<ConfigEntry> OneKey(ComponentKind kind, const ConfigNode& node,
                                  const std::vector<std::string>& known, Diagnostics& diagnostics) {
  if (node.is_unknown()) return std::nullopt;
  if (node.is_scalar()) {
    return ConfigEntry{node.text(), node.place(), ConfigNode::Map({}, node.place())};
  }
  if (node.entries().size() == 1) return node.entries().front();
  const std::string kind_name(ComponentKindName(kind));
  bool is_reported = false;
  for (const ConfigEntry& entry : node.entries()) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    ReportUnknown(kind, entry.key, entry.key_place, known, diagnostics);
    is_reported = true;
  }
  if (is_reported) return std::nullopt;
  std::string found(node.KindName());
  if (node.is_map()) {
    found = node.entries().empty() ? "a map without one"
                                   : "a map of " + std::to_string(node.entries().size());
  }
  diagnostics
      .Error("E1202", node.place(),
             "a " + kind_name + " is a name or a map of one name, this is " + found)
      .notes.push_back("known " + kind_name + "s: " + JoinWords(known));
  return std::nullopt;
}

template <class Entries>
std::vector<std::string> NamesOf(const Entries& entries) {
  std::vector<std::string> names;
  for (const auto& entry : entries) names.push_back(entry.info.name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string_view ComponentKindName(ComponentKind kind) {
  switch (kind) {
    case ComponentKind::kSource:
      return "source";
    case ComponentKind::kCodec:
      return "codec";
    case ComponentKind::kStep:
      return "step";
    case ComponentKind::kSink:
      return "sink";
  }
  return "";
}

template <class Made, class Context>
std::optional<Chosen<Made, Context>> Registry::Choose(ComponentKind kind,
                                                      const Entries<Made, Context>& entries,
                                                      const ConfigNode& node,
                                                      Diagnostics& diagnostics) const {
  const std::vector<std::string> known = NamesOf(entries);
  const std::optional<ConfigEntry> chosen = OneKey(kind, node, known, diagnostics);
  if (!chosen) return std::nullopt;
  for (const auto& entry : entries) {
    if (entry.info.name != chosen->key) continue;
    Chosen<Made, Context> result;
    result.name = chosen->key;
    result.config = chosen->value;
    result.frame_columns = entry.info.frame_columns;
    result.is_live = entry.info.is_live;
    result.is_group = entry.info.is_group;
    if (!entry.choose(chosen->value, diagnostics, result)) return std::nullopt;
    return result;
  }
  ReportUnknown(kind, chosen->key, chosen->key_place, known, diagnostics);
  return std::nullopt;
}

std::optional<ChosenSource> Registry::ChooseSource(const ConfigNode& node,
                                                   Diagnostics& diagnostics) const {
  return Choose(ComponentKind::kSource, sources_, node, diagnostics);
}

std::optional<ChosenCodec> Registry::ChooseCodec(const ConfigNode& node,
                                                 Diagnostics& diagnostics) const {
  return Choose(ComponentKind::kCodec, codecs_, node, diagnostics);
}

std::optional<ChosenStep> Registry::ChooseStep(const ConfigNode& node,
                                               Diagnostics& diagnostics) const {
  return Choose(ComponentKind::kStep, steps_, node, diagnostics);
}

std::optional<ChosenSink> Registry::ChooseSink(const ConfigNode& node,
                                               Diagnostics& diagnostics) const {
  return Choose(ComponentKind::kSink, sinks_, node, diagnostics);
}

bool Registry::MayAddColumns(const ConfigNode& step) const {
  const std::string& name = step.entries().size() == 1 ? step.entries().front().key : step.text();
  for (const auto& entry : steps_) {
    if (entry.info.name == name) return entry.may_add_columns;
  }
  return true;
}

arrow::Result<std::unique_ptr<Codec>> Registry::MakeCodec(std::string_view name) const {
  const std::vector<std::string> known = NamesOf(codecs_);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return NotFound("Codec is not known, known ones and the name: ", JoinWords(known), "; ", name);
  }
  return MakeCodec(ConfigNode::Scalar(std::string(name)));
}

arrow::Result<std::unique_ptr<Codec>> Registry::MakeCodec(const ConfigNode& node) const {
  Diagnostics diagnostics;
  const std::optional<ChosenCodec> chosen = ChooseCodec(node, diagnostics);
  if (!chosen) return diagnostics.ToStatus();
  return chosen->make(NoContext{});
}

std::vector<Registry::Listing> Registry::List() const {
  std::vector<Listing> list;
  const auto add = [&list](ComponentKind kind, const auto& entries) {
    for (const auto& entry : entries) list.push_back({kind, entry.info, entry.describe()});
  };
  add(ComponentKind::kSource, sources_);
  add(ComponentKind::kCodec, codecs_);
  add(ComponentKind::kStep, steps_);
  add(ComponentKind::kSink, sinks_);
  std::sort(list.begin(), list.end(), [](const Listing& a, const Listing& b) {
    return std::tie(a.kind, a.info.name) < std::tie(b.kind, b.info.name);
  });
  return list;
}

std::vector<std::string> Registry::Names(ComponentKind kind) const {
  switch (kind) {
    case ComponentKind::kSource:
      return NamesOf(sources_);
    case ComponentKind::kCodec:
      return NamesOf(codecs_);
    case ComponentKind::kStep:
      return NamesOf(steps_);
    case ComponentKind::kSink:
      return NamesOf(sinks_);
  }
  return {};
}

}  // namespace catchwater
