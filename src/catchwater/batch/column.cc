#include "catchwater/batch/column.h"

#include <array>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::array<std::pair<ColumnType, std::string_view>, 10> kTypeNames{{
    {ColumnType::kBool, "bool"},
    {ColumnType::kInt32, "int32"},
    {ColumnType::kInt64, "int64"},
    {ColumnType::kFloat32, "float32"},
    {ColumnType::kFloat64, "float64"},
    {ColumnType::kDecimal, "decimal"},
    {ColumnType::kString, "string"},
    {ColumnType::kDate, "date"},
    {ColumnType::kTimestamp, "timestamp"},
    {ColumnType::kEnum, "enum"},
}};

}  // namespace

std::shared_ptr<arrow::DataType> ArrowType(const Column& column) {
  switch (column.type) {
    case ColumnType::kBool:
      return arrow::boolean();
    case ColumnType::kInt32:
      return arrow::int32();
    case ColumnType::kInt64:
      return arrow::int64();
    case ColumnType::kFloat32:
      return arrow::float32();
    case ColumnType::kFloat64:
      return arrow::float64();
    case ColumnType::kDecimal:
      return arrow::decimal128(column.precision, column.scale);
    case ColumnType::kDate:
      return arrow::date32();
    case ColumnType::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case ColumnType::kString:
    case ColumnType::kEnum:
      return arrow::utf8();
  }
  return arrow::utf8();
}

std::shared_ptr<arrow::Schema> ArrowSchema(const std::vector<Column>& columns) {
  std::vector<std::shared_ptr<arrow::Field>> fields;
  fields.reserve(columns.size());
  for (const Column& column : columns) {
    fields.push_back(arrow::field(column.name, ArrowType(column), !column.is_required));
  }
  return arrow::schema(std::move(fields));
}

arrow::Result<ColumnType> ParseColumnType(std::string_view word) {
  for (const auto& [type, name] : kTypeNames) {
    if (name == word) return type;
  }
  return ConfigError("Column type is not known: ", word);
}

std::string_view ColumnTypeName(ColumnType type) {
  return kTypeNames[static_cast<size_t>(type)].second;
}

}  // namespace catchwater
