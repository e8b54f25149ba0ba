#include "catchwater/config/scalar_place.h"

#include <algorithm>
#include <string_view>

namespace catchwater {
namespace {

bool IsBlank(char character) {
  return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

/// Walks through the scalar as written beside the text that YAML made of it.
class Walker {
 public:
  Walker(std::string_view written, size_t at) : written_(written), at_(at) {
    if (at_ >= written_.size()) return;
    const char first = written_[at_];
    if (first == '"' || first == '\'') {
      quote_ = first;
      ++at_;
    } else if (first == '|' || first == '>') {
      at_ = std::min(written_.find('\n', at_), written_.size());
    }
  }

  /// Passes the text over; blanks and line ends count as the same, as many as there are.
  bool Pass(std::string_view text) {
    for (const char character : text) {
      if (IsBlank(character)) continue;
      SkipBlanks();
      if (!PassOne(character)) return false;
    }
    return true;
  }
  void SkipBlanks() {
    while (at_ < written_.size() && IsBlank(written_[at_])) ++at_;
  }
  size_t at() const { return at_; }

 private:
  bool PassOne(char character) {
    const bool is_escaped = (quote_ == '\'' && character == '\'') ||
                            (quote_ == '"' && (character == '"' || character == '\\'));
    if (is_escaped) {
      const char escape = quote_ == '\'' ? '\'' : '\\';
      if (at_ >= written_.size() || written_[at_] != escape) return false;
      ++at_;
    }
    if (at_ >= written_.size() || written_[at_] != character) return false;
    ++at_;
    return true;
  }

  const std::string_view written_;
  size_t at_;
  char quote_ = '\0';  // None.
};

}  // namespace

std::optional<Place> PlaceInScalar(const ConfigNode& scalar, size_t offset, size_t length) {
  const Place& whole = scalar.place();
  if (!scalar.is_scalar() || scalar.is_substituted() || !whole.source || whole.line == 0) {
    return std::nullopt;
  }
  const std::string_view written = whole.source->text();
  const std::string_view first_line = whole.source->Line(whole.line);
  const auto begin = static_cast<size_t>(first_line.data() - written.data());
  Walker walker(written, begin + static_cast<size_t>(whole.column) - 1);
  const std::string_view text = scalar.text();
  if (!walker.Pass(text.substr(0, offset))) return std::nullopt;
  if (offset < text.size() && !IsBlank(text[offset])) walker.SkipBlanks();

  Place place = whole;
  const std::string_view before = written.substr(begin, walker.at() - begin);
  place.line += std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n') == before.npos ? 0 : before.rfind('\n') + 1;
  place.column = static_cast<int64_t>(before.size() - line_begin) + 1;
  const std::string_view line = whole.source->Line(place.line);
  const int64_t left = static_cast<int64_t>(line.size()) - place.column + 1;
  place.length = std::clamp<int64_t>(static_cast<int64_t>(length), 1, std::max<int64_t>(left, 1));
  return place;
}

}  // namespace catchwater
