#include <cstring>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer_builder.h>
#include <arrow/type.h>
#include <arrow/util/decimal.h>

#include "catchwater/base/error.h"
#include "catchwater/sql/chunk_collector_internal.h"

namespace catchwater::duckdb_internal {
namespace {

/// Collects null masks; there is no buffer until the first null.
class ValidityBuilder {
 public:
  arrow::Status Append(duckdb_vector vector, int64_t row_count) {
    const uint64_t* mask = duckdb_vector_get_validity(vector);
    if (mask == nullptr && !has_nulls_) {
      row_count_ += row_count;
      return arrow::Status::OK();
    }
    if (!has_nulls_) {
      ARROW_RETURN_NOT_OK(bits_.Append(row_count_, true));
      has_nulls_ = true;
    }
    row_count_ += row_count;
    if (mask == nullptr) return bits_.Append(row_count, true);
    ARROW_RETURN_NOT_OK(bits_.Reserve(row_count));
    for (int64_t i = 0; i < row_count; ++i) {
      bits_.UnsafeAppend(((mask[i / 64] >> (i % 64)) & 1) != 0);
    }
    return arrow::Status::OK();
  }

  struct Validity {
    std::shared_ptr<arrow::Buffer> bits;
    int64_t row_count = 0;
    int64_t null_count = 0;
  };
  arrow::Result<Validity> Finish() {
    Validity validity{.bits = nullptr, .row_count = row_count_, .null_count = 0};
    if (has_nulls_) {
      validity.null_count = bits_.false_count();
      ARROW_ASSIGN_OR_RAISE(validity.bits, bits_.Finish());
    }
    has_nulls_ = false;
    row_count_ = 0;
    return validity;
  }

 private:
  arrow::TypedBufferBuilder<bool> bits_;
  int64_t row_count_ = 0;
  bool has_nulls_ = false;
};

/// Values lie in Arrow as they do in DuckDB.
class FixedCollector final : public ColumnCollector {
 public:
  FixedCollector(std::shared_ptr<arrow::DataType> type, int64_t width)
      : type_(std::move(type)), width_(width) {}

  arrow::Status Append(duckdb_vector vector, int64_t row_count) override {
    ARROW_RETURN_NOT_OK(values_.Append(duckdb_vector_get_data(vector), row_count * width_));
    return validity_.Append(vector, row_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, values_.Finish());
    return arrow::MakeArray(arrow::ArrayData::Make(type_, validity.row_count,
                                                   {std::move(validity.bits), std::move(values)},
                                                   validity.null_count));
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  const int64_t width_;  // Bytes of a value.
  arrow::BufferBuilder values_;
  ValidityBuilder validity_;
};

class BoolCollector final : public ColumnCollector {
 public:
  arrow::Status Append(duckdb_vector vector, int64_t row_count) override {
    const auto* values = static_cast<const uint8_t*>(duckdb_vector_get_data(vector));
    ARROW_RETURN_NOT_OK(values_.Reserve(row_count));
    // A null's byte may be anything.
    for (int64_t i = 0; i < row_count; ++i) values_.UnsafeAppend((values[i] & 1) != 0);
    return validity_.Append(vector, row_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, values_.Finish());
    return std::make_shared<arrow::BooleanArray>(validity.row_count, std::move(values),
                                                 std::move(validity.bits), validity.null_count);
  }

