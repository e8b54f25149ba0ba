/// \file
/// Sink `file`: results of a stream into one CSV or JSON file that appears whole or not at all; the
/// rows of a table into a folder of files.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/delivery_options.h"
#include "catchwater/component/registry.h"

namespace catchwater {

enum class FilePartition { kDay, kHour };
constexpr auto EnumWords(FilePartition) {
  using Pair = std::pair<FilePartition, std::string_view>;
  return std::array{Pair{FilePartition::kDay, "day"}, Pair{FilePartition::kHour, "hour"}};
}

struct FileSinkConfig {
  static constexpr std::string_view kShortFor = "path";

  std::string path;
  std::string codec;
  std::vector<std::string> columns;
  std::string time;
  FilePartition partition = FilePartition::kHour;
  DeliveryOptions delivery;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("path", path,
                   "File to write, relative to the project; in `sinks:` a folder, with a `/` at "
                   "its end.",
                   Example{"totals.csv"});
    field.Optional("codec", codec,
                   "Format: `csv` or `json`, in a folder `parquet` too. Default: by the file's "
                   "extension (`.csv`, `.json`, `.ndjson`); in a folder `parquet`.");
    field.Optional("columns", columns, "Columns to write, in order. Default: all.");
    field.Optional(
        "time", time,
        "In a folder: timestamp column that divides rows into `date=2026-01-02/hour=03/` "
        "(UTC). Default: not divided.",
        Example{"ts"});
    field.Optional("partition", partition, "In a folder with `time`: by day, or by day and hour.");
    delivery.Describe(field);
  }
};

arrow::Status RegisterFileSink(Registry& registry);

}  // namespace catchwater
