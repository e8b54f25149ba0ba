#include "catchwater/config/source_text.h"

#include <utility>

namespace catchwater {

SourceText::SourceText(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_begins_.push_back(0);
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_begins_.push_back(i + 1);
  }
}

std::string_view SourceText::Line(int64_t line) const {
  if (line < 1 || line > line_count()) return {};
  const size_t begin = line_begins_[static_cast<size_t>(line) - 1];
  const size_t end = text_.find('\n', begin);
  std::string_view found = std::string_view(text_).substr(
      begin, end == std::string::npos ? std::string::npos : end - begin);
  if (found.ends_with('\r')) found.remove_suffix(1);
  return found;
}

}  // namespace catchwater
