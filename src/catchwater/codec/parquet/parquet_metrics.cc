#include "catchwater/codec/parquet/parquet_metrics.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

template <typename ParquetType>
const parquet::TypedStatistics<ParquetType>& Typed(const parquet::Statistics& statistics) {
  return static_cast<const parquet::TypedStatistics<ParquetType>&>(statistics);
}

std::string BytesOf(const parquet::ByteArray& value) {
  return {reinterpret_cast<const char*>(value.ptr), value.len};
}

bool IsDecimal(const parquet::ColumnDescriptor& column) {
  return column.logical_type() != nullptr && column.logical_type()->is_decimal();
}

std::optional<ParquetValue> DecimalOf(const uint8_t* bytes, int32_t byte_count) {
  const auto value = arrow::Decimal128::FromBigEndian(bytes, byte_count);
  if (!value.ok()) return std::nullopt;
  return *value;
}

/// The bound that `get` takes out of typed statistics.
template <typename Get>
std::optional<ParquetValue> ValueOf(const parquet::ColumnDescriptor& column,
                                    const parquet::Statistics& statistics, Get&& get) {
  switch (statistics.physical_type()) {
    case parquet::Type::BOOLEAN:
      return get(Typed<parquet::BooleanType>(statistics));
    case parquet::Type::INT32: {
      const int32_t value = get(Typed<parquet::Int32Type>(statistics));
      if (IsDecimal(column)) return arrow::Decimal128(value);
      return value;
    }
    case parquet::Type::INT64: {
      const int64_t value = get(Typed<parquet::Int64Type>(statistics));
      if (IsDecimal(column)) return arrow::Decimal128(value);
      return value;
    }
    case parquet::Type::FLOAT:
      return get(Typed<parquet::FloatType>(statistics));
    case parquet::Type::DOUBLE:
      return get(Typed<parquet::DoubleType>(statistics));
    case parquet::Type::BYTE_ARRAY: {
      const parquet::ByteArray value = get(Typed<parquet::ByteArrayType>(statistics));
      if (IsDecimal(column)) return DecimalOf(value.ptr, static_cast<int32_t>(value.len));
      return BytesOf(value);
    }
    case parquet::Type::FIXED_LEN_BYTE_ARRAY: {
      const parquet::FixedLenByteArray value = get(Typed<parquet::FLBAType>(statistics));
      if (IsDecimal(column)) return DecimalOf(value.ptr, column.type_length());
      return std::string(reinterpret_cast<const char*>(value.ptr),
                         static_cast<size_t>(column.type_length()));
    }
    default:
      return std::nullopt;
  }
}

/// Adds one row group's bounds to those so far.
class BoundsMerger {
 public:
  void Add(const parquet::ColumnDescriptor& column, const parquet::Statistics* statistics,
           int64_t value_count) {
    const bool has_null_count = statistics != nullptr && statistics->HasNullCount();
    const bool is_all_null = has_null_count && statistics->null_count() == value_count;
    if (has_null_count) {
      null_count_ += statistics->null_count();
    } else {
      is_null_count_known_ = false;
    }
    if (is_all_null) return;
    if (statistics == nullptr || !statistics->HasMinMax()) {
      is_complete_ = false;
      return;
    }
    Take(ValueOf(column, *statistics, [](const auto& typed) { return typed.min(); }), min_,
         [](const ParquetValue& a, const ParquetValue& b) { return a < b; });
    Take(ValueOf(column, *statistics, [](const auto& typed) { return typed.max(); }), max_,
         [](const ParquetValue& a, const ParquetValue& b) { return b < a; });
  }

  void Finish(ParquetColumnMetrics& metrics) {
    if (is_null_count_known_) metrics.null_count = null_count_;
    if (!is_complete_) return;
    metrics.min = std::move(min_);
    metrics.max = std::move(max_);
  }

 private:
  template <typename IsBetter>
  void Take(std::optional<ParquetValue> value, std::optional<ParquetValue>& best,
            IsBetter is_better) {
    if (!value) {
      is_complete_ = false;
    } else if (!best || is_better(*value, *best)) {
      best = std::move(value);
    }
  }

  std::optional<ParquetValue> min_, max_;
  int64_t null_count_ = 0;
  bool is_null_count_known_ = true;
  bool is_complete_ = true;
};

int64_t StartOf(const parquet::RowGroupMetaData& group) {
  const auto chunk = group.ColumnChunk(0);
  if (!chunk->has_dictionary_page()) return chunk->data_page_offset();
  return std::min(chunk->dictionary_page_offset(), chunk->data_page_offset());
}

}  // namespace

ParquetMetrics MetricsOfFooter(const parquet::FileMetaData& footer, int64_t file_byte_count) {
  ParquetMetrics metrics;
  metrics.row_count = footer.num_rows();
  metrics.file_byte_count = file_byte_count;
  std::vector<std::unique_ptr<parquet::RowGroupMetaData>> groups;
  for (int g = 0; g < footer.num_row_groups(); ++g) {
    groups.push_back(footer.RowGroup(g));
    if (groups.back()->num_columns() > 0) metrics.split_offsets.push_back(StartOf(*groups.back()));
  }
  std::ranges::sort(metrics.split_offsets);
  for (int c = 0; c < footer.num_columns(); ++c) {
    const parquet::ColumnDescriptor& column = *footer.schema()->Column(c);
    ParquetColumnMetrics result{.field_id = column.schema_node()->field_id(),
                                .name = column.name(),
                                .null_count = std::nullopt,
                                .min = std::nullopt,
                                .max = std::nullopt};
    result.is_text = column.logical_type() != nullptr && column.logical_type()->is_string();
    BoundsMerger bounds;
    for (const auto& group : groups) {
      const auto chunk = group->ColumnChunk(c);
      result.byte_count += chunk->total_compressed_size();
      result.value_count += chunk->num_values();
      const auto statistics = chunk->statistics();
      bounds.Add(column, statistics.get(), chunk->num_values());
    }
    bounds.Finish(result);
    metrics.columns.push_back(std::move(result));
  }
  return metrics;
}

arrow::Result<ParquetMetrics> ReadFooterMetrics(
    const std::shared_ptr<arrow::io::RandomAccessFile>& file) {
  try {
    ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, file->GetSize());
    const auto reader = parquet::ParquetFileReader::Open(file);
    return MetricsOfFooter(*reader->metadata(), byte_count);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    return BadData("Parquet footer cannot be read: ", error.what());
  }
}

}  // namespace catchwater
