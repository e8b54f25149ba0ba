#include "catchwater/batch/column_of_type.h"

#include <utility>

namespace catchwater {

Column ColumnOfType(std::string name, const arrow::DataType& type) {
  Column column;
  column.name = std::move(name);
  switch (type.id()) {
    case arrow::Type::BOOL:
      column.type = ColumnType::kBool;
      break;
    case arrow::Type::INT32:
      column.type = ColumnType::kInt32;
      break;
    case arrow::Type::INT64:
      column.type = ColumnType::kInt64;
      break;
    case arrow::Type::FLOAT:
      column.type = ColumnType::kFloat32;
      break;
    case arrow::Type::DOUBLE:
      column.type = ColumnType::kFloat64;
      break;
    case arrow::Type::DATE32:
      column.type = ColumnType::kDate;
      break;
    case arrow::Type::TIMESTAMP:
      column.type = ColumnType::kTimestamp;
      break;
    case arrow::Type::DECIMAL128: {
      const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
      column.type = ColumnType::kDecimal;
      column.precision = decimal.precision();
      column.scale = decimal.scale();
      break;
    }
    default:
      column.type = ColumnType::kString;
  }
  return column;
}

}  // namespace catchwater
