/// \file
/// `script:` of a stream: a program that makes results of rows.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/base/error.h"
#include "catchwater/config/column_config.h"
#include "catchwater/config/describe.h"

namespace catchwater {

/// Columns that every table of results of a script has before those that are declared.
inline constexpr std::array<std::string_view, 3> kScriptColumns = {"id", "revision", "retracted"};

/// `script: {command: [python3, app.py], results: {station_id: string, why: string}}`
struct ScriptConfig {
  std::vector<std::string> command;
  std::vector<std::pair<std::string, ColumnConfig>> results;
  std::vector<std::pair<std::string, std::string>> environment;
  int64_t batch_rows = 1'000;
  Duration time_max = Duration::Seconds(10);
  ByteSize memory_max = ByteSize::MiB(512);
  ByteSize output_max = ByteSize::MiB(4);
  Duration hold_max = Duration::Days(7);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("command", command,
                   "The program and its arguments. It works in the folder of the project.",
                   Count{1, 100}, Example{"[python3, app.py]"});
    field.Required("results", results,
                   "The fields of a result and their types, as in `columns`. `id` and `retracted` "
                   "need not be declared.",
                   Count{1, 200}, Example{"{station_id: string, why: string}"});
    field.Optional("environment", environment,
                   "Environment variables of the program. It has no other than these, `PATH`, "
                   "`HOME`, `LANG`, `TZ`, `CATCHWATER_PIPELINE` and `CATCHWATER_APP`.",
                   Count{0, 100}, Example{"{THRESHOLD: \"75\"}"});
    field.Optional("batch_rows", batch_rows, "Rows that it is given before it must answer.",
                   Bounds{1, 100'000});
    field.Optional("time_max", time_max,
                   "From the first row of a batch to the answer; a program that takes longer "
                   "hangs: it is ended and started anew.",
                   Bounds{Duration::Millis(10), Duration::Hours(24)});
    field.Optional("memory_max", memory_max, "Address space of the program (RLIMIT_AS).",
                   Bounds{ByteSize::MiB(8), ByteSize::GiB(1'024)});
    field.Optional("output_max", output_max,
                   "Bytes of results and errors for a batch; a program that tells more floods: it "
                   "is ended and started anew.",
                   Bounds{ByteSize::KiB(1), ByteSize::GiB(1)});
    field.Optional("hold_max", hold_max,
                   "Data files that compaction replaced are kept so long for a script that fails; "
                   "after that it gets the whole table anew.",
                   Bounds{Duration::Minutes(1), Duration::Days(365)});
  }
  arrow::Status Check() const {
    for (const auto& [name, column] : results) {
      for (const std::string_view own : kScriptColumns) {
        if (name == own) return ConfigError("a result has this field by itself: ", name);
      }
      if (!column.from.empty()) return ConfigError("`from` has no meaning here, field: ", name);
    }
    return arrow::Status::OK();
  }
};

}  // namespace catchwater
