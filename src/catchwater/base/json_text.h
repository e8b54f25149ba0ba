/// \file
/// Writing JSON by hand: one pass, no tree.
#pragma once

#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace catchwater {

/// Appends a text in quotes. \pre valid UTF-8
inline void AppendJsonString(std::string& out, std::string_view text) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= 0x20 && c != '"' && c != '\\') {
      out.push_back(c);
    } else if (byte >= 0x20) {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out += "\\u00";
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  out.push_back('"');
}

inline void AppendJsonNumber(std::string& out, int64_t number) {
  std::array<char, 24> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), number);
  static_cast<void>(error);  // 24 characters hold any int64.
  out.append(text.data(), end);
}

/// Builds one object, member by member.
class JsonObject {
 public:
  explicit JsonObject(std::string& out) : out_(out) { out_.push_back('{'); }

  std::string& Key(std::string_view key) {
    if (!is_first_) out_.push_back(',');
    is_first_ = false;
    AppendJsonString(out_, key);
    out_.push_back(':');
    return out_;
  }
  void Number(std::string_view key, int64_t value) { AppendJsonNumber(Key(key), value); }
  void Text(std::string_view key, std::string_view value) { AppendJsonString(Key(key), value); }
  void Bool(std::string_view key, bool value) { Key(key) += value ? "true" : "false"; }
  void Raw(std::string_view key, std::string_view json) { Key(key) += json; }
  void End() { out_.push_back('}'); }

 private:
  std::string& out_;
  bool is_first_ = true;
};

/// Appends `[a,b,...]`; `append(out, item)` writes one.
template <typename Items, typename Append>
void AppendJsonArray(std::string& out, const Items& items, Append&& append) {
  out.push_back('[');
  bool is_first = true;
  for (const auto& item : items) {
    if (!is_first) out.push_back(',');
    is_first = false;
    append(out, item);
  }
  out.push_back(']');
}

}  // namespace catchwater
