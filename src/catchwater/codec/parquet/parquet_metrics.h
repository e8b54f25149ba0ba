/// \file
/// What the footer of a Parquet file says about its columns, by field id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/util/decimal.h>

namespace parquet {
class FileMetaData;
}

namespace catchwater {

/// A bound as typed value: int32_t for INT32 (also dates), int64_t for INT64 (also timestamps),
/// std::string for texts and binaries.
using ParquetValue =
    std::variant<bool, int32_t, int64_t, float, double, std::string, arrow::Decimal128>;

struct ParquetColumnMetrics {
  int32_t field_id = -1;
  std::string name;
  int64_t byte_count = 0;   ///< Compressed.
  int64_t value_count = 0;  ///< With nulls.
  std::optional<int64_t> null_count;
  /// Over all row groups; absent if one has values but no statistics. Never NaN.
  std::optional<ParquetValue> min;
  std::optional<ParquetValue> max;
  bool is_text = false;  ///< UTF-8: bounds may be truncated at code points.
};

struct ParquetMetrics {
  int64_t row_count = 0;
  int64_t file_byte_count = 0;
  std::vector<ParquetColumnMetrics> columns;  ///< Leaves, in file order.
  std::vector<int64_t> split_offsets;         ///< Start of each row group, ascending.
};

/// Reads the footer of a file that somebody else wrote. \retval kBadData if it is no Parquet file
arrow::Result<ParquetMetrics> ReadFooterMetrics(
    const std::shared_ptr<arrow::io::RandomAccessFile>& file);

/// Takes the metrics out of a footer. May throw what Parquet throws.
ParquetMetrics MetricsOfFooter(const parquet::FileMetaData& footer, int64_t file_byte_count);

}  // namespace catchwater
