/// \file
/// `enrich`: adds columns from a reference: a CSV or Parquet file, or a lake table.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>

#include "catchwater/component/registry.h"

namespace catchwater {

enum class OnMissing { kNull, kDeadLetter, kDrop };
constexpr auto EnumWords(OnMissing) {
  using Pair = std::pair<OnMissing, std::string_view>;
  return std::array{Pair{OnMissing::kNull, "null"}, Pair{OnMissing::kDeadLetter, "dead_letter"},
                    Pair{OnMissing::kDrop, "drop"}};
}

struct ReferenceConfig {
  static constexpr std::string_view kShortFor = "file";
  std::string file;
  std::string table;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("file", file, "File that ends in .csv, .tsv or .parquet.",
                   Example{"sensors.csv"});
    field.Optional("table", table, "Table of the lake.", Example{"sensors.sites"});
  }
  arrow::Status Check() const;
};

struct EnrichConfig {
  ReferenceConfig with;
  ConfigNode key;
  std::vector<std::string> add;
  OnMissing on_missing = OnMissing::kNull;
  int64_t rows_max = 5'000'000;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("with", with, "The reference.", Example{"sensors.csv"});
    field.Required("key", key,
                   "Column that both have, or a list of them, or a map from the rows' names to the "
                   "reference's.",
                   Holds{"columns"}, Example{"sensor_id"});
    field.Optional("add", add, "Columns to add. Default: all but the key.",
                   Example{"[site, room]"});
    field.Optional("on_missing", on_missing, "What happens to a row whose key is not there.");
    field.Optional("rows_max", rows_max, "Rows that the reference may have.",
                   Bounds{1, 100'000'000});
  }
  arrow::Status Check() const;
  /// Pairs of the rows' column and the reference's.
  arrow::Result<std::vector<std::pair<std::string, std::string>>> Key() const;
  std::vector<std::string> ColumnsRead() const;
  std::vector<std::string> ColumnsAdded() const { return add; }
  bool AddsUnknownColumns() const { return add.empty(); }
};

arrow::Status RegisterEnrichStep(Registry& registry);

}  // namespace catchwater
