/// \file
/// Parsing JSON that somebody else wrote: no exceptions, no deep recursion.
#pragma once

#include <algorithm>
#include <string_view>

#include <arrow/result.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {

/// The deepest level of brackets outside quotes.
inline int JsonDepthBound(std::string_view json) {
  int depth = 0;
  int depth_max = 0;
  bool is_quoted = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_quoted) {
      if (c == '\\') ++i;
      is_quoted = c != '"';
      continue;
    }
    if (c == '"') is_quoted = true;
    if (c == '{' || c == '[') depth_max = std::max(depth_max, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return depth_max;
}

/// \retval kBadData if the text is no JSON or nested deeper than 64 levels
inline arrow::Result<nlohmann::json> ParseJsonGuarded(std::string_view json) {
  constexpr int kDepthMax = 64;
  const int depth = JsonDepthBound(json);
  if (depth > kDepthMax) return BadData("JSON is nested too deep, levels: ", depth);
  nlohmann::json parsed = nlohmann::json::parse(json, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return BadData("JSON cannot be parsed, bytes: ", json.size());
  return parsed;
}

}  // namespace catchwater
