// ParseYaml(): yaml-cpp's events into ConfigNodes. yaml-cpp finds the structure; duplicate keys,
// limits, places and substitution are ours.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/util/utf8.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include "catchwater/config/config_node_internal.h"
#include "catchwater/config/yaml_tree.h"

namespace catchwater {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The bytes of the token that begins at the place: a quoted text with its quotes, a plain one, or
// the first character of something else.
int64_t TokenLength(std::string_view line, size_t begin, std::string_view raw) {
  if (begin >= line.size()) return 1;
  const std::string_view rest = line.substr(begin);
  const char first = rest.front();
  if (first == '"' || first == '\'') {
    for (size_t i = 1; i < rest.size(); ++i) {
      if (first == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == first) {
        return static_cast<int64_t>(i) + 1;
      }
    }
    return static_cast<int64_t>(rest.size());
  }
  if (!raw.empty() && rest.starts_with(raw)) return static_cast<int64_t>(raw.size());
  return 1;
}

}  // namespace

// Outside the anonymous namespace: it is ConfigNode's friend.
class YamlTreeBuilder final : public YAML::EventHandler {
 public:
  YamlTreeBuilder(std::shared_ptr<const SourceText> source, const Environment& environment,
                  const YamlLimits& limits, Diagnostics& diagnostics)
      : source_(std::move(source)),
        environment_(environment),
        limits_(limits),
        diagnostics_(diagnostics) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++document_count_ < 2) return;
    is_stopped_ = true;
    const Place place = PlaceAt(mark, "---");
    if (RestOfLine(place).starts_with("---")) {
      diagnostics_.Error("E1011", place, "the file has a second document")
          .helps.emplace_back("remove the `---` line; one file holds one document");
    } else {
      // yaml-cpp begins a new document at a stray bracket or comma, again and again.
      diagnostics_.Error("E1001", place,
                         "this is not valid YAML: something stands behind the end of the values");
      is_abandoned_ = true;
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (is_stopped_) return;
    auto content = NewContent(ConfigNode::Kind::kNull, mark, {});
    const std::string_view rest = RestOfLine(content->place);
    // Of nothing at all the parser says the place of what comes next.
    if (!IsKeyNext() && !stack_.empty() && stack_.back().pending) {
      content->place = stack_.back().pending->key_place;
    }
    for (const std::string_view word : {"null", "Null", "NULL", "~"}) {
      if (!rest.starts_with(word)) continue;
      content->text = word;
      content->place = PlaceAt(mark, word);
    }
    Finish(std::move(content), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (is_stopped_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      diagnostics_.Error("E1013", PlaceAt(mark, {}), "the alias is part of what it stands for");
      Abandon();
      return;
    }
    Attach(found->second, found->second.node_count());
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    if (is_stopped_) return;
    CheckTag(mark, tag);
    if (tag == "!" && !IsQuoteClosed(mark)) {
      diagnostics_.Error("E1001", PlaceAt(mark, {}),
                         "this is not valid YAML: the quote is not closed");
      return Abandon();
    }
    auto content = NewContent(ConfigNode::Kind::kScalar, mark, value);
    content->is_quoted = tag != "?" && !tag.empty();
    content->text = value;
    // Keys are never substituted: an option's name must not depend on the environment.
    if (!IsKeyNext() && value.find("${") != value.npos) SubstituteIn(*content);
    Finish(std::move(content), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    Begin(ConfigNode::Kind::kSequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { End(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    Begin(ConfigNode::Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { End(); }

  Place PlaceAt(const YAML::Mark& mark, std::string_view raw) const {
    if (mark.is_null()) return {source_, 0, 0, 0};
    Place place{source_, mark.line + 1, mark.column + 1, 1};
    place.length = TokenLength(source_->Line(place.line), static_cast<size_t>(mark.column), raw);
    return place;
  }

  bool is_abandoned() const { return is_abandoned_; }
  /// Nothing more will be taken.
  bool is_stopped() const { return is_stopped_; }

  /// The tree, or a missing node when the document was given up. An empty document is null.
  ConfigNode Take() {
    if (is_abandoned_) return {};
    if (root_) return *root_;
    auto content = std::make_shared<ConfigNode::Content>();
    content->kind = ConfigNode::Kind::kNull;
    content->place = Place{source_, 1, 1, 1};
    return ConfigNode(std::move(content));
  }

 private:
  using Content = ConfigNode::Content;

  struct Open {
    std::shared_ptr<Content> content;
    YAML::anchor_t anchor = YAML::NullAnchor;
    std::optional<ConfigEntry> pending;  // A map's key whose value comes next.
    bool is_pending_dropped = false;     // The key was wrong: its value goes nowhere.
    std::map<std::string, int64_t> key_lines;
  };

  std::shared_ptr<Content> NewContent(ConfigNode::Kind kind, const YAML::Mark& mark,
                                      std::string_view raw) const {
    auto content = std::make_shared<Content>();
    content->kind = kind;
    content->place = PlaceAt(mark, raw);
    return content;
  }

  std::string_view RestOfLine(const Place& place) const {
    const std::string_view line = source_->Line(place.line);
    const auto begin = static_cast<size_t>(place.column) - 1;
    return begin < line.size() ? line.substr(begin) : std::string_view();
  }

  void CheckTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
    diagnostics_.Error("E1014", PlaceAt(mark, {}), "the tag `" + tag + "` is not supported")
        .helps.emplace_back("remove the `!` word; types are known from the option");
  }

  void SubstituteIn(Content& content) {
    Substituted result = Substitute(content.text, environment_);
    if (result.failure) {
      Place place = content.place;
      const std::string_view piece =
          std::string_view(content.text).substr(result.failure->offset, result.failure->length);
      const size_t found = RestOfLine(place).find(piece);
      if (found != std::string_view::npos) {
        place.column += static_cast<int64_t>(found);
        place.length = static_cast<int64_t>(piece.size());
      }
      diagnostics_.Error(result.failure->code, place, result.failure->message)
          .helps.push_back(result.failure->help);
      // What is unknown is a text, so that no second error about its type follows.
      content.is_substituted = true;
      content.is_unknown = true;
      content.raw = content.text;
      return;
    }
    content.raw = std::exchange(content.text, std::move(result.text));
    content.is_substituted = result.is_substituted;
  }

  // What was read so far is of no use: errors about it would only confuse.
  void Abandon() { is_stopped_ = is_abandoned_ = true; }

  // yaml-cpp takes the end of the file for a closing quote.
  bool IsQuoteClosed(const YAML::Mark& mark) const {
    const std::string& text = source_->text();
    const auto begin = static_cast<size_t>(mark.pos);
    if (begin >= text.size() || (text[begin] != '"' && text[begin] != '\'')) return true;
    const char quote = text[begin];
    for (size_t i = begin + 1; i < text.size(); ++i) {
      if (quote == '"' && text[i] == '\\') {
        ++i;
      } else if (text[i] == quote) {
        return true;
      }
    }
    return false;
  }

  bool IsKeyNext() const {
    return !stack_.empty() && stack_.back().content->kind == ConfigNode::Kind::kMap &&
           !stack_.back().pending && !stack_.back().is_pending_dropped;
  }

  void Begin(ConfigNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    if (is_stopped_) return;
    CheckTag(mark, tag);
    if (static_cast<int64_t>(stack_.size()) >= limits_.depth_max) {
      diagnostics_.Error(
          "E1004", PlaceAt(mark, {}),
          "the file is nested more than " + std::to_string(limits_.depth_max) + " levels deep");
      Abandon();
      return;
    }
    stack_.push_back({NewContent(kind, mark, {}), anchor, std::nullopt, false, {}});
  }

  void End() {
    if (is_stopped_) return;
    Open open = std::move(stack_.back());
    stack_.pop_back();
    for (const ConfigNode& item : open.content->items)
      open.content->node_count += item.node_count();
    for (const ConfigEntry& entry : open.content->entries) {
      open.content->node_count += entry.value.node_count();
    }
    Finish(std::move(open.content), open.anchor);
  }

  void Finish(std::shared_ptr<Content> content, YAML::anchor_t anchor) {
    const ConfigNode node{std::move(content)};
    if (anchor != YAML::NullAnchor) anchors_[anchor] = node;
    Attach(node, 1);
  }

  // `node_count` is 1, or for an alias all that it stands for.
  void Attach(const ConfigNode& node, int64_t node_count) {
    node_total_ += node_count;
    if (node_total_ > limits_.node_count_max) {
      diagnostics_.Error("E1005", node.place(),
                         "the file has more than " + std::to_string(limits_.node_count_max) +
                             " values, aliases counted as often as they are used");
      Abandon();
      return;
    }
    if (stack_.empty()) {
      root_ = node;
    } else if (stack_.back().content->kind == ConfigNode::Kind::kSequence) {
      stack_.back().content->items.push_back(node);
    } else {
      AttachToMap(stack_.back(), node);
    }
  }

  void AttachToMap(Open& map, const ConfigNode& node) {
    if (map.is_pending_dropped) {
      map.is_pending_dropped = false;
    } else if (map.pending) {
      map.pending->value = node;
      map.content->entries.push_back(std::move(*map.pending));
      map.pending.reset();
    } else if (!node.is_scalar() || node.text().empty()) {
      map.is_pending_dropped = true;
      diagnostics_
          .Error("E1009", node.place(),
                 "a key must be a text, this one is " + std::string(node.KindName()))
          .helps.emplace_back("put the key into quotes");
    } else if (const auto [first, is_new] = map.key_lines.emplace(node.text(), node.place().line);
               !is_new) {
      map.is_pending_dropped = true;
      Diagnostic& error =
          diagnostics_.Error("E1002", node.place(), "the key `" + node.text() + "` is given twice");
      error.notes.push_back("it is given first in line " + std::to_string(first->second));
    } else {
      map.pending = ConfigEntry{node.text(), node.place(), {}};
    }
  }

  std::shared_ptr<const SourceText> source_;
  const Environment& environment_;
  const YamlLimits& limits_;
  Diagnostics& diagnostics_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, ConfigNode> anchors_;  // Complete nodes only.
  std::optional<ConfigNode> root_;
  int64_t node_total_ = 0;
  int document_count_ = 0;
  bool is_stopped_ = false;
  bool is_abandoned_ = false;
};

namespace {

// \return false if the bytes cannot be YAML; the reason is in the diagnostics
bool CheckBytes(const std::shared_ptr<const SourceText>& source, const YamlLimits& limits,
                Diagnostics& diagnostics) {
  const std::string& text = source->text();
  if (static_cast<int64_t>(text.size()) > limits.byte_count_max) {
    diagnostics.Error("E1003", {source, 0, 0, 0},
                      "the file is larger than " + std::to_string(limits.byte_count_max) +
                          " bytes: " + std::to_string(text.size()));
    return false;
  }
  arrow::util::InitializeUTF8();
  for (int64_t line = 1; line <= source->line_count(); ++line) {
    const std::string_view bytes = source->Line(line);
    const auto control = std::find_if(bytes.begin(), bytes.end(), [](char c) {
      const auto byte = static_cast<unsigned char>(c);
      return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
    if (control != bytes.end()) {
      diagnostics.Error("E1010", {source, line, control - bytes.begin() + 1, 1},
                        "the file has a control character in line " + std::to_string(line));
      return false;
    }
    if (!arrow::util::ValidateUTF8(reinterpret_cast<const uint8_t*>(bytes.data()),
                                   static_cast<int64_t>(bytes.size()))) {
      diagnostics.Error("E1010", {source, line, 1, 1},
                        "the file is not valid UTF-8 in line " + std::to_string(line));
      return false;
    }
  }
  return true;
}

// What to do about yaml-cpp's commonest complaints about the line.
std::string_view HelpFor(std::string_view complaint, std::string_view line) {
  const size_t first = line.find_first_not_of(" \t");
  if (line.substr(0, std::min(first, line.size())).find('\t') != line.npos) {
    return "indent with blanks, not with tabs";
  }
  if (complaint.find("flow") != complaint.npos) return "close every `{` and `[`";
  if (complaint.find("illegal map value") != complaint.npos) {
    return "a value with `: ` in it needs quotes; keys of one map begin in the same column";
  }
  if (complaint.find("end of map") != complaint.npos ||
      complaint.find("end of sequence") != complaint.npos) {
    return "check the indentation: keys and items that belong together begin in the same column";
  }
  return {};
}

}  // namespace

ConfigNode ParseYaml(std::shared_ptr<const SourceText> source, const Environment& environment,
                     Diagnostics& diagnostics, const YamlLimits& limits) {
  if (source->text().starts_with(kByteOrderMark)) {
    source = std::make_shared<const SourceText>(source->name(),
                                                source->text().substr(kByteOrderMark.size()));
  }
  return ParseYamlShownAs(source, source->text(), environment, diagnostics, limits);
}

ConfigNode ParseYamlShownAs(std::shared_ptr<const SourceText> shown, const std::string& text,
                            const Environment& environment, Diagnostics& diagnostics,
                            const YamlLimits& limits) {
  if (!CheckBytes(shown, limits, diagnostics)) return {};
  YamlTreeBuilder builder(shown, environment, limits, diagnostics);
  YAML::Mark mark = YAML::Mark::null_mark();
  std::string complaint;
  try {
    std::istringstream in(text);
    YAML::Parser parser(in);
    while (!builder.is_stopped() && parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const YAML::Exception& error) {
    mark = error.mark;
    complaint = error.msg;
  }
  if (builder.is_abandoned()) return {};
  const Place place = builder.PlaceAt(mark, {});
  Diagnostic& error = diagnostics.Error("E1001", place, "this is not valid YAML: " + complaint);
  if (const std::string_view help = HelpFor(complaint, shown->Line(place.line)); !help.empty()) {
    error.helps.emplace_back(help);
  }
  return {};
}

ConfigNode ParseYamlText(std::string_view name, std::string_view text,
                         const Environment& environment, Diagnostics& diagnostics) {
  return ParseYaml(std::make_shared<const SourceText>(std::string(name), std::string(text)),
                   environment, diagnostics);
}

}  // namespace catchwater
