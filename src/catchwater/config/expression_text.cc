#include "catchwater/config/expression_text.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// Reads one name, quoted or plain, up to one of `ends`; `at` moves behind it.
arrow::Result<std::string> ReadName(std::string_view text, std::string_view ends, size_t& at) {
  while (at < text.size() && text[at] == ' ') ++at;
  std::string name;
  if (at < text.size() && text[at] == '"') {
    for (++at; at < text.size(); ++at) {
      if (text[at] == '"' && (at + 1 == text.size() || text[at + 1] != '"')) break;
      if (text[at] == '"') ++at;
      name += text[at];
    }
    if (at == text.size()) return ConfigError("a quote is not closed: ", text);
    ++at;
    while (at < text.size() && text[at] == ' ') ++at;
    if (at < text.size() && ends.find(text[at]) == ends.npos) {
      return ConfigError("something stands behind the closing quote: ", text);
    }
    return name;
  }
  const size_t end = std::min(text.find_first_of(ends, at), text.size());
  name = Trimmed(text.substr(at, end - at));
  at = end;
  return name;
}

}  // namespace

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

arrow::Result<CallText> ParseCallText(std::string_view text) {
  CallText call;
  size_t at = 0;
  ARROW_ASSIGN_OR_RAISE(call.function, ReadName(text, "()", at));
  if (call.function.empty()) return ConfigError("a name is expected: ", text);
  if (at == text.size()) return call;
  if (text[at] != '(') return ConfigError("a `)` without its `(`: ", text);
  call.has_parentheses = true;
  ++at;
  while (true) {
    const size_t before = at;
    ARROW_ASSIGN_OR_RAISE(std::string argument, ReadName(text, "(),", at));
    if (at == text.size()) return ConfigError("`(` is not closed: ", text);
    if (text[at] == '(') return ConfigError("only column names may stand inside: ", text);
    const bool is_empty_list = text[at] == ')' && call.arguments.empty() && argument.empty() &&
                               Trimmed(text.substr(before, at - before)).empty();
    if (argument.empty() && !is_empty_list) return ConfigError("an argument is empty: ", text);
    if (!is_empty_list) call.arguments.push_back(std::move(argument));
    if (text[at++] == ')') break;
  }
  if (!Trimmed(text.substr(at)).empty()) return ConfigError("something stands behind `)`: ", text);
  return call;
}

}  // namespace catchwater
