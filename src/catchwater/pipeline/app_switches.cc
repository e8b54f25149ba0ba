#include "catchwater/pipeline/app_switches.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// No app has a name with a slash: these checkpoints are in the way of nobody's state.
constexpr const char* kSwitchConsumer = "apps/switch";
constexpr std::string_view kOn = "on";
constexpr std::string_view kOff = "off";

}  // namespace

arrow::Result<AppStates> ReadAppStates(Ledger& ledger, const std::string& pipeline) {
  AppStates states;
  ARROW_ASSIGN_OR_RAISE(const auto switches, ledger.Checkpoints(pipeline, kSwitchConsumer));
  for (const Checkpoint& one : switches) states[one.shard] = one.meaning != kOff;
  return states;
}

arrow::Status WriteAppState(Ledger& ledger, const std::string& pipeline, const std::string& app,
                            bool is_on, const std::string& commit_id) {
  CommitPlan plan;
  plan.id = commit_id;
  plan.actor = "app/" + pipeline + "/" + app;
  plan.state = {{.pipeline = pipeline,
                 .consumer = kSwitchConsumer,
                 .shard = app,
                 .meaning = std::string(is_on ? kOn : kOff),
                 .files = {},
                 .watermark_us = std::nullopt}};
  plan.events = {{.kind = is_on ? "app_enabled" : "app_disabled",
                  .object = pipeline + "/" + app,
                  .body_json = "{}"}};
  ARROW_ASSIGN_OR_RAISE(auto done, ledger.Commit(plan));
  if (done.first == Outcome::kUnknown) {
    ARROW_ASSIGN_OR_RAISE(done, ledger.Settle(plan));
  }
  if (done.first == Outcome::kCommitted) return arrow::Status::OK();
  return Unavailable("Switch was not written, try again; app: ", pipeline, "/", app);
}

AppSwitches::AppSwitches(std::string pipeline, const std::vector<std::string>& apps)
    : pipeline_(std::move(pipeline)) {
  for (const std::string& app : apps) is_on_[app] = true;
}

arrow::Status AppSwitches::Read(Ledger& ledger) {
  ARROW_ASSIGN_OR_RAISE(const AppStates states, ReadAppStates(ledger, pipeline_));
  for (auto& [app, is_on] : is_on_) {
    const auto found = states.find(app);
    is_on = found == states.end() || found->second;
  }
  return arrow::Status::OK();
}

bool AppSwitches::are_all_on() const {
  return std::ranges::all_of(is_on_, [](const auto& app) { return app.second.load(); });
}

}  // namespace catchwater
