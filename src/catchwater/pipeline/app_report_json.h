/// \file
/// What one app tells of itself, as `app status` shows it and its tenant gets it.
#pragma once

#include <nlohmann/json.hpp>

#include "catchwater/pipeline/app_report.h"

namespace catchwater {

inline nlohmann::ordered_json AppReportJson(const AppReport& report) {
  nlohmann::ordered_json told{{"app", report.app}};
  report.ForEach([&](const char* name, const auto& value) { told[name] = value; });
  told["dropped"] = report.dropped;
  if (report.script_state.empty()) return told;
  told["script"] = {{"state", report.script_state},
                    {"starts", report.script_starts},
                    {"last_error", report.last_error}};
  return told;
}

}  // namespace catchwater
