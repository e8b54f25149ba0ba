#include "catchwater/control/tenant_control.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/text.h"
#include "catchwater/pipeline/app_report_json.h"
#include "catchwater/pipeline/app_switches.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

/// The tenant is told; all other failures are ours, and it may ask again.
bool IsOfTenant(const arrow::Status& failure) {
  const ErrorKind kind = KindOf(failure);
  return kind == ErrorKind::kBadData || kind == ErrorKind::kNotFound;
}

arrow::Result<std::string> TextOf(const Json& request, const char* name) {
  const auto found = request.find(name);
  if (found == request.end()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  return BadData("Value of a field must be a text, field: ", name);
}

arrow::Result<Json> Parse(std::string_view request) {
  constexpr const char* kExample = R"({"app": "name", "do": "disable"})";
  if (request.size() > TenantControl::kRequestBytesMax) {
    return BadData("Request is too long, bytes at most: ", TenantControl::kRequestBytesMax);
  }
  Json parsed = Json::parse(request, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return BadData("Request is no JSON object such as ", kExample);
  for (const auto& [name, value] : parsed.items()) {
    if (name == "app" || name == "do") continue;
    return BadData("Request has `app` and `do` only, it is like ", kExample);
  }
  return parsed;
}

}  // namespace

arrow::Result<TenantAnswer> TenantControl::Answer(std::string_view request) const {
  const auto done = Do(request);
  if (done.ok()) return TenantAnswer{.text = done->dump()};
  if (!IsOfTenant(done.status())) return done.status();
  return TenantAnswer{.text = Json{{"ok", false}, {"error", done.status().message()}}.dump(),
                      .is_refused = true};
}

arrow::Result<Json> TenantControl::Do(std::string_view request) const {
  ARROW_ASSIGN_OR_RAISE(const Json parsed, Parse(request));
  ARROW_ASSIGN_OR_RAISE(const std::string app, TextOf(parsed, "app"));
  ARROW_ASSIGN_OR_RAISE(const std::string word, TextOf(parsed, "do"));
  std::vector<std::string> apps = context_.apps;
  // Whether another tenant has an app of the name is not told.
  if (!app.empty() && std::ranges::find(apps, app) == apps.end()) {
    return NotFound("You have no app of this name; yours are ", JoinWords(apps));
  }
  if (word == "enable" || word == "disable") {
    if (app.empty()) return BadData("Say which `app`; yours are ", JoinWords(apps));
    return Switch(app, word == "enable");
  }
  if (!app.empty()) apps = {app};
  if (word == "status" || word == "metrics") return Tell(apps, word == "metrics");
  return BadData("`do` is none of enable, disable, status, metrics");
}

arrow::Result<Json> TenantControl::Switch(const std::string& app, bool is_on) const {
  const std::string& pipeline = context_.pipeline;
  // First: the client sees the effect before the ledger, which may be syncing a commit, has the
  // switch. Should we die between, the app is on.
  if (!is_on) context_.hold_app(app);
  ARROW_ASSIGN_OR_RAISE(const AppStates states, ReadAppStates(context_.ledger, pipeline));
  const auto known = states.find(app);
  const bool was_on = known == states.end() || known->second;
  if (was_on != is_on) {
    ARROW_RETURN_NOT_OK(WriteAppState(context_.ledger, pipeline, app, is_on, context_.new_uuid()));
  }
  // Also if it was so before: who asked again may have died before it took effect.
  ARROW_RETURN_NOT_OK(context_.take_switches());
  return Json{{"ok", true}, {"app", app}, {"state", is_on ? "enabled" : "disabled"}};
}

arrow::Result<Json> TenantControl::Tell(const std::vector<std::string>& apps,
                                        bool with_metrics) const {
  ARROW_ASSIGN_OR_RAISE(const AppStates states, ReadAppStates(context_.ledger, context_.pipeline));
  const std::vector<AppReport> reports = context_.reports();
  Json told = Json::array();
  for (const std::string& app : apps) {
    const auto known = states.find(app);
    const bool is_on = known == states.end() || known->second;
    told.push_back({{"app", app}, {"state", is_on ? "enabled" : "disabled"}});
    const auto report = std::ranges::find(reports, app, &AppReport::app);
    if (report == reports.end()) continue;
    if (with_metrics) {
      told.back()["metrics"] = AppReportJson(*report);
      told.back()["metrics"].erase("app");
    } else if (!report->script_state.empty()) {
      told.back()["script"] = report->script_state;
    }
  }
  return Json{{"ok", true}, {"apps", std::move(told)}};
}

}  // namespace catchwater
