#include <cstring>

#include <arrow/util/bitmap_ops.h>

#include "catchwater/sql/vector_writer_internal.h"

namespace catchwater::duckdb_internal {
namespace {

duckdb_type TimestampType(const arrow::TimestampType& type) {
  // With a zone DuckDB has microseconds only: WriteTimestamps() converts.
  if (!type.timezone().empty()) return DUCKDB_TYPE_TIMESTAMP_TZ;
  switch (type.unit()) {
    case arrow::TimeUnit::SECOND:
      return DUCKDB_TYPE_TIMESTAMP_S;
    case arrow::TimeUnit::MILLI:
      return DUCKDB_TYPE_TIMESTAMP_MS;
    case arrow::TimeUnit::MICRO:
      return DUCKDB_TYPE_TIMESTAMP;
    case arrow::TimeUnit::NANO:
      return DUCKDB_TYPE_TIMESTAMP_NS;
  }
  return DUCKDB_TYPE_INVALID;
}

duckdb_type SimpleType(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return DUCKDB_TYPE_BOOLEAN;
    case arrow::Type::INT8:
      return DUCKDB_TYPE_TINYINT;
    case arrow::Type::INT16:
      return DUCKDB_TYPE_SMALLINT;
    case arrow::Type::INT32:
      return DUCKDB_TYPE_INTEGER;
    case arrow::Type::INT64:
      return DUCKDB_TYPE_BIGINT;
    case arrow::Type::UINT8:
      return DUCKDB_TYPE_UTINYINT;
    case arrow::Type::UINT16:
      return DUCKDB_TYPE_USMALLINT;
    case arrow::Type::UINT32:
      return DUCKDB_TYPE_UINTEGER;
    case arrow::Type::UINT64:
      return DUCKDB_TYPE_UBIGINT;
    case arrow::Type::FLOAT:
      return DUCKDB_TYPE_FLOAT;
    case arrow::Type::DOUBLE:
      return DUCKDB_TYPE_DOUBLE;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
      return DUCKDB_TYPE_VARCHAR;
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
      return DUCKDB_TYPE_BLOB;
    case arrow::Type::DATE32:
      return DUCKDB_TYPE_DATE;
    case arrow::Type::TIMESTAMP:
      return TimestampType(static_cast<const arrow::TimestampType&>(type));
    default:
      return DUCKDB_TYPE_INVALID;
  }
}

/// Values lie in DuckDB as they do in Arrow.
void CopyFixed(const arrow::Array& array, int64_t row, int64_t row_count, duckdb_vector vector) {
  const auto& type = static_cast<const arrow::FixedWidthType&>(*array.type());
  const int64_t width = type.bit_width() / 8;
  const arrow::ArrayData& data = *array.data();
  if (data.buffers[1] == nullptr) return;
  std::memcpy(duckdb_vector_get_data(vector), data.buffers[1]->data() + (data.offset + row) * width,
              static_cast<size_t>(row_count * width));
}

void WriteBools(const arrow::BooleanArray& array, int64_t row, int64_t row_count,
                duckdb_vector vector) {
  auto* out = static_cast<bool*>(duckdb_vector_get_data(vector));
  for (int64_t i = 0; i < row_count; ++i) out[i] = array.Value(row + i);
}

/// Texts of up to 12 bytes stand in the vector itself, longer ones are pointed at.
template <typename ArrayType>
void WriteTexts(const ArrayType& array, int64_t row, int64_t row_count, duckdb_vector vector) {
  auto* out = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
  for (int64_t i = 0; i < row_count; ++i) {
    duckdb_string_t text{};
    if (array.IsValid(row + i)) {
      const auto view = array.GetView(row + i);
      if (view.size() <= sizeof(text.value.inlined.inlined)) {
        text.value.inlined.length = static_cast<uint32_t>(view.size());
        if (!view.empty()) std::memcpy(text.value.inlined.inlined, view.data(), view.size());
      } else {
        text.value.pointer.length = static_cast<uint32_t>(view.size());
        std::memcpy(text.value.pointer.prefix, view.data(), sizeof(text.value.pointer.prefix));
        // DuckDB does not write through it; its C struct merely lacks the const.
        text.value.pointer.ptr = const_cast<char*>(view.data());  // NOLINT
      }
    }
    out[i] = text;
  }
}

template <typename Narrow>
void NarrowDecimals(const arrow::Decimal128Array& array, int64_t row, int64_t row_count,
                    duckdb_vector vector) {
  auto* out = static_cast<Narrow*>(duckdb_vector_get_data(vector));
  for (int64_t i = 0; i < row_count; ++i) {
    int64_t low = 0;  // Little endian, two's complement: the low half is the value.
    std::memcpy(&low, array.GetValue(row + i), sizeof(low));
    out[i] = static_cast<Narrow>(low);
  }
}

void WriteDecimals(const arrow::Decimal128Array& array, int64_t row, int64_t row_count,
                   duckdb_vector vector) {
  const int32_t precision = static_cast<const arrow::Decimal128Type&>(*array.type()).precision();
  if (precision <= 4) return NarrowDecimals<int16_t>(array, row, row_count, vector);
  if (precision <= 9) return NarrowDecimals<int32_t>(array, row, row_count, vector);
  if (precision <= 18) return NarrowDecimals<int64_t>(array, row, row_count, vector);
  CopyFixed(array, row, row_count, vector);
}

void WriteTimestamps(const arrow::TimestampArray& array, int64_t row, int64_t row_count,
                     duckdb_vector vector) {
  const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
  if (type.timezone().empty() || type.unit() == arrow::TimeUnit::MICRO) {
    return CopyFixed(array, row, row_count, vector);
  }
  auto* out = static_cast<int64_t*>(duckdb_vector_get_data(vector));
  const int64_t factor = type.unit() == arrow::TimeUnit::SECOND ? 1'000'000 : 1'000;
  for (int64_t i = 0; i < row_count; ++i) {
    const int64_t value = array.Value(row + i);
    if (type.unit() == arrow::TimeUnit::NANO) {
      out[i] = value / 1'000 - (value % 1'000 < 0 ? 1 : 0);  // Rounds down before 1970 too.
    } else if (__builtin_mul_overflow(value, factor, &out[i])) {
      out[i] = value < 0 ? -INT64_MAX : INT64_MAX;  // DuckDB's -infinity and infinity.
    }
  }
}