 private:
  arrow::TypedBufferBuilder<bool> values_;
  ValidityBuilder validity_;
};

/// VARCHAR and BLOB.
class TextCollector final : public ColumnCollector {
 public:
  explicit TextCollector(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  arrow::Status Append(duckdb_vector vector, int64_t row_count) override {
    auto* texts = static_cast<duckdb_string_t*>(duckdb_vector_get_data(vector));
    const uint64_t* mask = duckdb_vector_get_validity(vector);
    ARROW_RETURN_NOT_OK(ends_.Reserve(row_count + 1));
    if (ends_.length() == 0) ends_.UnsafeAppend(0);
    for (int64_t i = 0; i < row_count; ++i) {
      const bool is_valid = mask == nullptr || ((mask[i / 64] >> (i % 64)) & 1) != 0;
      if (is_valid) {
        ARROW_RETURN_NOT_OK(
            bytes_.Append(duckdb_string_t_data(&texts[i]), duckdb_string_t_length(texts[i])));
      }
      if (bytes_.length() > INT32_MAX) {
        return BadData("Text column of a result batch is over 2 GiB, bytes: ", bytes_.length());
      }
      ends_.UnsafeAppend(static_cast<int32_t>(bytes_.length()));
    }
    return validity_.Append(vector, row_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    if (ends_.length() == 0) ARROW_RETURN_NOT_OK(ends_.Append(0));
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto ends, ends_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto bytes, bytes_.Finish());
    return arrow::MakeArray(arrow::ArrayData::Make(
        type_, validity.row_count, {std::move(validity.bits), std::move(ends), std::move(bytes)},
        validity.null_count));
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  arrow::TypedBufferBuilder<int32_t> ends_;
  arrow::BufferBuilder bytes_;
  ValidityBuilder validity_;
};

/// DECIMAL of up to 18 digits, which DuckDB keeps in 2, 4 or 8 bytes.
template <typename Narrow>
class DecimalCollector final : public ColumnCollector {
 public:
  explicit DecimalCollector(std::shared_ptr<arrow::DataType> type) : type_(std::move(type)) {}

  arrow::Status Append(duckdb_vector vector, int64_t row_count) override {
    const auto* values = static_cast<const Narrow*>(duckdb_vector_get_data(vector));
    ARROW_RETURN_NOT_OK(values_.Reserve(row_count * 2));
    for (int64_t i = 0; i < row_count; ++i) {
      values_.UnsafeAppend(static_cast<int64_t>(values[i]));
      values_.UnsafeAppend(values[i] < 0 ? -1 : 0);
    }
    return validity_.Append(vector, row_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override {
    ARROW_ASSIGN_OR_RAISE(auto validity, validity_.Finish());
    ARROW_ASSIGN_OR_RAISE(auto values, values_.Finish());
    return arrow::MakeArray(arrow::ArrayData::Make(type_, validity.row_count,
                                                   {std::move(validity.bits), std::move(values)},
                                                   validity.null_count));
  }

 private:
  const std::shared_ptr<arrow::DataType> type_;
  arrow::TypedBufferBuilder<int64_t> values_;  // Low and high half of each.
  ValidityBuilder validity_;
};

/// HUGEINT reaches 1.7e38; 38 digits are what a decimal holds.
class HugeintCollector final : public ColumnCollector {
 public:
  arrow::Status Append(duckdb_vector vector, int64_t row_count) override {
    const auto* values = static_cast<const duckdb_hugeint*>(duckdb_vector_get_data(vector));
    const uint64_t* mask = duckdb_vector_get_validity(vector);
    for (int64_t i = 0; i < row_count; ++i) {
      if (mask != nullptr && ((mask[i / 64] >> (i % 64)) & 1) == 0) continue;
      const arrow::Decimal128 value(values[i].upper, values[i].lower);
      if (!value.FitsInPrecision(38)) {
        return BadData("HUGEINT has more than 38 digits: ", value.ToIntegerString());
      }
    }
    return fixed_.Append(vector, row_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> Finish() override { return fixed_.Finish(); }

 private:
  FixedCollector fixed_{arrow::decimal128(38, 0), 16};
};

std::unique_ptr<ColumnCollector> MakeDecimalCollector(
    duckdb_logical_type type, std::shared_ptr<arrow::DataType>* arrow_type) {
  *arrow_type = arrow::decimal128(duckdb_decimal_width(type), duckdb_decimal_scale(type));
  switch (duckdb_decimal_internal_type(type)) {
    case DUCKDB_TYPE_SMALLINT:
      return std::make_unique<DecimalCollector<int16_t>>(*arrow_type);
    case DUCKDB_TYPE_INTEGER:
      return std::make_unique<DecimalCollector<int32_t>>(*arrow_type);
    case DUCKDB_TYPE_BIGINT:
      return std::make_unique<DecimalCollector<int64_t>>(*arrow_type);
    default:
      return std::make_unique<FixedCollector>(*arrow_type, 16);
  }
}

std::shared_ptr<arrow::DataType> FixedType(duckdb_type type) {
  switch (type) {
    case DUCKDB_TYPE_TINYINT:
      return arrow::int8();
    case DUCKDB_TYPE_SMALLINT:
      return arrow::int16();
    case DUCKDB_TYPE_INTEGER:
      return arrow::int32();
    case DUCKDB_TYPE_BIGINT:
      return arrow::int64();
    case DUCKDB_TYPE_UTINYINT:
      return arrow::uint8();
    case DUCKDB_TYPE_USMALLINT:
      return arrow::uint16();
    case DUCKDB_TYPE_UINTEGER:
      return arrow::uint32();
    case DUCKDB_TYPE_UBIGINT:
      return arrow::uint64();
    case DUCKDB_TYPE_FLOAT:
      return arrow::float32();
    case DUCKDB_TYPE_DOUBLE:
      return arrow::float64();
    case DUCKDB_TYPE_DATE:
      return arrow::date32();
    case DUCKDB_TYPE_TIMESTAMP:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case DUCKDB_TYPE_TIMESTAMP_S:
      return arrow::timestamp(arrow::TimeUnit::SECOND);
    case DUCKDB_TYPE_TIMESTAMP_MS:
      return arrow::timestamp(arrow::TimeUnit::MILLI);
    case DUCKDB_TYPE_TIMESTAMP_NS:
      return arrow::timestamp(arrow::TimeUnit::NANO);
    case DUCKDB_TYPE_TIMESTAMP_TZ:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    default:
      return nullptr;
  }
}

}  // namespace

std::unique_ptr<ColumnCollector> MakeColumnCollector(duckdb_logical_type type,
                                                     std::shared_ptr<arrow::DataType>* arrow_type) {
  const duckdb_type id = duckdb_get_type_id(type);
  if (id == DUCKDB_TYPE_DECIMAL) return MakeDecimalCollector(type, arrow_type);
  if (id == DUCKDB_TYPE_BOOLEAN) {
    *arrow_type = arrow::boolean();
    return std::make_unique<BoolCollector>();
  }
  if (id == DUCKDB_TYPE_VARCHAR || id == DUCKDB_TYPE_BLOB) {
    *arrow_type = id == DUCKDB_TYPE_VARCHAR ? arrow::utf8() : arrow::binary();
    return std::make_unique<TextCollector>(*arrow_type);
  }
  if (id == DUCKDB_TYPE_HUGEINT) {
    *arrow_type = arrow::decimal128(38, 0);
    return std::make_unique<HugeintCollector>();
  }
  std::shared_ptr<arrow::DataType> fixed = FixedType(id);
  if (fixed == nullptr) return nullptr;
  *arrow_type = fixed;
  return std::make_unique<FixedCollector>(fixed, fixed->byte_width());
}

}  // namespace catchwater::duckdb_internal
