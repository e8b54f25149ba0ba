#include "catchwater/influx/line_point.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "catchwater/base/number.h"

namespace catchwater {
namespace {

constexpr std::array<std::string_view, 10> kBools = {"t", "T", "true",  "True",  "TRUE",
                                                     "f", "F", "false", "False", "FALSE"};

bool IsInteger(std::string_view text, bool may_be_negative) {
  if (may_be_negative && text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

/// Reads from left to right; one line.
class PointReader {
 public:
  PointReader(std::string_view line, LinePoint* point) : line_(line), point_(*point) {}

  std::optional<LineFault> Read() {
    point_.tags.clear();
    point_.fields.clear();
    point_.time.reset();
    point_.measurement = Word(", ");
    if (point_.measurement.empty()) return Fault("a measurement is missing");
    while (Take(',')) {
      if (auto fault = ReadTag()) return fault;
    }
    if (!TakeBlanks()) return Fault("a blank and a field are missing");
    do {
      if (auto fault = ReadField()) return fault;
    } while (Take(','));
    if (at_ < line_.size() && !TakeBlanks()) return Fault("a field ends with a comma or a blank");
    if (at_ < line_.size()) return ReadTime();
    return std::nullopt;
  }

 private:
  LineFault Fault(std::string_view what) const { return {.what = what, .offset = at_}; }

  /// Up to one of the ends that no backslash protects.
  std::string_view Word(std::string_view ends) {
    const size_t begin = at_;
    while (at_ < line_.size() && ends.find(line_[at_]) == ends.npos) {
      at_ += line_[at_] == '\\' && at_ + 1 < line_.size() ? 2 : 1;
    }
    return line_.substr(begin, at_ - begin);
  }
  bool Take(char wanted) {
    if (at_ >= line_.size() || line_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool TakeBlanks() {
    const size_t begin = at_;
    while (Take(' ')) continue;
    return at_ > begin;
  }

  std::optional<LineFault> ReadTag() {
    const std::string_view key = Word("=, ");
    if (key.empty()) return Fault("the key of a tag is missing");
    if (!Take('=')) return Fault("a tag has no value");
    const std::string_view value = Word("=, ");
    if (value.empty()) return Fault("a tag has no value");
    if (at_ < line_.size() && line_[at_] == '=') return Fault("a tag has two values");
    point_.tags.push_back({.key = key, .value = value});
    return std::nullopt;
  }

  std::optional<LineFault> ReadField() {
    const std::string_view key = Word("=, ");
    if (key.empty()) return Fault("the key of a field is missing");
    if (!Take('=')) return Fault("a field has no value");
    if (Take('"')) return ReadString(key);
    const size_t begin = at_;
    std::string_view value = Word(", ");
    LineFieldKind kind = LineFieldKind::kFloat;
    if (value.ends_with('i') || value.ends_with('u')) {
      kind = value.back() == 'i' ? LineFieldKind::kInteger : LineFieldKind::kUnsigned;
      value.remove_suffix(1);
    } else if (std::find(kBools.begin(), kBools.end(), value) != kBools.end()) {
      kind = LineFieldKind::kBool;
    }
    const bool is_number =
        kind == LineFieldKind::kFloat
            ? std::isfinite(ParseDouble(value).value_or(NAN))
            : kind == LineFieldKind::kBool || IsInteger(value, kind == LineFieldKind::kInteger);
    if (!is_number) {
      return LineFault{.what = "a field is neither number, bool nor quoted", .offset = begin};
    }
    point_.fields.push_back({.key = key, .value = value, .kind = kind});
    return std::nullopt;
  }

  std::optional<LineFault> ReadString(std::string_view key) {
    const std::string_view value = Word("\"");
    if (!Take('"')) return Fault("a quote is never closed");
    point_.fields.push_back({.key = key, .value = value, .kind = LineFieldKind::kString});
    return std::nullopt;
  }

  std::optional<LineFault> ReadTime() {
    const std::string_view time = Word(" ");
    if (!IsInteger(time, /*may_be_negative=*/true)) {
      at_ -= time.size();
      return Fault("the time is no whole number");
    }
    point_.time = time;
    TakeBlanks();
    if (at_ < line_.size()) return Fault("something stands behind the time");
    return std::nullopt;
  }

  const std::string_view line_;
  LinePoint& point_;
  size_t at_ = 0;
};

}  // namespace

std::optional<LineFault> ParseLinePoint(std::string_view line, LinePoint* point) {
  return PointReader(line, point).Read();
}

bool UnescapeLineText(std::string_view text, std::string_view escaped, std::string* unescaped) {
  if (text.find('\\') == text.npos) return false;
  unescaped->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    const bool protects =
        text[i] == '\\' && i + 1 < text.size() && escaped.find(text[i + 1]) != escaped.npos;
    *unescaped += protects ? text[++i] : text[i];
  }
  return true;
}

}  // namespace catchwater
