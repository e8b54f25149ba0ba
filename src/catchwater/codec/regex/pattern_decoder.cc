#include "catchwater/codec/regex/pattern_decoder.h"

#include <algorithm>
#include <cstdint>

#include "catchwater/base/error.h"
#include "catchwater/base/hex.h"
#include "catchwater/base/utf8.h"

namespace catchwater {
namespace {

constexpr std::string_view kLine = "line";
constexpr int64_t kProgramBytesMax = 8 << 20;  // Of one compiled pattern.

/// RE2 knows `(?P<name>`; most other engines `(?<name>`.
std::string WithGroupNames(std::string_view pattern) {
  std::string rewritten;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) {
      rewritten += pattern.substr(i++, 2);
      continue;
    }
    rewritten += pattern[i];
    const std::string_view rest = pattern.substr(i);
    if (rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!")) {
      rewritten += "?P";
      ++i;
    }
  }
  return rewritten;
}

std::string NamesOf(const re2::RE2& regex) {
  std::string names;
  for (const auto& [name, group] : regex.NamedCapturingGroups()) {
    names += (names.empty() ? "" : ", ") + name;
  }
  return names;
}

bool IsTime(const Column& column) {
  return column.type == ColumnType::kTimestamp || column.type == ColumnType::kDate;
}

}  // namespace

arrow::Result<std::shared_ptr<const re2::RE2>> CompilePattern(std::string_view pattern,
                                                              bool is_latin1) {
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(kProgramBytesMax);
  if (is_latin1) options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto regex = std::make_shared<const re2::RE2>(WithGroupNames(pattern), options);
  if (!regex->ok()) {
    return ConfigError("Pattern is no regular expression (RE2), ", regex->error(), ": ",
                       regex->error_arg());
  }
  if (regex->NamedCapturingGroups().empty()) {
    return ConfigError("Pattern has no named group, write `(?P<name>...)`: ", pattern);
  }
  return regex;
}

bool UnescapeLogText(std::string_view text, std::string* unescaped) {
  if (text.find('\\') == text.npos) return false;
  constexpr std::string_view kLetters = "nrtbfv";
  constexpr std::string_view kMeanings = "\n\r\t\b\f\v";
  unescaped->clear();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      *unescaped += text[i];
      continue;
    }
    const char next = text[++i];
    const int high = next == 'x' && i + 2 < text.size() ? HexValue(text[i + 1]) : -1;
    const int low = high >= 0 ? HexValue(text[i + 2]) : -1;
    if (low >= 0) {
      *unescaped += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (const size_t letter = kLetters.find(next); letter != kLetters.npos) {
      *unescaped += kMeanings[letter];
    } else if (next == '"' || next == '\\') {
      *unescaped += next;
    } else {
      *unescaped += {'\\', next};
    }
  }
  return IsValidUtf8(*unescaped);
}

arrow::Result<std::unique_ptr<Decoder>> PatternDecoder::Make(
    const std::shared_ptr<const LinePattern>& pattern, const DecodeOptions& options) {
  const auto& groups = pattern->regex->NamedCapturingGroups();
  std::vector<Target> targets;
  DecodeOptions own = options;
  for (Column& column : own.columns) {
    const std::string& from = column.from.empty() ? column.name : column.from;
    const auto group = groups.find(from);
    if (group == groups.end() && from != kLine) {
      return ConfigError("Codec ", pattern->format, " has no field `", from,
                         "`, it has: ", NamesOf(*pattern->regex), ". Column: ", column.name);
    }
    targets.push_back({.group = group == groups.end() ? 0 : group->second,
                       .is_escaped = pattern->escaped_groups.contains(from)});
    const auto format = pattern->time_formats.find(from);
    if (IsTime(column) && column.format.empty() && format != pattern->time_formats.end()) {
      column.format = format->second;
    }
  }
  ARROW_ASSIGN_OR_RAISE(RecordRows rows,
                        RecordRows::Make(pattern->format, own, pattern->null_tokens));
  return std::unique_ptr<Decoder>(new PatternDecoder(pattern, std::move(rows), std::move(targets)));
}

PatternDecoder::PatternDecoder(std::shared_ptr<const LinePattern> pattern, RecordRows rows,
                               std::vector<Target> targets)
    : pattern_(std::move(pattern)),
      rule_(pattern_->format + ".match"),
      rows_(std::move(rows)),
      targets_(std::move(targets)) {
  int group_max = 0;
  for (const Target& target : targets_) group_max = std::max(group_max, target.group);
  found_.resize(static_cast<size_t>(group_max) + 1);
}

arrow::Result<Split> PatternDecoder::Decode(const Block& block) {
  ARROW_RETURN_NOT_OK(rows_.Begin(block));
  rows_.ForEachFrame([this](const RecordPlace& place) { TakeLine(place); });
  return rows_.Finish();
}

void PatternDecoder::TakeLine(RecordPlace place) {
  // A message may be a line with its end.
  if (place.text.ends_with('\n')) place.text.remove_suffix(1);
  if (place.text.ends_with('\r')) place.text.remove_suffix(1);
  if (pattern_->skip_empty && place.text.empty()) return rows_.ForgetFrame();
  const bool is_found = pattern_->regex->Match(
      re2::StringPiece(place.text.data(), place.text.size()), 0, place.text.size(),
      pattern_->is_search ? re2::RE2::UNANCHORED : re2::RE2::ANCHOR_BOTH, found_.data(),
      static_cast<int>(found_.size()));
  if (!is_found) {
    return rows_.RefuseFrame(place, rule_, "Line is not as the pattern says");
  }
  rows_.StartRow(place);
  for (size_t i = 0; i < targets_.size(); ++i) {
    const re2::StringPiece& found = found_[static_cast<size_t>(targets_[i].group)];
    const std::string_view text =
        targets_[i].group == 0 ? place.text : std::string_view(found.data(), found.size());
    if (text.data() == nullptr) {
      rows_.AppendNull(i);
    } else if (targets_[i].is_escaped && UnescapeLogText(text, &unescaped_)) {
      rows_.AppendOwnText(i, unescaped_);
    } else {
      rows_.AppendText(i, text);
    }
  }
}

}  // namespace catchwater
