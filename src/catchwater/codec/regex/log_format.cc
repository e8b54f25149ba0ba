#include "catchwater/codec/regex/log_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include <re2/re2.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kCommon = R"(%h %l %u %t "%r" %>s %b)";
constexpr std::string_view kCombined = R"(%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-agent}i")";
constexpr std::string_view kClfTime = "%d/%b/%Y:%H:%M:%S %z";

struct Part {
  std::string literal{};  // Of a field: empty.
  std::string field{};
  std::string time_format{};
  bool is_bracketed = false;  // The server writes the brackets itself.
};

using Words = std::pair<std::string_view, std::string_view>;

// Apache's directives of one letter.
constexpr std::array kDirectives = {
    Words{"h", "remote_host"},
    Words{"a", "client_ip"},
    Words{"A", "local_ip"},
    Words{"l", "ident"},
    Words{"u", "user"},
    Words{"t", "time"},
    Words{"r", "request"},
    Words{"s", "status"},
    Words{"b", "bytes"},
    Words{"B", "bytes"},
    Words{"D", "duration_us"},
    Words{"T", "duration_s"},
    Words{"v", "server_name"},
    Words{"V", "server_name_used"},
    Words{"p", "port"},
    Words{"m", "method"},
    Words{"U", "path"},
    Words{"q", "query"},
    Words{"H", "protocol"},
    Words{"I", "bytes_in"},
    Words{"O", "bytes_out"},
    Words{"S", "bytes_total"},
    Words{"X", "connection_status"},
    Words{"P", "process_id"},
    Words{"f", "file"},
    Words{"k", "keepalive_count"},
    Words{"L", "log_id"},
    Words{"R", "handler"},
};
// Apache's directives with a name, `%{Referer}i`: what stands before it in the field's name.
constexpr std::array kNamedDirectives = {
    Words{"i", ""},        Words{"o", "response_"}, Words{"e", "env_"},     Words{"n", "note_"},
    Words{"C", "cookie_"}, Words{"p", "port_"},     Words{"P", "process_"},
};
// nginx's variables that are called as Apache's fields here; others keep their name.
constexpr std::array kVariables = {
    Words{"remote_addr", "remote_host"},  Words{"remote_user", "user"},
    Words{"body_bytes_sent", "bytes"},    Words{"bytes_sent", "bytes_out"},
    Words{"request_length", "bytes_in"},  Words{"request_time", "duration_s"},
    Words{"request_method", "method"},    Words{"request_uri", "path"},
    Words{"server_protocol", "protocol"}, Words{"time_local", "time"},
    Words{"time_iso8601", "time"},        Words{"msec", "time"},
};

template <size_t kCount>
const Words* Find(const std::array<Words, kCount>& words, std::string_view key) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [key](const Words& word) { return word.first == key; });
  return found == words.end() ? nullptr : &*found;
}

bool IsNameLetter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_';
}

std::string FieldName(std::string_view text) {
  std::string name;
  for (const char letter : text) {
    name += IsNameLetter(letter)
                ? static_cast<char>(std::tolower(static_cast<unsigned char>(letter)))
                : '_';
  }
  return name;
}

/// Reads one kind of format string into its parts.
class FormatReader {
 public:
  explicit FormatReader(std::string_view format) : rest_(format) {}

  arrow::Result<std::vector<Part>> Read(bool is_apache) {
    const char sign = is_apache ? '%' : '$';
    while (!rest_.empty()) {
      if (rest_.front() != sign) {
        // In a configuration file quotes are written with a backslash.
        if (is_apache && rest_.starts_with("\\\"")) Take(1);
        AddLiteral(Take(1));
      } else if (is_apache) {
        ARROW_RETURN_NOT_OK(ReadDirective());
      } else {
        ARROW_RETURN_NOT_OK(ReadVariable());
      }
    }
    return std::move(parts_);
  }

