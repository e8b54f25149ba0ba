#include "catchwater/config/overrides.h"

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

namespace catchwater {
namespace {

constexpr size_t kPathPartsMax = 32;

Place PlaceIn(const std::shared_ptr<const SourceText>& source, size_t begin, size_t end) {
  return {source, 1, static_cast<int64_t>(begin) + 1,
          static_cast<int64_t>(end > begin ? end - begin : 1)};
}

// Reads the path before `=`; `at` moves to the `=`. \return false if it is malformed
bool ParsePath(const std::shared_ptr<const SourceText>& source, std::vector<PathPart>& path,
               size_t& at) {
  const std::string_view text = source->text();
  bool is_key_next = true;
  while (at < text.size() && text[at] != '=' && path.size() < kPathPartsMax) {
    const size_t begin = at;
    if (text[at] == '[' && !is_key_next) {
      int64_t index = -1;
      const auto [rest, error] =
          std::from_chars(text.data() + at + 1, text.data() + text.size(), index);
      const auto end = static_cast<size_t>(rest - text.data());
      if (error != std::errc() || index < 0 || end >= text.size() || text[end] != ']') return false;
      at = end + 1;
      path.push_back({{}, index, PlaceIn(source, begin, at)});
      continue;
    }
    if (!is_key_next) {
      if (text[at] != '.') return false;
      ++at;
      is_key_next = true;
      continue;
    }
    std::string key;
    if (text[at] == '"') {
      const size_t close = text.find('"', at + 1);
      if (close == text.npos) return false;
      key = text.substr(at + 1, close - at - 1);
      at = close + 1;
    } else {
      const size_t end = std::min(text.find_first_of(".[=", at), text.size());
      key = text.substr(at, end - at);
      at = end;
    }
    if (key.empty()) return false;
    path.push_back({std::move(key), -1, PlaceIn(source, begin, at)});
    is_key_next = false;
  }
  return at < text.size() && text[at] == '=' && !is_key_next && !path.empty();
}

// `csv` is short for `{csv: {}}` where the path goes on with `csv`.
ConfigNode Opened(const ConfigNode& node, const PathPart& next) {
  if (node.is_missing() || node.is_null()) return ConfigNode::Map({}, next.place);
  if (node.is_scalar() && next.index < 0 && node.text() == next.key) {
    return ConfigNode::Map({{next.key, node.place(), ConfigNode::Map({}, node.place())}},
                           node.place());
  }
  return node;
}

ConfigNode Put(const ConfigNode& node, const Override& override_, size_t first,
               Diagnostics& diagnostics) {
  if (first == override_.path.size()) return override_.value;
  const PathPart& part = override_.path[first];
  if (part.index >= 0) {
    const auto index = static_cast<size_t>(part.index);
    if (!node.is_sequence() || index >= node.items().size()) {
      Diagnostic& error = diagnostics.Error(
          "E1310", part.place, "there is no item " + std::to_string(part.index) + " to be set");
      error.notes.push_back(node.is_sequence()
                                ? "items in the list: " + std::to_string(node.items().size())
                                : "it is " + std::string(node.KindName()) + ", not a list");
      return node;
    }
    std::vector<ConfigNode> items = node.items();
    items[index] = Put(items[index], override_, first + 1, diagnostics);
    return ConfigNode::Sequence(std::move(items), node.place());
  }
  const ConfigNode map = Opened(node, part);
  if (!map.is_map()) {
    diagnostics.Error("E1310", part.place, "`" + part.key + "` cannot be set")
        .notes.push_back("what it would be an option of is " + std::string(map.KindName()) +
                         ", not a map");
    return node;
  }
  return map.With(part.key, Put(map.At(part.key), override_, first + 1, diagnostics), part.place);
}

}  // namespace

bool ParseOverride(const std::string& flag, const Environment& environment,
                   Diagnostics& diagnostics, Override& out) {
  const auto source = std::make_shared<const SourceText>("--set", flag);
  out.source = source;
  size_t at = 0;
  if (!ParsePath(source, out.path, at)) {
    diagnostics.Error("E1015", PlaceIn(source, at, at + 1), "this is not `path=value`")
        .helps.emplace_back("write for example `--set source.file.path=data.csv`");
    return false;
  }
  const int64_t errors_before = diagnostics.error_count();
  const std::string padded = std::string(at + 1, ' ') + flag.substr(at + 1);
  out.value = ParseYamlShownAs(source, padded, environment, diagnostics);
  return diagnostics.error_count() == errors_before;
}

ConfigNode ApplyOverride(const ConfigNode& document, const Override& override_, size_t first,
                         Diagnostics& diagnostics) {
  return Put(document, override_, first, diagnostics);
}

}  // namespace catchwater
