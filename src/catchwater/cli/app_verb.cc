// `app`: the stream apps of a project, and switching them while the pipelines run.
#include <iomanip>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/cli/account_view.h"
#include "catchwater/cli/text_grid.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/pipeline/app_switches.h"
#include "catchwater/pipeline/control_server.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

struct AppArguments {
  std::string app;
  std::string pipeline;
};

/// One stream app of a pipeline.
struct ChosenApp {
  const BoundPipeline* pipeline = nullptr;
  const StreamConfig* stream = nullptr;
};

/// All apps that fit the arguments. \retval kNotFound if none does
arrow::Result<std::vector<ChosenApp>> ChooseApps(const Workspace& workspace,
                                                 const AppArguments& arguments) {
  std::vector<ChosenApp> apps;
  std::string known;
  for (const BoundPipeline& bound : workspace.project().pipelines) {
    for (const StreamConfig& stream : bound.config.streams) {
      known += (known.empty() ? "" : ", ") + bound.config.name + "/" + stream.name;
      if (!arguments.pipeline.empty() && bound.config.name != arguments.pipeline) continue;
      if (!arguments.app.empty() && stream.name != arguments.app) continue;
      apps.push_back({.pipeline = &bound, .stream = &stream});
    }
  }
  const bool is_choice = !arguments.app.empty() || !arguments.pipeline.empty();
  if (apps.empty() && is_choice) {
    return NotFound("There is no such stream app: ", arguments.pipeline,
                    arguments.pipeline.empty() ? "" : "/", arguments.app,
                    "\n  = note: apps of the project: ", known.empty() ? "none" : known);
  }
  return apps;
}

std::string StateOf(const ChosenApp& app, const AppStates& states) {
  const auto found = states.find(app.stream->name);
  return found == states.end() || found->second ? "enabled" : "disabled";
}

Json Describe(const ChosenApp& app, const AppStates& states) {
  return {{"app", app.stream->name},
          {"pipeline", app.pipeline->config.name},
          {"state", StateOf(app, states)},
          {"key", app.stream->key}};
}

/// The switches of the app's pipeline. Without a lake there is no ledger: all are on.
arrow::Result<AppStates> StatesOf(Workspace& workspace, const ChosenApp& app) {
  if (!app.pipeline->config.lake || !workspace.has_data()) return AppStates();
  return ReadAppStates(workspace.ledger(), app.pipeline->config.name);
}

arrow::Status List(Workspace& workspace, const AppArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto apps, ChooseApps(workspace, arguments));
  Json listed = Json::array();
  TextGrid grid({"app", "pipeline", "state"});
  for (const ChosenApp& app : apps) {
    ARROW_ASSIGN_OR_RAISE(const AppStates states, StatesOf(workspace, app));
    listed.push_back(Describe(app, states));
    const Json& one = listed.back();
    grid.Add({one["app"], one["pipeline"], one["state"]});
  }
  std::cout << (as_json ? listed.dump(2) + "\n" : apps.empty() ? "no stream apps\n" : grid.Draw());
  return arrow::Status::OK();
}

/// What the ledger knows of the app: the account of its rows, and its watermark.
arrow::Status AddAccount(Workspace& workspace, const ChosenApp& app, Json* status) {
  const std::string& pipeline = app.pipeline->config.name;
  ARROW_ASSIGN_OR_RAISE(const auto records, workspace.ledger().Account(pipeline));
  const Json streams = StreamsJson(AddUp(records));
  (*status)["rows"] = streams.contains(app.stream->name) ? streams[app.stream->name] : Json();
  ARROW_ASSIGN_OR_RAISE(const auto saved,
                        workspace.ledger().Checkpoints(pipeline, app.stream->name));
  (*status)["watermark"] = nullptr;
  if (!saved.empty() && saved.front().watermark_us) {
    std::string text;
    AppendTimestamp(*saved.front().watermark_us, /*with_z=*/true, &text);
    (*status)["watermark"] = text;
  }
  return arrow::Status::OK();
}

/// What a running program measured of the app since its start; null: none runs.
Json FindLive(const Json& reports, const ChosenApp& app) {
  for (const Json& report : reports) {
    if (report.value("pipeline", "") != app.pipeline->config.name) continue;
    for (const Json& live : report.value("apps", Json::array())) {
      if (live.value("app", "") == app.stream->name) return live;
    }
  }
  return nullptr;
}

std::string Rounded(const Json& number) {
  std::ostringstream text;
  text << std::setprecision(4) << number.get<double>();
  return std::move(text).str();
}

void PrintLive(const Json& live) {
  std::cout << "  since the start of the program: rows in " << live["rows_in"] << ", results "
            << live["results"] << ", out of order " << live["out_of_order"] << ", errors "
            << live["errors"] << "\n  rows that led to a result " << live["rows_with_result"]
            << ", not used " << live["dropped_rows"] << "; input bytes " << live["input_bytes"]
            << ", frames not read " << live["deserialization_errors"] << ", values not read "
            << live["conversion_errors"] << "\n  rows a second " << Rounded(live["rows_per_second"])
            << ", highest " << Rounded(live["rows_per_second_max"]) << "; analysis of a row "
            << Rounded(live["analysis_us_per_row"]) << " us; delay from receipt "
            << Rounded(live["delay_s"]) << " s, longest " << Rounded(live["delay_s_max"])
            << " s\n  response " << Rounded(live["response_s"]) << " s, longest "
            << Rounded(live["response_s_max"]) << " s";
  const std::string by = live["queue_delay_by"];
  if (!by.empty()) {
    std::cout << "; delay in the queue (" << by << ") " << Rounded(live["queue_delay_s"])
              << " s, longest " << Rounded(live["queue_delay_s_max"]) << " s";
  }
  std::cout << "\n";
  if (!live.contains("script")) return;
  const Json& script = live["script"];
  std::cout << "  script " << script["state"].get<std::string>() << ", starts " << script["starts"]
            << "\n";
  const std::string error = script["last_error"];
  if (!error.empty()) std::cout << "    " << error << "\n";
}