 private:
  std::string_view Take(size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  void AddLiteral(std::string_view text) {
    if (parts_.empty() || !parts_.back().field.empty()) parts_.emplace_back();
    parts_.back().literal += text;
  }

  arrow::Status ReadDirective() {
    const std::string_view whole = rest_;
    Take(1);
    if (rest_.starts_with('%')) {
      AddLiteral(Take(1));
      return arrow::Status::OK();
    }
    bool is_original = false;  // `%<s`: before internal redirects.
    while (!rest_.empty() && std::string_view("!0123456789,<>").find(rest_.front()) != rest_.npos) {
      is_original = Take(1) == "<";
    }
    std::string_view name;
    if (rest_.starts_with('{')) {
      const size_t end = rest_.find('}');
      if (end == rest_.npos) return ConfigError("Format has a `{` that is never closed: ", whole);
      name = Take(end + 1).substr(1, end - 1);
    }
    const std::string_view letter = Take(1);
    if (!name.empty()) return AddNamed(name, letter, whole);
    const Words* found = Find(kDirectives, letter);
    if (found == nullptr) return ConfigError("Format has an unknown directive: ", whole);
    Part part{.field = std::string(found->second)};
    if (is_original) part.field += "_original";
    if (letter == "t") {
      part.time_format = kClfTime;
      part.is_bracketed = true;
    }
    parts_.push_back(std::move(part));
    return arrow::Status::OK();
  }

  arrow::Status AddNamed(std::string_view name, std::string_view letter, std::string_view whole) {
    Part part;
    if (letter == "t") {
      part.field = "time";
      part.time_format = TimeFormat(name);
    } else if (letter == "T") {
      part.field = "duration_" + FieldName(name);
    } else if (letter == "a") {
      part.field = "peer_ip";
    } else if (const Words* found = Find(kNamedDirectives, letter)) {
      part.field = std::string(found->second) + FieldName(name);
    } else {
      return ConfigError("Format has an unknown directive: ", whole);
    }
    parts_.push_back(std::move(part));
    return arrow::Status::OK();
  }

  static std::string TimeFormat(std::string_view name) {
    for (const std::string_view prefix : {"begin:", "end:"}) {
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
    }
    if (name == "sec") return "epoch_s";
    if (name == "msec") return "epoch_ms";
    if (name == "usec") return "epoch_us";
    return std::string(name);
  }

  arrow::Status ReadVariable() {
    const std::string_view whole = rest_;
    Take(1);
    const bool is_braced = rest_.starts_with('{');
    if (is_braced) Take(1);
    size_t length = 0;
    while (length < rest_.size() && IsNameLetter(rest_[length])) ++length;
    const std::string name(Take(length));
    if (is_braced && !rest_.starts_with('}')) {
      return ConfigError("Format has a `{` that is never closed: ", whole);
    }
    if (is_braced) Take(1);
    if (name.empty()) return ConfigError("Format has a `$` without a name: ", whole);
    Part part{.field = name};
    if (const Words* found = Find(kVariables, name)) part.field = found->second;
    if (name.starts_with("http_")) part.field = name.substr(5);
    if (name == "time_local") part.time_format = kClfTime;
    if (name == "time_iso8601") part.time_format = "iso";
    if (name == "msec") part.time_format = "epoch_s";
    parts_.push_back(std::move(part));
    return arrow::Status::OK();
  }

  std::string_view rest_;
  std::vector<Part> parts_;
};

/// Parts -> pattern.
class PatternWriter {
 public:
  explicit PatternWriter(const std::vector<Part>& parts) : parts_(parts) {}

  arrow::Result<LogPattern> Write() {
    for (const Part& part : parts_) {
      if (part.field.empty()) continue;
      if (!names_.insert(part.field).second) {
        return ConfigError("Format has the field twice: ", part.field);
      }
    }
    for (size_t i = 0; i < parts_.size(); ++i) {
      const Part& part = parts_[i];
      if (part.field.empty()) {
        format_.pattern += re2::RE2::QuoteMeta(part.literal);
      } else {
        ARROW_RETURN_NOT_OK(AddField(i));
      }
    }
    return std::move(format_);
  }

 private:
  arrow::Status AddField(size_t i) {
    const Part& part = parts_[i];
    if (!part.time_format.empty()) format_.time_formats[part.field] = part.time_format;
    if (part.is_bracketed) {
      format_.pattern += "\\[(?P<" + part.field + ">[^\\]]*)\\]";
      return arrow::Status::OK();
    }
    const bool is_last = i + 1 == parts_.size();
    if (!is_last && parts_[i + 1].literal.empty() && !parts_[i + 1].is_bracketed) {
      return ConfigError("Format has two fields with nothing in between: ", part.field, " ",
                         parts_[i + 1].field);
    }
    const char next = is_last ? '\0' : parts_[i + 1].is_bracketed ? '[' : parts_[i + 1].literal[0];
    std::string values = ".*";
    if (next == '"') {
      values = R"((?:[^"\\]|\\.)*)";
      format_.escaped_groups.insert(part.field);
    } else if (next != '\0') {
      values = "[^" + re2::RE2::QuoteMeta(re2::StringPiece(&next, 1)) + "]*";
    }
    if (part.field == "request") values = RequestParts(next == '"') + "|" + values;
    format_.pattern += "(?P<" + part.field + ">" + values + ")";
    return arrow::Status::OK();
  }

  /// `GET /path HTTP/1.1`; anything else that a client sent is a request without parts.
  std::string RequestParts(bool is_quoted) {
    const auto group = [&](const std::string& name, const std::string& values) {
      if (names_.contains(name)) return "(?:" + values + ")";
      if (is_quoted) format_.escaped_groups.insert(name);
      return "(?P<" + name + ">" + values + ")";
    };
    return group("method", "[A-Z]+") + " " + group("path", R"((?:[^ "\\]|\\.)*)") +
           "(?: " + group("protocol", "[A-Z]+/[0-9.]+") + ")?";
  }

  const std::vector<Part>& parts_;
  std::set<std::string> names_;
  LogPattern format_;
};

}  // namespace

arrow::Result<LogPattern> ParseLogFormat(std::string_view format) {
  if (format == "common") format = kCommon;
  if (format == "combined") format = kCombined;
  const bool is_apache = format.find('%') != format.npos;
  if (!is_apache && format.find('$') == format.npos) {
    return ConfigError(
        "Format is neither `common`, `combined`, nor has Apache's `%h` or nginx's `$remote_addr`: ",
        format);
  }
  ARROW_ASSIGN_OR_RAISE(const std::vector<Part> parts, FormatReader(format).Read(is_apache));
  return PatternWriter(parts).Write();
}

}  // namespace catchwater
