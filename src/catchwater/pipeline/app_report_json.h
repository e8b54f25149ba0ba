/// \file
/// What one app tells of itself, as `app status` shows it and its tenant gets it.
#pragma once

#include <nlohmann/json.hpp>

#include "catchwater/pipeline/app_meter.h"

namespace catchwater {

inline nlohmann::ordered_json AppReportJson(const AppReport& report) {
  nlohmann::ordered_json told{{"app", report.app},
                              {"rows_in", report.rows_in},
                              {"results", report.results},
                              {"out_of_order", report.out_of_order},
                              {"errors", report.errors},
                              {"analysis_us_per_row", report.analysis_us_per_row},
                              {"rows_per_second", report.rows_per_second},
                              {"rows_per_second_max", report.rows_per_second_max},
                              {"delay_s", report.delay_s},
                              {"delay_s_max", report.delay_s_max}};
  if (report.script_state.empty()) return told;
  told["script"] = {{"state", report.script_state},
                    {"starts", report.script_starts},
                    {"last_error", report.last_error}};
  return told;
}

}  // namespace catchwater
