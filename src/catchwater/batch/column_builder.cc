#include "catchwater/batch/column_builder.h"

#include "catchwater/base/error.h"
#include "catchwater/batch/typed_builders_internal.h"

namespace catchwater {

arrow::Result<std::unique_ptr<ColumnBuilder>> ColumnBuilder::Make(const Column& column) {
  switch (column.type) {
    case ColumnType::kBool:
    case ColumnType::kInt32:
    case ColumnType::kInt64:
    case ColumnType::kFloat32:
    case ColumnType::kFloat64:
    case ColumnType::kDecimal:
      return MakeNumberBuilder(column);
    case ColumnType::kDate:
    case ColumnType::kTimestamp:
      return MakeTimeBuilder(column);
    case ColumnType::kString:
    case ColumnType::kEnum:
      return MakeStringBuilder(column);
  }
  return Internal("Column has a type without a builder, column: ", column.name);
}

}  // namespace catchwater
