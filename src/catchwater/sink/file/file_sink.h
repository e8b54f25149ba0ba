/// \file
/// Sink `file`: rows into one CSV or JSON file that appears whole or not at all.
#pragma once

#include <string>
#include <vector>

#include "catchwater/component/registry.h"

namespace catchwater {

struct FileSinkConfig {
  static constexpr std::string_view kShortFor = "path";

  std::string path;
  std::string codec;
  std::vector<std::string> columns;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("path", path, "File to write, relative to the project.", Example{"totals.csv"});
    field.Optional("codec", codec,
                   "Format: `csv` or `json`. Default: by the file's extension (`.csv`, `.json`, "
                   "`.ndjson`).");
    field.Optional("columns", columns, "Columns to write, in order. Default: all.");
  }
};

arrow::Status RegisterFileSink(Registry& registry);

}  // namespace catchwater
