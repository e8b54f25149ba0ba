/// \file
/// `columns:` in YAML, each `name: type` or `name: {type: ..., from: ..., ...}`.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/status.h>

#include "catchwater/batch/column.h"
#include "catchwater/config/describe.h"

namespace catchwater {

constexpr auto EnumWords(ColumnType) {
  using Pair = std::pair<ColumnType, std::string_view>;
  return std::array{
      Pair{ColumnType::kBool, "bool"},           Pair{ColumnType::kInt32, "int32"},
      Pair{ColumnType::kInt64, "int64"},         Pair{ColumnType::kFloat32, "float32"},
      Pair{ColumnType::kFloat64, "float64"},     Pair{ColumnType::kDecimal, "decimal"},
      Pair{ColumnType::kString, "string"},       Pair{ColumnType::kDate, "date"},
      Pair{ColumnType::kTimestamp, "timestamp"}, Pair{ColumnType::kEnum, "enum"},
  };
}

/// What becomes of a row when a value is of another type than its column's.
enum class ColumnContract { kReject, kNull, kStop, kEvolve };
constexpr auto EnumWords(ColumnContract) {
  using Pair = std::pair<ColumnContract, std::string_view>;
  return std::array{Pair{ColumnContract::kReject, "reject"}, Pair{ColumnContract::kNull, "null"},
                    Pair{ColumnContract::kStop, "stop"}, Pair{ColumnContract::kEvolve, "evolve"}};
}

/// By column: those whose contract was declared.
using ColumnContracts = std::map<std::string, ColumnContract, std::less<>>;

/// A column with its description; the name is the key above it.
struct ColumnConfig : Column {
  static constexpr std::string_view kShortFor = "type";

  std::optional<ColumnContract> contract;  ///< None: the pipeline's.

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("type", type, "Type of the values.");
    field.Optional("from", from,
                   "Where the value comes from: a CSV header name or a place `#3`, a JSON path "
                   "relative to the record (`$.` begins at the document), an attribute of the "
                   "source (`path.stem`). Default: the column's own name.");
    field.Optional("event_time", is_event_time, "This is when it happened. One column at most.");
    field.Optional("entity", is_entity, "This names the sensor, room or station of a row.");
    field.Optional("required", is_required, "A row without a value is a dead letter.");
    field.Optional("unit", unit, "Unit of the values, for people.");
    field.Optional("format", format,
                   "How a timestamp or date is written: `iso`, `epoch_s`, `epoch_ms`, `epoch_us`, "
                   "or a pattern such as `%d.%m.%Y %H:%M`. Default: iso.");
    field.Optional("zone", zone,
                   "Time zone of timestamps without an offset, e.g. `Europe/Paris`. Default: UTC.");
    field.Optional("values", values, "The words that an enum may be.", Count{0, 10'000});
    field.Optional("precision", precision, "Digits of a decimal.", Bounds{1, 38});
    field.Optional("scale", scale, "Digits of a decimal after the point.", Bounds{0, 38});
    field.Optional("null_tokens", null_tokens, "Texts that mean null, instead of the codec's.",
                   Count{0, 100});
    field.Optional("contract", contract,
                   "When values turn into another type: `reject` makes the row a dead letter, "
                   "`null` keeps it without the value, `stop` ends the pipeline, `evolve` widens "
                   "the table's column where it can (int32 to int64, float32 to float64) and "
                   "else rejects. The ledger is told. Default: the pipeline's `contract`.");
  }
  arrow::Status Check() const;
};

}  // namespace catchwater
