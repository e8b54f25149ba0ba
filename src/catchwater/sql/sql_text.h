/// \file
/// Quoting for SQL that is put together by the program.
#pragma once

#include <string>
#include <string_view>

namespace catchwater {

/// `site "A"` -> `"site ""A"""`.
std::string QuoteSqlName(std::string_view name);
/// `it's` -> `'it''s'`.
std::string QuoteSqlText(std::string_view text);

}  // namespace catchwater
