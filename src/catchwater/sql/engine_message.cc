#include "catchwater/sql/engine_message.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>

namespace catchwater {
namespace {

/// Offset of the line (1 = first) in the text.
size_t LineBegin(std::string_view text, int64_t line) {
  size_t begin = 0;
  for (; line > 1; --line) {
    const size_t end = text.find('\n', begin);
    if (end == text.npos) break;
    begin = end + 1;
  }
  return begin;
}

/// The engine shows a part of the line, with dots where it cut.
std::optional<size_t> CaretOffset(std::string_view place, std::string_view sql) {
  const size_t shown_begin = place.find(": ");
  const size_t line_end = place.find('\n');
  if (shown_begin == place.npos || line_end == place.npos) return std::nullopt;
  int64_t line = 0;
  std::from_chars(place.data() + 5, place.data() + shown_begin, line);
  std::string_view shown = place.substr(shown_begin + 2, line_end - shown_begin - 2);
  const size_t caret = place.find('^', line_end);
  if (caret == place.npos || caret - line_end - 1 < shown_begin + 2) return std::nullopt;
  size_t column = caret - line_end - 1 - (shown_begin + 2);
  if (shown.starts_with("...") && column >= 3) {
    shown.remove_prefix(3);
    column -= 3;
  }
  if (shown.ends_with("...")) shown.remove_suffix(3);
  const size_t found = sql.find(shown, LineBegin(sql, line));
  if (found == sql.npos) return std::nullopt;
  return found + column;
}

bool IsWordCharacter(char character) {
  const auto byte = static_cast<unsigned char>(character);
  return std::isalnum(byte) != 0 || byte == '_' || byte >= 0x80;
}

}  // namespace

EngineMessage ReadEngineMessage(std::string_view message, std::string_view sql) {
  EngineMessage read;
  const size_t place = message.find("\nLINE ");
  if (place != message.npos) {
    read.offset = CaretOffset(message.substr(place + 1), sql);
    message = message.substr(0, place);
  }
  const size_t end = std::min(message.find('\n'), message.size());
  read.first = message.substr(0, end);
  read.rest = message.substr(end);
  std::replace(read.rest.begin(), read.rest.end(), '\n', ' ');
  while (read.rest.ends_with(' ')) read.rest.pop_back();
  while (read.rest.starts_with(' ')) read.rest.erase(0, 1);
  return read;
}

std::string NameAfter(std::string_view message, std::string_view words) {
  const size_t begin = message.find(words);
  if (begin == message.npos) return "";
  message.remove_prefix(begin + words.size());
  const bool is_quoted = message.starts_with('"');
  if (is_quoted) message.remove_prefix(1);
  const size_t end = is_quoted ? message.find('"') : message.find_first_of("\" !");
  return std::string(message.substr(0, end));
}

std::string UnknownColumnOf(const EngineMessage& message) {
  for (const char* words : {"Referenced column ", "does not have a column named "}) {
    std::string name = NameAfter(message.first, words);
    if (!name.empty()) return name;
  }
  return "";
}

std::vector<std::string> QuotedNames(std::string_view text) {
  std::vector<std::string> names;
  while (true) {
    const size_t begin = text.find('"');
    if (begin == text.npos) return names;
    const size_t end = text.find('"', begin + 1);
    if (end == text.npos) return names;
    names.emplace_back(text.substr(begin + 1, end - begin - 1));
    text.remove_prefix(end + 1);
  }
}

size_t WordLength(std::string_view sql, size_t offset) {
  if (offset >= sql.size()) return 1;
  size_t end = offset;
  if (sql[offset] == '"' || sql[offset] == '\'') {
    end = sql.find(sql[offset], offset + 1);
    return end == sql.npos ? sql.size() - offset : end + 1 - offset;
  }
  while (end < sql.size() && IsWordCharacter(sql[end])) ++end;
  return std::max<size_t>(end - offset, 1);
}

}  // namespace catchwater
