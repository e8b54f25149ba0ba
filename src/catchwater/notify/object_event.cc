#include "catchwater/notify/object_event.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace catchwater {
namespace {

constexpr size_t kObjectsMax = 1'000;
constexpr int kWrappingsMax = 2;  // SNS around the event; a queue's own envelope around that.

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// Keys are written as in a form: `+` is a blank.
std::string Unescape(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_escape = text[i] == '%' && i + 2 < text.size() && HexValue(text[i + 1]) >= 0 &&
                           HexValue(text[i + 2]) >= 0;
    if (is_escape) {
      out += static_cast<char>(HexValue(text[i + 1]) * 16 + HexValue(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

/// A text of an object; empty: there is none.
std::string TextOf(const nlohmann::json& json, const char* name) {
  if (!json.is_object()) return "";
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

const nlohmann::json& MemberOf(const nlohmann::json& json, const char* name) {
  static const nlohmann::json nothing;
  if (!json.is_object()) return nothing;
  const auto found = json.find(name);
  return found == json.end() ? nothing : *found;
}

void AddRecords(const nlohmann::json& records, std::vector<std::string>* paths) {
  for (const auto& record : records) {
    if (paths->size() >= kObjectsMax) return;
    std::string name = TextOf(record, "eventName");
    if (name.starts_with("s3:")) name.erase(0, 3);
    if (!name.starts_with("ObjectCreated")) continue;
    const auto& s3 = MemberOf(record, "s3");
    const std::string bucket = TextOf(MemberOf(s3, "bucket"), "name");
    const std::string key = TextOf(MemberOf(s3, "object"), "key");
    if (!bucket.empty() && !key.empty()) paths->push_back("s3://" + bucket + "/" + Unescape(key));
  }
}

void Add(std::string_view message, int wrappings, std::vector<std::string>* paths) {
  const auto json = nlohmann::json::parse(message, nullptr, /*allow_exceptions=*/false);
  if (const auto& records = MemberOf(json, "Records"); records.is_array()) {
    AddRecords(records, paths);
  } else if (const std::string inner = TextOf(json, "Message");
             !inner.empty() && wrappings < kWrappingsMax) {
    Add(inner, wrappings + 1, paths);
  }
}

}  // namespace

std::vector<std::string> CreatedObjects(std::string_view message) {
  std::vector<std::string> paths;
  Add(message, /*wrappings=*/0, &paths);
  return paths;
}

bool MayMatch(std::string_view pattern, std::string_view path) {
  return path.starts_with(pattern.substr(0, pattern.find_first_of("*?[")));
}

}  // namespace catchwater
