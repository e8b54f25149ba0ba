#include "catchwater/ledger/sqlite/json_text.h"

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

std::string Write(const Json& json) {
  // A path may hold any bytes; an event must not fail because of them.
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

}  // namespace

std::string JsonList(const std::vector<std::string>& list) { return Write(Json(list)); }

arrow::Result<std::vector<std::string>> ListFromJson(std::string_view text) {
  std::vector<std::string> list;
  if (text.empty()) return list;
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_array()) return BadData("Ledger holds a list that is not JSON: ", text);
  for (const Json& entry : json) {
    if (!entry.is_string()) return BadData("Ledger holds a list of other than text: ", text);
    list.push_back(entry.get<std::string>());
  }
  return list;
}

std::string CommitEventBody(const CommitPlan& plan) {
  Json body{{"id", plan.id}, {"actor", plan.actor}, {"tables", Json::array()}};
  for (const PointerSwap& swap : plan.tables) {
    body["tables"].push_back({{"table", swap.table_key},
                              {"operation", swap.operation},
                              {"rows_added", swap.rows_added},
                              {"rows_removed", swap.rows_removed},
                              {"files_added", swap.added.size()},
                              {"files_removed", swap.removed.size()}});
  }
  return Write(body);
}

std::string ToJson(const WorkEventBody& body) {
  Json json{{"id", body.id},
            {"owner", body.owner},
            {"from", WorkStateName(body.from)},
            {"to", WorkStateName(body.to)}};
  if (!body.reason.empty()) json["reason"] = body.reason;
  return Write(json);
}

std::string FoundEventBody(int64_t partition_id, std::string_view pipeline, int64_t byte_count) {
  return Write(Json{{"id", partition_id},
                    {"owner", pipeline},
                    {"to", WorkStateName(WorkState::kToProcess)},
                    {"byte_count", byte_count}});
}

std::string DeliveryEventBody(const DeliveryRecord& delivery) {
  return Write(Json{{"table", delivery.table_key},
                    {"state", DeliveryStateName(delivery.state)},
                    {"reason", delivery.reason}});
}

}  // namespace catchwater
