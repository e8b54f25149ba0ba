#include "catchwater/query/sql_failure.h"

#include <algorithm>
#include <optional>

#include "catchwater/base/error.h"
#include "catchwater/base/text.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/sql/engine_message.h"

namespace catchwater {
namespace {

constexpr size_t kBytesBeforeCaret = 60;
constexpr size_t kLineBytesMax = 120;

struct Explained {
  std::string what;
  std::string label;  ///< Beside the caret.
  std::vector<std::string> notes;
  std::string help;
};

std::string ListOf(const std::vector<std::string>& names) {
  return names.empty() ? "none yet" : JoinWords(names);
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

/// The engine's candidates are those of the place; it has none for `alias.column`.
std::string NearestColumn(const std::string& name, const std::vector<std::string>& candidates,
                          const std::vector<std::string>& columns) {
  const std::string_view near = Nearest(name, candidates);
  return std::string(near.empty() ? Nearest(name, columns) : near);
}

bool IsRefusedWrite(std::string_view first) {
  return first.find("Can only delete from base table") != first.npos ||
         first.find("Can only update base table") != first.npos ||
         first.find("is not an table") != first.npos ||
         first.find("is not a table") != first.npos || first.find("is of type View") != first.npos;
}

Explained Explain(const EngineMessage& message, const SqlText& text, const SqlNames& names) {
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
            .label = DidYouMean(NearestTable(name, names.tables)),
            .notes = {"tables: " + ListOf(names.tables)},
            .help = "`catchwater tables` lists tables and columns"};
  }
  if (const std::string name = UnknownColumnOf(message); !name.empty()) {
    Explained column{.what = "There is no column " + name};
    column.label = DidYouMean(NearestColumn(name, QuotedNames(message.rest), names.columns));
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
                                const SqlNames& names) {
  const std::string_view whole = failure.message();
  // "Catalog Error: ...": what does not begin so is ours.
  const size_t colon = whole.find(" Error: ");
  if (failure.ok() || colon == whole.npos || whole.find_first_of(":\n`") < colon) return failure;
  // Files, memory and the like are no matter of the text.
  if (whole.starts_with("IO Error") || whole.starts_with("Out of Memory Error")) return failure;
  const EngineMessage message = ReadEngineMessage(whole, text.sql);
  const Explained explained = Explain(message, text, names);
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
