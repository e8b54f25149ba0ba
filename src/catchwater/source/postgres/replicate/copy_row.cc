#include "catchwater/source/postgres/replicate/copy_row.h"

#include <algorithm>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kEscaped = "bfnrtv\\";
constexpr std::string_view kMeant = "\b\f\n\r\t\v\\";

/// Appends the text behind a backslash. \return false if it is no escape of COPY
bool AppendUnescaped(std::string_view text, std::string* out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out->push_back(text[i]);
      continue;
    }
    const size_t at = ++i < text.size() ? kEscaped.find(text[i]) : kEscaped.npos;
    if (at == kEscaped.npos) return false;
    out->push_back(kMeant[at]);
  }
  return true;
}

}  // namespace

arrow::Result<PgTuple> ParseCopyRow(std::string_view line, std::string* scratch) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  scratch->clear();
  scratch->reserve(line.size());  // Views into it stay where they are.
  PgTuple row;
  while (true) {
    const size_t end = std::min(line.find('\t'), line.size());
    const std::string_view field = line.substr(0, end);
    if (field == "\\N") {
      row.emplace_back();
    } else if (field.find('\\') == field.npos) {
      row.push_back({.kind = PgValue::Kind::kText, .text = field});
    } else {
      const size_t begin = scratch->size();
      if (!AppendUnescaped(field, scratch)) {
        return BadData("Row of PostgreSQL's COPY has an escape that is none: ",
                       field.substr(0, 100));
      }
      row.push_back(
          {.kind = PgValue::Kind::kText, .text = std::string_view(*scratch).substr(begin)});
    }
    if (end == line.size()) return row;
    line.remove_prefix(end + 1);
  }
}

}  // namespace catchwater
