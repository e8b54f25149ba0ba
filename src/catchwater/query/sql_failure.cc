#include "catchwater/query/sql_failure.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "catchwater/base/error.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

constexpr size_t kBytesBeforeCaret = 60;
constexpr size_t kLineBytesMax = 120;

/// The engine's message in its parts:
///   Catalog Error: Table with name x does not exist!
///   Did you mean "y"?
///
///   LINE 1: SELECT * FROM x
///                         ^
struct EngineMessage {
  std::string first;             ///< Its first line.
  std::string rest;              ///< What stands between it and the place, in one line.
  std::optional<size_t> offset;  ///< Of the caret in the statement.
};

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

EngineMessage ReadMessage(std::string_view message, std::string_view sql) {
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

/// The quoted name behind a word of the engine.
std::string NameAfter(std::string_view message, std::string_view words) {
  const size_t begin = message.find(words);
  if (begin == message.npos) return "";
  message.remove_prefix(begin + words.size());
  if (message.starts_with('"')) message.remove_prefix(1);
  const size_t end = message.find_first_of("\" !");
  return std::string(message.substr(0, end));
}

struct Explained {
  std::string what;
  std::string label;  ///< Beside the caret.
  std::vector<std::string> notes;
  std::string help;
};

std::string ListOf(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? "none yet" : list;
}

std::string DidYouMean(std::string_view near) {
  return near.empty() ? "" : "did you mean `" + std::string(near) + "`?";
}

/// `readings` is near to `sensors.readings`, whatever its namespace.
std::string_view NearestTable(const std::string& name, const std::vector<std::string>& tables) {
  for (const std::string& table : tables) {
    if (table.ends_with("." + name)) return table;
  }
  return Nearest(name, tables);
}

bool IsRefusedWrite(std::string_view first) {
  return first.find("Can only delete from base table") != first.npos ||
         first.find("Can only update base table") != first.npos ||
         first.find("is not an table") != first.npos ||
         first.find("is not a table") != first.npos || first.find("is of type View") != first.npos;
}

Explained Explain(const EngineMessage& message, const SqlText& text,
                  const std::vector<std::string>& tables) {
  const std::string& first = message.first;
  if (IsRefusedWrite(first)) {
    return {.what = "Tables cannot be changed by SQL: they are read only",
            .label = "",
            .notes = {},
            .help =
                "rows come by pipelines and go by `lake.retain`; write results elsewhere with "
                "--format and --output"};
  }
  if (first.find("does not exist") != first.npos && first.find("Table with name") != first.npos) {
    const std::string name = NameAfter(first, "Table with name ");
    return {.what = "There is no table " + name,
            .label = DidYouMean(NearestTable(name, tables)),
            .notes = {"tables: " + ListOf(tables)},
            .help = "`catchwater tables` lists tables and columns"};
  }
  if (first.find("Referenced column") != first.npos) {
    Explained column{.what = "There is no column " + NameAfter(first, "Referenced column ")};
    if (!message.rest.empty()) column.notes.push_back(message.rest);
    column.help = "`catchwater tables` lists tables and columns";
    return column;
  }
  Explained other{.what = std::string(text.source) + " cannot be run"};
  if (first.starts_with("Parser Error")) other.what = std::string(text.source) + " is not valid";
  if (!message.rest.empty()) other.notes.push_back(message.rest);
  return other;
}

/// The user's line with a caret below, as errors of the configuration have it.
std::string DrawPlace(std::string_view part, std::string_view source, size_t offset,
                      const std::string& label) {
  offset = std::min(offset, part.size());
  const std::string_view before = part.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  const size_t end = std::min(part.find('\n', begin), part.size());
  const size_t column = offset - begin;
  std::string_view shown = part.substr(begin, end - begin);
  size_t caret = column;
  std::string prefix;
  if (caret > kBytesBeforeCaret) {
    prefix = "...";
    shown.remove_prefix(caret - kBytesBeforeCaret);
    caret = kBytesBeforeCaret;
  }
  std::string suffix;
  if (shown.size() > kLineBytesMax) {
    shown = shown.substr(0, kLineBytesMax);
    suffix = "...";
  }
  const std::string number = std::to_string(line);
  const std::string margin(number.size(), ' ');
  std::string text = "\n" + margin + "--> " + std::string(source) + ":" + number + ":" +
                     std::to_string(column + 1) + "\n" + margin + " |\n" + number + " | " + prefix +
                     std::string(shown) + suffix + "\n" + margin + " | " +
                     std::string(prefix.size() + caret, ' ') + "^";
  if (!label.empty()) text += " " + label;
  return text;
}

}  // namespace

arrow::Status ExplainSqlFailure(const arrow::Status& failure, const SqlText& text,
                                const std::vector<std::string>& tables) {
  const std::string_view whole = failure.message();
  // "Catalog Error: ...": what does not begin so is ours.
  const size_t colon = whole.find(" Error: ");
  if (failure.ok() || colon == whole.npos || whole.find_first_of(":\n`") < colon) return failure;
  // Files, memory and the like are no matter of the text.
  if (whole.starts_with("IO Error") || whole.starts_with("Out of Memory Error")) return failure;
  const EngineMessage message = ReadMessage(whole, text.sql);
  const Explained explained = Explain(message, text, tables);
  const std::string_view part = text.condition.empty() ? text.sql : text.condition;
  std::string said = explained.what;
  if (message.offset) {
    const size_t from = static_cast<size_t>(part.data() - text.sql.data());
    // What stands behind the user's part is ours: the part ended too early.
    const size_t offset = *message.offset < from ? 0 : *message.offset - from;
    said += DrawPlace(part, text.source, offset, explained.label);
  } else if (!explained.label.empty()) {
    said += "\n  = help: " + explained.label;
  }
  for (const std::string& note : explained.notes) said += "\n  = note: " + note;
  said += "\n  = note: " + message.first;
  if (!explained.help.empty()) said += "\n  = help: " + explained.help;
  return BadData(said);
}

}  // namespace catchwater
