#include "catchwater/stream/window_results.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <arrow/array/util.h>
#include <arrow/builder.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/greatest.h"
#include "catchwater/stream/keyed_aggregate.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

template <typename Builder>
arrow::Result<std::shared_ptr<arrow::Array>> Spread(Builder builder,
                                                    const std::vector<int64_t>& values,
                                                    uint32_t row_count) {
  ARROW_RETURN_NOT_OK(builder.Reserve(row_count));
  if (values.empty()) {
    ARROW_RETURN_NOT_OK(builder.AppendNulls(row_count));
    return builder.Finish();
  }
  for (uint32_t row = 0; row < row_count; ++row) {
    builder.UnsafeAppend(values[values.size() == 1 ? 0 : row]);
  }
  return builder.Finish();
}

}  // namespace

arrow::Result<WindowResults> WindowResults::Make(const StreamConfig& config,
                                                 const arrow::Schema& input) {
  WindowResults made;
  made.key_ = config.key;
  const auto is_named = [&](const std::string& name) {
    return std::ranges::find(config.compute, name, &Aggregate::name) != config.compute.end() ||
           std::ranges::find(config.key, name) != config.key.end();
  };
  made.has_number_ = config.window.count.has_value();
  std::vector<const char*> own(std::begin(kWindowColumns), std::end(kWindowColumns));
  if (made.has_number_) own.push_back(kWindowNumber);
  for (const char* column : own) {
    if (!is_named(column)) continue;
    return ConfigError(
        "Results of windows have a column of their own of this name; choose another, "
        "stream and column: ",
        config.name, " ", column);
  }
  ARROW_ASSIGN_OR_RAISE(arrow::FieldVector fields, KeyFields(config.key, input));
  fields.push_back(arrow::field(kWindowColumns[0], TimeType()));
  fields.push_back(arrow::field(kWindowColumns[1], TimeType()));
  fields.push_back(arrow::field(kWindowColumns[2], arrow::int64()));
  fields.push_back(arrow::field(kWindowColumns[3], arrow::boolean()));
  if (made.has_number_) fields.push_back(arrow::field(kWindowNumber, arrow::int64()));
  if (!is_named("n")) {
    made.compute_.push_back({.name = "n", .function = AggregateFunction::kCount, .column = ""});
  }
  const WindowConfig& window = config.window;
  if (window.cadence && window.size) {
    if (!is_named("expected_n")) made.expected_n_ = window.size->ms / window.cadence->ms;
    made.expected_at_ = static_cast<int>(made.compute_.size());
    if (!is_named("largest_gap")) {
      made.compute_.push_back(
          {.name = "largest_gap", .function = AggregateFunction::kLargestGap, .column = ""});
    }
  }
  made.compute_.insert(made.compute_.end(), config.compute.begin(), config.compute.end());
  ARROW_ASSIGN_OR_RAISE(const auto values, AggregateSet::Make(made.compute_, input, ""));
  if (!window.greatest.empty()) {
    ARROW_ASSIGN_OR_RAISE(made.greatest_at_, FindGreatest(window.greatest, values.fields()));
  }
  arrow::FieldVector value_fields = values.fields();
  if (made.expected_n_) {
    value_fields.insert(value_fields.begin() + made.expected_at_,
                        arrow::field("expected_n", arrow::int64()));
  }
  fields.insert(fields.end(), value_fields.begin(), value_fields.end());
  made.schema_ = arrow::schema(std::move(fields));
  return made;
}

std::vector<std::string> WindowResults::result_key() const {
  std::vector<std::string> key = key_;
  key.emplace_back(has_number_ ? kWindowNumber : kWindowColumns[0]);
  return key;
}

std::vector<std::shared_ptr<arrow::DataType>> WindowResults::key_types() const {
  std::vector<std::shared_ptr<arrow::DataType>> types;
  for (int i = 0; i < key_column_count(); ++i) types.push_back(schema_->field(i)->type());
  return types;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WindowResults::Make(
    const WindowRows& rows) const {
  const auto time = [] {
    return arrow::TimestampBuilder(TimeType(), arrow::default_memory_pool());
  };
  SharedColumns own;
  SharedColumns& shared = rows.shared == nullptr ? own : *rows.shared;
  const auto spread = [&](size_t number, auto new_builder, const std::vector<int64_t>& values) {
    const auto make = [&](int64_t row_count) {
      return Spread(new_builder(), values, static_cast<uint32_t>(row_count));
    };
    return (values.size() > 1 ? own : shared).Take(number, rows.row_count, make);
  };
  const auto number = [] { return arrow::Int64Builder(); };
  arrow::ArrayVector columns = rows.keys;
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), spread(0, time, rows.begins_us));
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), spread(1, time, rows.ends_us));
  ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), spread(2, number, rows.revisions));
  ARROW_ASSIGN_OR_RAISE(
      columns.emplace_back(),
      arrow::MakeArrayFromScalar(arrow::BooleanScalar(rows.is_retracted), rows.row_count));
  if (has_number_) {
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(),
                          Spread(arrow::Int64Builder(), rows.numbers, rows.row_count));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::ArrayVector values, rows.values.Finish(rows.row_count));
  if (expected_n_) {
    ARROW_ASSIGN_OR_RAISE(auto expected, arrow::MakeArrayFromScalar(
                                             arrow::Int64Scalar(*expected_n_), rows.row_count));
    values.insert(values.begin() + expected_at_, std::move(expected));
  }
  std::move(values.begin(), values.end(), std::back_inserter(columns));
  return arrow::RecordBatch::Make(schema_, rows.row_count, std::move(columns));
}

arrow::Result<WindowParts> WindowParts::Make(const StreamConfig& config, const arrow::Schema& input,
                                             const std::string& event_time_column) {
  ARROW_ASSIGN_OR_RAISE(WindowResults results, WindowResults::Make(config, input));
  ARROW_ASSIGN_OR_RAISE(AggregateSet cells,
                        AggregateSet::Make(results.compute(), input, event_time_column));
  return WindowParts{.event_time_column = event_time_column,
                     .cells = std::move(cells),
                     .results = std::move(results)};
}

}  // namespace catchwater
