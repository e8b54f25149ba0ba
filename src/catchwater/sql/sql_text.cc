#include "catchwater/sql/sql_text.h"

namespace catchwater {
namespace {

std::string Quote(std::string_view text, char quote) {
  std::string quoted(1, quote);
  for (const char character : text) {
    if (character == quote) quoted += quote;
    quoted += character;
  }
  quoted += quote;
  return quoted;
}

}  // namespace

std::string QuoteSqlName(std::string_view name) { return Quote(name, '"'); }
std::string QuoteSqlText(std::string_view text) { return Quote(text, '\''); }

}  // namespace catchwater
