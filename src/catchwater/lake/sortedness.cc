#include "catchwater/lake/sortedness.h"

#include <utility>

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/util/decimal.h>

namespace catchwater {
namespace {

/// -1, 0, 1 as row i of a stands before, with or after row j of b; nulls first.
template <typename Get>
int Compare(const arrow::Array& a, int64_t i, const arrow::Array& b, int64_t j, Get&& get) {
  const bool is_null_a = a.IsNull(i);
  const bool is_null_b = b.IsNull(j);
  if (is_null_a || is_null_b) return static_cast<int>(is_null_b) - static_cast<int>(is_null_a);
  const auto value_a = get(a, i);
  const auto value_b = get(b, j);
  return value_a < value_b ? -1 : value_b < value_a ? 1 : 0;
}

/// Calls `use(get)` with the accessor of the column's type. \return false for a type without order
template <typename Use>
bool WithAccessor(const arrow::Array& column, Use&& use) {
  switch (column.type_id()) {
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
      use([](const arrow::Array& c, int64_t i) { return c.data()->GetValues<int32_t>(1)[i]; });
      return true;
    case arrow::Type::INT64:
    case arrow::Type::TIMESTAMP:
      use([](const arrow::Array& c, int64_t i) { return c.data()->GetValues<int64_t>(1)[i]; });
      return true;
    case arrow::Type::FLOAT:
      use([](const arrow::Array& c, int64_t i) { return c.data()->GetValues<float>(1)[i]; });
      return true;
    case arrow::Type::DOUBLE:
      use([](const arrow::Array& c, int64_t i) { return c.data()->GetValues<double>(1)[i]; });
      return true;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      use([](const arrow::Array& c, int64_t i) {
        return static_cast<const arrow::BinaryArray&>(c).GetView(i);
      });
      return true;
    case arrow::Type::BOOL:
      use([](const arrow::Array& c, int64_t i) {
        return static_cast<const arrow::BooleanArray&>(c).Value(i);
      });
      return true;
    case arrow::Type::DECIMAL128:
      use([](const arrow::Array& c, int64_t i) {
        return arrow::Decimal128(static_cast<const arrow::Decimal128Array&>(c).GetValue(i));
      });
      return true;
    default:
      return false;
  }
}

/// The one row, without the memory of the batch that it comes from.
std::shared_ptr<arrow::RecordBatch> CopyRow(const arrow::RecordBatch& rows, int64_t row,
                                            const std::vector<SortKey>& keys) {
  arrow::ArrayVector columns;
  arrow::FieldVector fields;
  for (const SortKey& key : keys) {
    auto copy = arrow::Concatenate({rows.column(key.column)->Slice(row, 1)});
    if (!copy.ok()) return nullptr;
    columns.push_back(std::move(*copy));
    fields.push_back(rows.schema()->field(key.column));
  }
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), 1, std::move(columns));
}

}  // namespace

void Sortedness::Add(const arrow::RecordBatch& rows, int64_t offset, int64_t length) {
  if (!is_sorted_ || length == 0) return;
  const int64_t end = offset + length;
  bool is_last_tied = last_row_ != nullptr;
  for (size_t k = 0; k < keys_.size() && is_sorted_; ++k) {
    const arrow::Array& column = *rows.column(keys_[k].column);
    const int wrong = keys_[k].is_descending ? -1 : 1;
    const bool is_first_key = k == 0;
    const bool is_ordered = WithAccessor(column, [&](auto get) {
      if (is_last_tied) {
        const arrow::Array& last = *last_row_->column(static_cast<int>(k));
        const int order = Compare(last, 0, column, offset, get);
        is_sorted_ = order != wrong;
        is_last_tied = order == 0;
      }
      std::vector<int64_t> ties;
      auto look = [&](int64_t row) {
        const int order = Compare(column, row - 1, column, row, get);
        if (order == wrong) is_sorted_ = false;
        if (order == 0) ties.push_back(row);
      };
      if (is_first_key) {
        for (int64_t row = offset + 1; row < end && is_sorted_; ++row) look(row);
      } else {
        for (size_t t = 0; t < ties_.size() && is_sorted_; ++t) look(ties_[t]);
      }
      ties_ = std::move(ties);
    });
    is_sorted_ = is_sorted_ && is_ordered;
  }
  last_row_ = is_sorted_ ? CopyRow(rows, end - 1, keys_) : nullptr;
  if (last_row_ == nullptr) is_sorted_ = false;
}

}  // namespace catchwater