void WriteValidity(const arrow::Array& array, int64_t row, int64_t row_count,
                   duckdb_vector vector) {
  if (array.null_count() == 0) return;
  duckdb_vector_ensure_validity_writable(vector);
  auto* mask = static_cast<uint64_t*>(duckdb_vector_get_validity(vector));
  if (array.null_bitmap_data() == nullptr) {  // All null by type.
    std::memset(mask, 0, static_cast<size_t>((row_count + 63) / 64) * sizeof(uint64_t));
    return;
  }
  // NOLINTNEXTLINE: both are little-endian bit masks, the first row in the lowest bit.
  auto* bits = reinterpret_cast<uint8_t*>(mask);
  arrow::internal::CopyBitmap(array.null_bitmap_data(), array.offset() + row, row_count, bits, 0);
}

}  // namespace

LogicalType DuckDbType(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DECIMAL128) {
    const auto& decimal = static_cast<const arrow::Decimal128Type&>(type);
    if (decimal.scale() < 0 || decimal.scale() > decimal.precision()) return nullptr;
    return LogicalType(duckdb_create_decimal_type(static_cast<uint8_t>(decimal.precision()),
                                                  static_cast<uint8_t>(decimal.scale())));
  }
  const duckdb_type simple = SimpleType(type);
  if (simple == DUCKDB_TYPE_INVALID) return nullptr;
  return LogicalType(duckdb_create_logical_type(simple));
}

void WriteVector(const arrow::Array& array, int64_t row, int64_t row_count, duckdb_vector vector) {
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      WriteBools(static_cast<const arrow::BooleanArray&>(array), row, row_count, vector);
      break;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      WriteTexts(static_cast<const arrow::BinaryArray&>(array), row, row_count, vector);
      break;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      WriteTexts(static_cast<const arrow::LargeBinaryArray&>(array), row, row_count, vector);
      break;
    case arrow::Type::DECIMAL128:
      WriteDecimals(static_cast<const arrow::Decimal128Array&>(array), row, row_count, vector);
      break;
    case arrow::Type::TIMESTAMP:
      WriteTimestamps(static_cast<const arrow::TimestampArray&>(array), row, row_count, vector);
      break;
    default:
      CopyFixed(array, row, row_count, vector);
  }
  WriteValidity(array, row, row_count, vector);
}

}  // namespace catchwater::duckdb_internal
