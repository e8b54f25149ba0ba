/// \file
/// Words in a row, and words that differ in case only.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace catchwater {

/// `a, b, c`; nothing of no words.
inline std::string JoinWords(const std::vector<std::string>& words,
                             std::string_view separator = ", ") {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : separator).append(word);
  return text;
}

/// Letters A to Z in either case are the same; all other bytes are compared as they are.
inline bool IsSameIgnoringCase(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace catchwater
