#include "catchwater/config/column_config.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Status ColumnConfig::Check() const {
  if (type == ColumnType::kEnum && values.empty()) {
    return ConfigError("an enum needs `values`, the list of its words");
  }
  if (type != ColumnType::kEnum && !values.empty()) {
    return ConfigError("`values` is for `type: enum`, not for ", ColumnTypeName(type));
  }
  if (type == ColumnType::kDecimal && scale > precision) {
    return ConfigError("`scale` must not be greater than `precision`: ", scale, " > ", precision);
  }
  const bool is_time = type == ColumnType::kTimestamp || type == ColumnType::kDate;
  if (!format.empty() && !is_time) {
    return ConfigError("`format` is for timestamps and dates, not for ", ColumnTypeName(type));
  }
  if (!zone.empty() && type != ColumnType::kTimestamp) {
    return ConfigError("`zone` is for timestamps, not for ", ColumnTypeName(type));
  }
  if (is_event_time && type != ColumnType::kTimestamp) {
    return ConfigError("`event_time` needs `type: timestamp`, not ", ColumnTypeName(type));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
