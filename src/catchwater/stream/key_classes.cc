#include "catchwater/stream/key_classes.h"

#include <charconv>
#include <functional>
#include <string_view>

#include <arrow/array.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"

namespace catchwater {
namespace {

using TextSet = std::set<std::string, std::less<>>;

bool HasNumber(const TextSet& values, int64_t number) {
  char text[24];
  const auto* end = std::to_chars(text, text + sizeof(text), number).ptr;
  return values.contains(std::string_view(text, static_cast<size_t>(end - text)));
}

/// Whether the value of a row is one of the texts; null is none.
arrow::Result<bool> IsOneOf(const arrow::Array& column, int64_t row, const TextSet& values) {
  if (column.IsNull(row)) return false;
  switch (column.type_id()) {
    case arrow::Type::STRING:
      return values.contains(static_cast<const arrow::StringArray&>(column).GetView(row));
    case arrow::Type::INT32:
      return HasNumber(values, static_cast<const arrow::Int32Array&>(column).Value(row));
    case arrow::Type::INT64:
      return HasNumber(values, static_cast<const arrow::Int64Array&>(column).Value(row));
    default: {
      ARROW_ASSIGN_OR_RAISE(const auto value, column.GetScalar(row));
      return values.contains(value->ToString());
    }
  }
}

}  // namespace

KeyClasses::KeyClasses(const std::vector<OverrideConfig>& overrides) {
  for (const OverrideConfig& override : overrides) {
    std::vector<Condition>& rule = rules_.emplace_back();
    for (const auto& [column, values] : override.only) {
      rule.push_back({.column = column, .values = {values.values.begin(), values.values.end()}});
    }
  }
}

arrow::Result<std::vector<uint8_t>> KeyClasses::Of(const arrow::RecordBatch& rows) const {
  std::vector<uint8_t> classes;
  if (rules_.empty()) return classes;
  classes.assign(static_cast<size_t>(rows.num_rows()), 0);
  for (size_t i = rules_.size(); i-- > 0;) {  // Backwards: the first that fits holds.
    std::vector<uint8_t> fits(classes.size(), 1);
    for (const Condition& condition : rules_[i]) {
      const auto column = rows.GetColumnByName(condition.column);
      if (column == nullptr) {
        return ConfigError("Column of an override is gone: ", condition.column);
      }
      for (size_t row = 0; row < fits.size(); ++row) {
        if (fits[row] == 0) continue;
        ARROW_ASSIGN_OR_RAISE(const bool is_one,
                              IsOneOf(*column, static_cast<int64_t>(row), condition.values));
        fits[row] = is_one ? 1 : 0;
      }
    }
    for (size_t row = 0; row < fits.size(); ++row) {
      if (fits[row] != 0) classes[row] = static_cast<uint8_t>(i + 1);
    }
  }
  return classes;
}

arrow::Result<std::vector<Batch>> KeyClasses::Split(const Batch& batch) const {
  if (rules_.empty() || batch.rows == nullptr) return std::vector<Batch>(count(), batch);
  ARROW_ASSIGN_OR_RAISE(const auto classes, Of(*batch.rows));
  std::vector<Batch> parts;
  std::vector<uint8_t> keep(classes.size());
  for (size_t i = 0; i < count(); ++i) {
    for (size_t row = 0; row < keep.size(); ++row) keep[row] = classes[row] == i ? 1 : 0;
    ARROW_ASSIGN_OR_RAISE(parts.emplace_back(), FilterBatch(batch, keep));
  }
  return parts;
}

}  // namespace catchwater
