#include "catchwater/codec/json/json_encoder.h"

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/type.h>
#include <arrow/util/base64.h>

#include "catchwater/base/decimal.h"
#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/codec/json/json_scan.h"

namespace catchwater {
namespace {

/// Appends the value in a row. \pre it is not null
using Append = void (*)(const arrow::Array& array, int64_t row, std::string* bytes);

template <typename Array>
const Array& As(const arrow::Array& array) {
  return static_cast<const Array&>(array);
}

void AppendBool(const arrow::Array& array, int64_t row, std::string* bytes) {
  *bytes += As<arrow::BooleanArray>(array).Value(row) ? "true" : "false";
}

template <typename Array>
void AppendInteger(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendNumber(int64_t{As<Array>(array).Value(row)}, bytes);
}

void AppendUint64(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendNumber(uint64_t{As<arrow::UInt64Array>(array).Value(row)}, bytes);
}

template <typename Array>
void AppendFloat(const arrow::Array& array, int64_t row, std::string* bytes) {
  const auto value = As<Array>(array).Value(row);
  if (std::isfinite(value)) {
    AppendNumber(value, bytes);
  } else {
    *bytes += "null";  // JSON has no word for it.
  }
}

void AppendDecimal128(const arrow::Array& array, int64_t row, std::string* bytes) {
  const auto& decimals = As<arrow::Decimal128Array>(array);
  Int128 value = 0;
  std::memcpy(&value, decimals.GetValue(row), sizeof(value));
  const int32_t scale = static_cast<const arrow::Decimal128Type&>(*array.type()).scale();
  AppendDecimal(value, scale, bytes);
}

template <typename Array>
void AppendString(const arrow::Array& array, int64_t row, std::string* bytes) {
  AppendJsonString(As<Array>(array).GetView(row), *bytes);
}

void AppendBinary(const arrow::Array& array, int64_t row, std::string* bytes) {
  *bytes += '"';
  *bytes += arrow::util::base64_encode(As<arrow::BinaryArray>(array).GetView(row));
  *bytes += '"';
}

void AppendDate32(const arrow::Array& array, int64_t row, std::string* bytes) {
  *bytes += '"';
  AppendDate(As<arrow::Date32Array>(array).Value(row), bytes);
  *bytes += '"';
}

void AppendTime(const arrow::Array& array, int64_t row, std::string* bytes) {
  *bytes += '"';
  AppendTimestamp(As<arrow::TimestampArray>(array).Value(row), /*with_z=*/true, bytes);
  *bytes += '"';
}

/// Returns nullptr for a type without a form.
Append AppendFor(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::BOOL:
      return AppendBool;
    case arrow::Type::INT8:
      return AppendInteger<arrow::Int8Array>;
    case arrow::Type::INT16:
      return AppendInteger<arrow::Int16Array>;
    case arrow::Type::INT32:
      return AppendInteger<arrow::Int32Array>;
    case arrow::Type::INT64:
      return AppendInteger<arrow::Int64Array>;
    case arrow::Type::UINT8:
      return AppendInteger<arrow::UInt8Array>;
    case arrow::Type::UINT16:
      return AppendInteger<arrow::UInt16Array>;
    case arrow::Type::UINT32:
      return AppendInteger<arrow::UInt32Array>;
    case arrow::Type::UINT64:
      return AppendUint64;
    case arrow::Type::FLOAT:
      return AppendFloat<arrow::FloatArray>;
    case arrow::Type::DOUBLE:
      return AppendFloat<arrow::DoubleArray>;
    case arrow::Type::DECIMAL128:
      return AppendDecimal128;
    case arrow::Type::STRING:
      return AppendString<arrow::StringArray>;
    case arrow::Type::LARGE_STRING:
      return AppendString<arrow::LargeStringArray>;
    case arrow::Type::BINARY:
      return AppendBinary;
    case arrow::Type::DATE32:
      return AppendDate32;
    case arrow::Type::TIMESTAMP: {
      const auto unit = static_cast<const arrow::TimestampType&>(type).unit();
      return unit == arrow::TimeUnit::MICRO ? AppendTime : nullptr;
    }
    default:
      return nullptr;
  }
}

}  // namespace

arrow::Result<std::unique_ptr<JsonEncoder>> JsonEncoder::Make(
    const std::shared_ptr<arrow::Schema>& schema, Shape shape) {
  for (const auto& field : schema->fields()) {
    if (AppendFor(*field->type()) != nullptr) continue;
    return ConfigError("Column has a type that cannot be written as JSON, column and type: ",
                       field->name(), " ", field->type()->ToString());
  }
  return std::unique_ptr<JsonEncoder>(new JsonEncoder(schema, shape));
}

JsonEncoder::JsonEncoder(std::shared_ptr<arrow::Schema> schema, Shape shape)
    : schema_(std::move(schema)), shape_(shape) {
  for (const auto& field : schema_->fields()) {
    std::string key(1, keys_.empty() ? '{' : ',');
    AppendJsonString(field->name(), key);
    key += ':';
    keys_.push_back(std::move(key));
  }
}

arrow::Status JsonEncoder::Encode(const arrow::RecordBatch& rows, std::string* bytes) {
  if (!rows.schema()->Equals(*schema_, /*check_metadata=*/false)) {
    return Internal("Rows are not of the encoder's schema: ", rows.schema()->ToString());
  }
  struct Source {
    std::shared_ptr<arrow::Array> array;
    Append append;
  };
  std::vector<Source> sources;
  for (const auto& array : rows.columns()) sources.push_back({array, AppendFor(*array->type())});
  const bool is_array = shape_ == Shape::kArray;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    if (is_array) *bytes += has_begun_ ? ",\n" : "[\n";
    has_begun_ = true;
    for (size_t i = 0; i < sources.size(); ++i) {
      *bytes += keys_[i];
      if (sources[i].array->IsNull(row)) {
        *bytes += "null";
      } else {
        sources[i].append(*sources[i].array, row, bytes);
      }
    }
    *bytes += keys_.empty() ? "{}" : "}";
    if (!is_array) *bytes += '\n';
  }
  return arrow::Status::OK();
}

arrow::Status JsonEncoder::Finish(std::string* bytes) {
  if (shape_ == Shape::kArray) *bytes += has_begun_ ? "\n]\n" : "[]\n";
  return arrow::Status::OK();
}

}  // namespace catchwater
