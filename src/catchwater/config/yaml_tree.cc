#include "catchwater/config/yaml_tree.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "catchwater/config/config_node_internal.h"

namespace catchwater {
namespace {

const std::string kNoText;

// Plain scalars that need no quotes in flow style and read back as the same text.
bool IsPlainSafe(std::string_view text) {
  if (text.empty()) return false;
  constexpr std::string_view kSafe = "_./-+()*<>=$^";
  const auto is_safe = [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 || kSafe.find(c) != kSafe.npos || c == ' ';
  };
  const char first = text.front();
  const bool is_first_safe = first == '_' || first == '/' || first == '.' || first == '+' ||
                             first == '(' || first == '$' || first == '^' ||
                             std::isalnum(static_cast<unsigned char>(first)) != 0 ||
                             static_cast<unsigned char>(first) >= 0x80 ||
                             (first == '-' && text.size() > 1 && text[1] != ' ' && text[1] != '-');
  return is_first_safe && text.back() != ' ' && std::all_of(text.begin(), text.end(), is_safe);
}

std::string Quoted(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += "\\x";
      quoted += kHex[byte >> 4U];
      quoted += kHex[byte & 0xFU];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void Write(const ConfigNode& node, std::string& yaml) {
  std::string_view separator;
  switch (node.kind()) {
    case ConfigNode::Kind::kMissing:
      return;
    case ConfigNode::Kind::kNull:
      yaml += "null";
      return;
    case ConfigNode::Kind::kScalar:
      yaml += !node.is_quoted() && IsPlainSafe(node.shown()) ? node.shown() : Quoted(node.shown());
      return;
    case ConfigNode::Kind::kSequence:
      yaml += '[';
      for (const ConfigNode& item : node.items()) {
        yaml += separator;
        Write(item, yaml);
        separator = ", ";
      }
      yaml += ']';
      return;
    case ConfigNode::Kind::kMap:
      yaml += '{';
      for (const ConfigEntry& entry : node.entries()) {
        yaml += separator;
        yaml += IsPlainSafe(entry.key) ? entry.key : Quoted(entry.key);
        yaml += ": ";
        Write(entry.value, yaml);
        separator = ", ";
      }
      yaml += '}';
      return;
  }
}

}  // namespace

ConfigNode::ConfigNode() {
  static const auto kMissing = std::make_shared<const Content>();
  content_ = kMissing;
}

ConfigNode::Kind ConfigNode::kind() const { return content_->kind; }
const std::string& ConfigNode::text() const { return is_scalar() ? content_->text : kNoText; }
const std::string& ConfigNode::shown() const {
  return content_->raw.empty() ? content_->text : content_->raw;
}
bool ConfigNode::is_quoted() const { return content_->is_quoted; }
bool ConfigNode::is_substituted() const { return content_->is_substituted; }
bool ConfigNode::is_unknown() const { return content_->is_unknown; }
const std::vector<ConfigNode>& ConfigNode::items() const { return content_->items; }
const std::vector<ConfigEntry>& ConfigNode::entries() const { return content_->entries; }
const Place& ConfigNode::place() const { return content_->place; }
int64_t ConfigNode::node_count() const { return content_->node_count; }

const ConfigEntry* ConfigNode::Find(std::string_view key) const {
  for (const ConfigEntry& entry : content_->entries) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

ConfigNode ConfigNode::At(std::string_view key) const {
  const ConfigEntry* entry = Find(key);
  return entry != nullptr ? entry->value : ConfigNode();
}

std::string_view ConfigNode::KindName() const {
  switch (kind()) {
    case Kind::kMissing:
      return "missing";
    case Kind::kNull:
      return "empty";
    case Kind::kScalar:
      return "a text";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "missing";
}

ConfigNode ConfigNode::Scalar(std::string text, Place place, bool is_quoted) {
  auto content = std::make_shared<Content>();
  content->kind = Kind::kScalar;
  content->text = std::move(text);
  content->place = std::move(place);
  content->is_quoted = is_quoted;
  return ConfigNode(std::move(content));
}

ConfigNode ConfigNode::Sequence(std::vector<ConfigNode> items, Place place) {
  auto content = std::make_shared<Content>();
  content->kind = Kind::kSequence;
  content->place = std::move(place);
  for (const ConfigNode& item : items) content->node_count += item.node_count();
  content->items = std::move(items);
  return ConfigNode(std::move(content));
}

ConfigNode ConfigNode::Map(std::vector<ConfigEntry> entries, Place place) {
  auto content = std::make_shared<Content>();
  content->kind = Kind::kMap;
  content->place = std::move(place);
  for (const ConfigEntry& entry : entries) content->node_count += entry.value.node_count();
  content->entries = std::move(entries);
  return ConfigNode(std::move(content));
}

ConfigNode ConfigNode::With(std::string_view key, const ConfigNode& value,
                            const Place& key_place) const {
  std::vector<ConfigEntry> entries = content_->entries;
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [key](const ConfigEntry& entry) { return entry.key == key; });
  if (found != entries.end()) {
    found->value = value;
    found->key_place = key_place;
  } else {
    entries.push_back({std::string(key), key_place, value});
  }
  return Map(std::move(entries), place());
}

std::string ToYaml(const ConfigNode& node) {
  std::string yaml;
  Write(node, yaml);
  return yaml;
}

}  // namespace catchwater