void PrintStatus(const Json& status) {
  std::cout << "app " << status["app"].get<std::string>() << " of pipeline "
            << status["pipeline"].get<std::string>() << ": " << status["state"].get<std::string>()
            << "\n";
  const Json& rows = status["rows"];
  if (!rows.is_null()) {
    std::cout << "  rows in " << rows["in"] << ", used " << rows["used"] << ", late "
              << rows["late"] << ", from the future " << rows["future"] << ", filtered "
              << rows["filtered"] << "\n";
    for (const auto& [reason, count] : rows["by_reason"].items()) {
      std::cout << "    " << reason << " " << count << "\n";
    }
  }
  if (!status["watermark"].is_null()) {
    std::cout << "  watermark " << status["watermark"].get<std::string>() << "\n";
  }
  if (!status["running"].is_null()) PrintLive(status["running"]);
}

arrow::Status Status(Workspace& workspace, const AppArguments& arguments, bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto apps, ChooseApps(workspace, arguments));
  ARROW_ASSIGN_OR_RAISE(const auto text, AskStatus(workspace.control_socket()));
  const Json reports = text ? Json::parse(*text) : Json::array();
  Json all = Json::array();
  for (const ChosenApp& app : apps) {
    ARROW_ASSIGN_OR_RAISE(const AppStates states, StatesOf(workspace, app));
    Json status = Describe(app, states);
    ARROW_RETURN_NOT_OK(AddAccount(workspace, app, &status));
    status["running"] = FindLive(reports, app);
    if (!as_json) PrintStatus(status);
    all.push_back(std::move(status));
  }
  if (as_json) std::cout << all.dump(2) << "\n";
  return arrow::Status::OK();
}

arrow::Status Switch(Workspace& workspace, const AppArguments& arguments, bool is_on,
                     bool as_json) {
  ARROW_ASSIGN_OR_RAISE(const auto apps, ChooseApps(workspace, arguments));
  if (apps.size() > 1) {
    return ConfigError("Several pipelines have an app of this name, choose with `--pipeline`: ",
                       arguments.app);
  }
  const BoundPipeline& pipeline = *apps.front().pipeline;
  if (!pipeline.config.lake) {
    return ConfigError("Only apps beside a lake can be switched; app: ", pipeline.config.name, "/",
                       arguments.app, "\n  = help: give the pipeline a `lake:`");
  }
  if (!is_on) {
    ARROW_RETURN_NOT_OK(TellHold(workspace.control_socket(), pipeline.config.name, arguments.app));
  }
  // The ledger before the program takes it in: a program that starts meanwhile reads it there.
  ARROW_RETURN_NOT_OK(WriteAppState(workspace.ledger(), pipeline.config.name, arguments.app, is_on,
                                    workspace.lake().NewUuid()));
  ARROW_ASSIGN_OR_RAISE(const bool is_running, TellSwitches(workspace.control_socket()));
  const char* state = is_on ? "enabled" : "disabled";
  if (as_json) {
    std::cout << Json{{"app", arguments.app},
                      {"pipeline", pipeline.config.name},
                      {"state", state},
                      {"running", is_running}}
                     .dump()
              << "\n";
  } else {
    std::cout << "app " << arguments.app << " of pipeline " << pipeline.config.name << " is "
              << state << (is_running ? "" : "; no program runs, it holds from the next start")
              << "\n";
  }
  return arrow::Status::OK();
}

arrow::Status Enable(Workspace& workspace, const AppArguments& arguments, bool as_json) {
  return Switch(workspace, arguments, /*is_on=*/true, as_json);
}

arrow::Status Disable(Workspace& workspace, const AppArguments& arguments, bool as_json) {
  return Switch(workspace, arguments, /*is_on=*/false, as_json);
}

using AppCall = arrow::Status (*)(Workspace&, const AppArguments&, bool as_json);

void AddAppCommand(Command& verb, GlobalOptions& globals, const char* name, const char* summary,
                   AppCall call, bool needs_app) {
  Command& command = verb.Sub(name, summary);
  auto arguments = std::make_shared<AppArguments>();
  OptionRules app = command.Option("app", arguments->app, "The app, a name under `streams`");
  if (needs_app) app.Required();
  command.Option("--project", globals.project, "Project folder");
  command.Option("--pipeline", arguments->pipeline, "Only apps of this pipeline");
  command.Runs([&globals, arguments, call] {
    // Switching one that cannot be read would leave it as it is.
    const bool reads = call == List || call == Status;
    return WithData(
        globals, reads ? ProjectUse::kReads : ProjectUse::kRuns,
        [&](Workspace& workspace) { return call(workspace, *arguments, globals.json); });
  });
}

}  // namespace

void AddAppVerb(Command& program, GlobalOptions& globals) {
  Command& verb = program.Sub("app", "Stream apps: how they stand, and switching them");
  verb.RequireSub();
  AddAppCommand(verb, globals, "list", "List the apps with their states", List, false);
  AddAppCommand(verb, globals, "status", "Show what became of each app's rows", Status, false);
  AddAppCommand(verb, globals, "enable", "Let an app go on; it makes up for what it missed", Enable,
                true);
  AddAppCommand(verb, globals, "disable", "Stop an app, and no other", Disable, true);
}

}  // namespace catchwater
