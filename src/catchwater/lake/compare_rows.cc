#include "catchwater/lake/compare_rows.h"

#include <cmath>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/util/decimal.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

template <typename T>
int Order(const T& a, const T& b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int OrderFloats(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return Order(std::isnan(a) ? 1 : 0, std::isnan(b) ? 1 : 0);
  return Order(a, b);
}

template <typename ArrayType>
int OrderViews(const arrow::Array& a, int64_t row_a, const arrow::Array& b, int64_t row_b) {
  return Order(static_cast<const ArrayType&>(a).GetView(row_a),
               static_cast<const ArrayType&>(b).GetView(row_b));
}

int OrderValues(const arrow::Array& a, int64_t row_a, const arrow::Array& b, int64_t row_b) {
  switch (a.type_id()) {
    case arrow::Type::BOOL:
      return OrderViews<arrow::BooleanArray>(a, row_a, b, row_b);
    case arrow::Type::INT32:
      return OrderViews<arrow::Int32Array>(a, row_a, b, row_b);
    case arrow::Type::INT64:
      return OrderViews<arrow::Int64Array>(a, row_a, b, row_b);
    case arrow::Type::DATE32:
      return OrderViews<arrow::Date32Array>(a, row_a, b, row_b);
    case arrow::Type::TIMESTAMP:
      return OrderViews<arrow::TimestampArray>(a, row_a, b, row_b);
    case arrow::Type::STRING:
      return OrderViews<arrow::StringArray>(a, row_a, b, row_b);
    case arrow::Type::BINARY:
      return OrderViews<arrow::BinaryArray>(a, row_a, b, row_b);
    case arrow::Type::FLOAT:
      return OrderFloats(static_cast<const arrow::FloatArray&>(a).Value(row_a),
                         static_cast<const arrow::FloatArray&>(b).Value(row_b));
    case arrow::Type::DOUBLE:
      return OrderFloats(static_cast<const arrow::DoubleArray&>(a).Value(row_a),
                         static_cast<const arrow::DoubleArray&>(b).Value(row_b));
    case arrow::Type::DECIMAL128:
      return Order(
          arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(a).GetValue(row_a)),
          arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(b).GetValue(row_b)));
    default:
      CATCHWATER_CHECK(false, "tables have columns of these types only");
      return 0;
  }
}

}  // namespace

RowOrderComparator::RowOrderComparator(std::vector<int> columns, const std::vector<SortTerm>& terms)
    : columns_(std::move(columns)) {
  CATCHWATER_CHECK(columns_.size() <= terms.size(), "each column to compare has its term");
  for (size_t i = 0; i < columns_.size(); ++i) is_descending_.push_back(terms[i].is_descending);
}

int RowOrderComparator::Compare(const arrow::RecordBatch& a, int64_t row_a,
                                const arrow::RecordBatch& b, int64_t row_b) const {
  for (size_t i = 0; i < columns_.size(); ++i) {
    const arrow::Array& column_a = *a.column(columns_[i]);
    const arrow::Array& column_b = *b.column(columns_[i]);
    const bool null_a = column_a.IsNull(row_a);
    const bool null_b = column_b.IsNull(row_b);
    if (null_a || null_b) {
      // Nulls are the least in either direction.
      if (null_a == null_b) continue;
      return null_a != is_descending_[i] ? -1 : 1;
    }
    const int order = OrderValues(column_a, row_a, column_b, row_b);
    if (order != 0) return is_descending_[i] ? -order : order;
  }
  return 0;
}

}  // namespace catchwater
