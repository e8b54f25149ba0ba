/// \file
/// The schema contract of a pipeline: what the user declares under `columns`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

namespace catchwater {

enum class ColumnType {
  kBool,
  kInt32,
  kInt64,
  kFloat32,
  kFloat64,
  kDecimal,
  kString,
  kDate,
  kTimestamp,
  kEnum,
};

/// One declared column. Immutable after parsing.
struct Column {
  std::string name;
  ColumnType type = ColumnType::kString;
  /// Where the value comes from: a CSV header name or 1-based `#3`, a JSON path relative to the
  /// record (`$.header.station_name` for the envelope), an attribute of the source (`path.stem`),
  /// or empty: the column's own name.
  std::string from;
  bool is_event_time = false;
  bool is_entity = false;
  bool is_required = false;  ///< A null makes the row a dead letter.
  std::string unit;          ///< For people only.
  /// kTimestamp, kDate: `iso` (default), `epoch_s`, `epoch_ms`, `epoch_us`, or a strptime pattern.
  std::string format;
  /// kTimestamp: IANA zone of times without an offset; empty means UTC.
  std::string zone;
  std::vector<std::string> values;       ///< kEnum: the allowed words.
  int32_t precision = 18;                ///< kDecimal: total digits, at most 38.
  int32_t scale = 4;                     ///< kDecimal: digits after the point.
  std::vector<std::string> null_tokens;  ///< Overrides the codec's.
};

/// Returns the Arrow type of the column: timestamp -> timestamp(us, "UTC"), enum -> utf8,
/// decimal -> decimal128(precision, scale).
std::shared_ptr<arrow::DataType> ArrowType(const Column& column);

/// Returns the schema of the columns in their declared order; all nullable but the required ones.
std::shared_ptr<arrow::Schema> ArrowSchema(const std::vector<Column>& columns);

/// "int64", "timestamp", ... as written in YAML. \retval kConfig for an unknown word
arrow::Result<ColumnType> ParseColumnType(std::string_view word);
std::string_view ColumnTypeName(ColumnType type);

}  // namespace catchwater
