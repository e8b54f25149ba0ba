#include "catchwater/source/file/path_attributes.h"

#include <algorithm>
#include <array>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::vector<std::string_view> Folders(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    if (slash != 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string_view Stem(std::string_view name) {
  static constexpr std::array<std::string_view, 3> kPacked{".gz", ".zst", ".zstd"};
  for (const std::string_view suffix : kPacked) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      name.remove_suffix(suffix.size());
      break;
    }
  }
  const size_t dot = name.rfind('.');
  return dot == name.npos || dot == 0 ? name : name.substr(0, dot);
}

}  // namespace

arrow::Result<PathPattern::Folder> PathPattern::ParseFolder(std::string_view text) {
  Folder pieces;
  while (!text.empty()) {
    if (text[0] == '{') {
      const size_t close = text.find('}');
      if (close == text.npos) return ConfigError("Brace is not closed in the pattern: ", text);
      if (!pieces.empty() && pieces.back().is_hole) {
        return ConfigError("Two names need a text between them in the pattern: ", text);
      }
      pieces.push_back(
          {.name = std::string(text.substr(1, close - 1)), .text = "", .is_hole = true});
      text.remove_prefix(close + 1);
    } else {
      const size_t end = std::min(text.find('{'), text.size());
      pieces.push_back({.name = "", .text = std::string(text.substr(0, end)), .is_hole = false});
      text.remove_prefix(end);
    }
  }
  return pieces;
}

arrow::Result<PathPattern> PathPattern::Parse(std::string_view text) {
  PathPattern pattern;
  for (const std::string_view part : Folders(text)) {
    ARROW_ASSIGN_OR_RAISE(Folder folder, ParseFolder(part));
    for (const Piece& piece : folder) {
      if (!piece.is_hole || piece.name.empty()) continue;
      auto& names = pattern.names_;
      if (std::find(names.begin(), names.end(), piece.name) != names.end()) {
        return ConfigError("Name stands twice in the pattern: ", piece.name);
      }
      names.push_back(piece.name);
    }
    pattern.folders_.push_back(std::move(folder));
  }
  return pattern;
}

// Tries the shortest text for a hole first. Depth and width are those of one name: small.
bool PathPattern::MatchFolder(const Folder& pieces, size_t index, std::string_view text,
                              Attributes& attributes) {
  if (index == pieces.size()) return text.empty();
  const Piece& piece = pieces[index];
  if (!piece.is_hole) {
    if (!text.starts_with(piece.text)) return false;
    return MatchFolder(pieces, index + 1, text.substr(piece.text.size()), attributes);
  }
  for (size_t length = 1; length <= text.size(); ++length) {
    const size_t known = attributes.size();
    if (!piece.name.empty()) {
      attributes.emplace_back("path." + piece.name, std::string(text.substr(0, length)));
    }
    if (MatchFolder(pieces, index + 1, text.substr(length), attributes)) return true;
    attributes.resize(known);
  }
  return false;
}

bool PathPattern::Match(std::string_view path, Attributes& attributes) const {
  const std::vector<std::string_view> parts = Folders(path);
  if (parts.size() < folders_.size()) return false;
  const size_t known = attributes.size();
  for (size_t i = 0; i < folders_.size(); ++i) {
    const std::string_view part = parts[parts.size() - folders_.size() + i];
    if (MatchFolder(folders_[i], 0, part, attributes)) continue;
    attributes.resize(known);
    return false;
  }
  return true;
}

Attributes PathAttributes(std::string_view path, const PathPattern& pattern) {
  const size_t slash = path.rfind('/');
  const std::string_view name = path.substr(slash == path.npos ? 0 : slash + 1);
  std::string_view folder = slash == path.npos ? "." : path.substr(0, slash);
  if (slash == 0) folder = "/";
  Attributes attributes{{"path.file", std::string(name)},
                        {"path.stem", std::string(Stem(name))},
                        {"path.full", std::string(path)},
                        {"path.dir", std::string(folder)}};
  for (const std::string_view part : Folders(folder)) {
    const size_t equals = part.find('=');
    if (equals == part.npos || equals == 0) continue;
    attributes.emplace_back("path." + std::string(part.substr(0, equals)),
                            std::string(part.substr(equals + 1)));
  }
  pattern.Match(path, attributes);
  return attributes;
}

}  // namespace catchwater
