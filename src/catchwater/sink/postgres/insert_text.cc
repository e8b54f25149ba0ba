#include "catchwater/sink/postgres/insert_text.h"

#include <charconv>
#include <cmath>
#include <string_view>

#include <arrow/array.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"
#include "catchwater/base/hex.h"
#include "catchwater/postgres/pg_connection.h"

namespace catchwater {
namespace {

template <class ArrayType>
const ArrayType& As(const arrow::Array& array) {
  return static_cast<const ArrayType&>(array);
}

template <class T>
std::string Number(T value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  return std::string(text, end);
}

template <class T>
std::string Floating(T value) {
  if (std::isnan(value)) return "'NaN'";
  if (std::isinf(value)) return value > 0 ? "'Infinity'" : "'-Infinity'";
  return Number(value);
}

std::string Text(std::string_view text) {
  std::string without_nul(text);
  std::erase(without_nul, '\0');
  return QuoteLiteral(without_nul);
}

std::string Bytes(std::string_view value) { return "'\\x" + HexOf(value) + "'"; }

std::string ValueSql(const arrow::Array& array, int64_t row) {
  if (array.IsNull(row)) return "NULL";
  switch (array.type_id()) {
    case arrow::Type::BOOL:
      return As<arrow::BooleanArray>(array).Value(row) ? "TRUE" : "FALSE";
    case arrow::Type::INT32:
      return Number(As<arrow::Int32Array>(array).Value(row));
    case arrow::Type::INT64:
      return Number(As<arrow::Int64Array>(array).Value(row)) + "::bigint";
    case arrow::Type::FLOAT:
      return Floating(As<arrow::FloatArray>(array).Value(row)) + "::real";
    case arrow::Type::DOUBLE:
      return Floating(As<arrow::DoubleArray>(array).Value(row)) + "::double precision";
    case arrow::Type::DECIMAL128:
      return As<arrow::Decimal128Array>(array).FormatValue(row) + "::numeric";
    case arrow::Type::DATE32:
      return "DATE 'epoch' + " + Number(As<arrow::Date32Array>(array).Value(row));
    case arrow::Type::TIMESTAMP: {
      const auto& type = static_cast<const arrow::TimestampType&>(*array.type());
      return std::string(type.timezone().empty() ? "TIMESTAMP" : "TIMESTAMPTZ") + " 'epoch' + " +
             Number(As<arrow::TimestampArray>(array).Value(row)) + " * INTERVAL '1 microsecond'";
    }
    case arrow::Type::STRING:
      return Text(As<arrow::StringArray>(array).GetView(row));
    case arrow::Type::LARGE_STRING:
      return Text(As<arrow::LargeStringArray>(array).GetView(row));
    case arrow::Type::BINARY:
      return Bytes(As<arrow::BinaryArray>(array).GetView(row)) + "::bytea";
    default:
      CATCHWATER_CHECK(false, "the sink has refused other types");
  }
  return {};
}

}  // namespace

int64_t AppendValues(const arrow::RecordBatch& rows, const std::vector<bool>& keep,
                     int64_t* ordinal, std::string* sql) {
  int64_t row_count = 0;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    if (!keep.empty() && !keep[static_cast<size_t>(row)]) continue;
    *sql += row_count == 0 ? "(" : ", (";
    for (int c = 0; c < rows.num_columns(); ++c) *sql += ValueSql(*rows.column(c), row) + ", ";
    *sql += Number((*ordinal)++) + ")";
    ++row_count;
  }
  return row_count;
}

}  // namespace catchwater
