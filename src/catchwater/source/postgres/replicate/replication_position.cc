#include "catchwater/source/postgres/replicate/replication_position.h"

#include <array>
#include <charconv>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/json_text.h"
#include "catchwater/component/source.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

uint64_t NumberOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

std::optional<uint64_t> ParseHex(std::string_view text) {
  uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, /*base=*/16);
  if (error != std::errc{} || stop != end || number > UINT32_MAX) return std::nullopt;
  return number;
}

}  // namespace

std::string LsnText(uint64_t lsn) {
  std::array<char, 20> text{};
  std::snprintf(text.data(), text.size(), "%X/%X", static_cast<uint32_t>(lsn >> 32),
                static_cast<uint32_t>(lsn));
  return text.data();
}

std::optional<uint64_t> ParseLsn(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto high = ParseHex(text.substr(0, slash));
  const auto low = ParseHex(text.substr(slash + 1));
  if (!high || !low) return std::nullopt;
  return *high << 32 | *low;
}

std::string ReplicationPosition::Token() const {
  std::string token;
  JsonObject object(token);
  object.Text("lsn", LsnText(lsn));
  object.Number("rows", static_cast<int64_t>(row_count));
  object.Text("slot", slot);
  if (columns != 0) object.Number("columns", static_cast<int64_t>(columns));
  if (!snapshot.empty()) {
    object.Text("snapshot", snapshot);
    object.Number("at", static_cast<int64_t>(snapshot_at));
  }
  object.End();
  return token;
}

arrow::Result<std::optional<ReplicationPosition>> ReplicationPosition::FromToken(
    const std::string& token) {
  if (token.empty() || token == kNewIncarnation) return std::nullopt;
  const Json json = Json::parse(token, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    const auto lsn = ParseLsn(TextOf(json, "lsn"));
    ReplicationPosition position{.slot = TextOf(json, "slot"),
                                 .lsn = lsn.value_or(0),
                                 .row_count = NumberOf(json, "rows"),
                                 .snapshot = TextOf(json, "snapshot"),
                                 .snapshot_at = NumberOf(json, "at"),
                                 .columns = static_cast<uint32_t>(NumberOf(json, "columns"))};
    if (lsn && !position.slot.empty()) return position;
  }
  return Internal("Position of a replicated table says no place in the log: ", token);
}

}  // namespace catchwater
