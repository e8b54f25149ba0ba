#include "catchwater/stream/greatest.h"

#include <algorithm>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

bool HasOrder(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::INT32:
    case arrow::Type::INT64:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::DATE32:
    case arrow::Type::TIMESTAMP:
      return true;
    default:
      return false;
  }
}

}  // namespace

arrow::Result<size_t> FindGreatest(const std::string& column, const arrow::FieldVector& values) {
  const auto found =
      std::ranges::find_if(values, [&](const auto& field) { return field->name() == column; });
  if (found == values.end()) {
    return ConfigError("`greatest` names a result column, `n` or one of `compute`, not: ", column);
  }
  if (!HasOrder(*(*found)->type())) {
    return ConfigError("`greatest` is for numbers and times, column and type: ", column, " ",
                       (*found)->type()->ToString());
  }
  return static_cast<size_t>(found - values.begin());
}

template <typename ArrowType, typename Value>
void Greatest::OfferValues(const arrow::Array& values, std::span<const uint32_t> keys,
                           std::optional<Value>* greatest) {
  const auto& typed = static_cast<const typename arrow::TypeTraits<ArrowType>::ArrayType&>(values);
  for (int64_t row = 0; row < typed.length(); ++row) {
    if (typed.IsNull(row)) continue;
    const auto value = static_cast<Value>(typed.Value(row));
    if (value != value) continue;  // NaN
    if (*greatest && value < **greatest) continue;
    if (!*greatest || **greatest < value) keys_.clear();
    *greatest = value;
    keys_.push_back(keys[static_cast<size_t>(row)]);
  }
}

void Greatest::Offer(const arrow::Array& values, std::span<const uint32_t> keys) {
  switch (values.type_id()) {
    case arrow::Type::INT32:
      return OfferValues<arrow::Int32Type>(values, keys, &greatest_number_);
    case arrow::Type::DATE32:
      return OfferValues<arrow::Date32Type>(values, keys, &greatest_number_);
    case arrow::Type::INT64:
      return OfferValues<arrow::Int64Type>(values, keys, &greatest_number_);
    case arrow::Type::TIMESTAMP:
      return OfferValues<arrow::TimestampType>(values, keys, &greatest_number_);
    case arrow::Type::FLOAT:
      return OfferValues<arrow::FloatType>(values, keys, &greatest_real_);
    case arrow::Type::DOUBLE:
      return OfferValues<arrow::DoubleType>(values, keys, &greatest_real_);
    default:
      CATCHWATER_CHECK(false, "FindGreatest refused it");
  }
}

}  // namespace catchwater
