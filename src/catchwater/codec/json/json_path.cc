#include "catchwater/codec/json/json_path.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

class PathParser {
 public:
  explicit PathParser(std::string_view text) : text_(text) {}

  arrow::Result<JsonPath> Parse() {
    JsonPath path;
    bool needs_name = !text_.empty();  // A bare name may stand here without a dot before it.
    if (Take('$')) {
      path.is_absolute = true;
      needs_name = false;
    }
    while (at_ < text_.size()) {
      if (text_[at_] == '[') {
        ARROW_ASSIGN_OR_RAISE(auto step, ParseBracket());
        path.steps.push_back(std::move(step));
      } else if (needs_name || Take('.')) {
        ARROW_ASSIGN_OR_RAISE(auto step, ParseName());
        path.steps.push_back(std::move(step));
      } else {
        return Fault("a `.` or `[` is expected");
      }
      needs_name = false;
    }
    return path;
  }

 private:
  bool Take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  arrow::Result<JsonStep> ParseName() {
    const size_t end = std::min(text_.find_first_of(".[]", at_), text_.size());
    const std::string_view name = text_.substr(at_, end - at_);
    if (name.empty()) return Fault("a name is expected");
    at_ = end;
    return JsonStep{.kind = JsonStep::Kind::kKey, .key = std::string(name)};
  }

  arrow::Result<JsonStep> ParseBracket() {
    ++at_;
    JsonStep step;
    if (Take('*')) {
      step.kind = JsonStep::Kind::kAll;
    } else if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
      ARROW_ASSIGN_OR_RAISE(step.key, ParseQuoted());
    } else {
      step.kind = JsonStep::Kind::kIndex;
      const char* begin = text_.data() + at_;
      const auto [rest, error] = std::from_chars(begin, text_.data() + text_.size(), step.index);
      if (error != std::errc() || step.index < 0) {
        return Fault("a quoted name, an index or `*` is expected in brackets");
      }
      at_ += static_cast<size_t>(rest - begin);
    }
    if (!Take(']')) return Fault("a `]` is expected");
    return step;
  }

  arrow::Result<std::string> ParseQuoted() {
    const char quote = text_[at_++];
    std::string name;
    while (at_ < text_.size() && text_[at_] != quote) {
      if (text_[at_] == '\\' && ++at_ == text_.size()) break;
      name += text_[at_++];
    }
    if (!Take(quote)) return Fault("the closing quote is missing");
    return name;
  }

  arrow::Status Fault(std::string_view why) const {
    return ConfigError("JSON path cannot be read, ", why, ", at character and path: ", at_ + 1, " ",
                       text_);
  }

  const std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

arrow::Result<JsonPath> ParseJsonPath(std::string_view text) { return PathParser(text).Parse(); }

}  // namespace catchwater
