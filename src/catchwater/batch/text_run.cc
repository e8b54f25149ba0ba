#include "catchwater/batch/text_run.h"

#include <algorithm>
#include <utility>

namespace catchwater {

NullTokens::NullTokens(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {
  for (const std::string& token : tokens_) {
    lengths_ |= uint64_t{1} << std::min<size_t>(token.size(), 63);
    if (!token.empty()) is_first_[static_cast<uint8_t>(token.front())] = true;
  }
}

bool NullTokens::Matches(std::string_view text) const {
  for (const std::string& token : tokens_) {
    if (token == text) return true;
  }
  return false;
}

}  // namespace catchwater
