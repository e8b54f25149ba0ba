#include "catchwater/stream/detect/alarm_rows.h"

#include <algorithm>
#include <cmath>

#include <arrow/builder.h>
#include <arrow/type.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::DataType> TimeType() {
  return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
}

arrow::FieldVector EventFields() {
  return {arrow::field(AlarmRows::kIdColumn, arrow::utf8()),
          arrow::field("kind", arrow::utf8()),
          arrow::field("column", arrow::utf8()),
          arrow::field("state", arrow::utf8()),
          arrow::field("since", TimeType()),
          arrow::field("until", TimeType()),
          arrow::field("at", TimeType()),
          arrow::field("value", arrow::float64()),
          arrow::field("lead_time_s", arrow::float64()),
          arrow::field("tolerance_s", arrow::float64()),
          arrow::field("suppressed", arrow::int64()),
          arrow::field("why", arrow::utf8()),
          arrow::field("revision", arrow::int64()),
          arrow::field("retracted", arrow::boolean())};
}

arrow::Status AppendNumber(double number, arrow::ArrayBuilder* builder) {
  auto& numbers = static_cast<arrow::DoubleBuilder&>(*builder);
  return std::isnan(number) ? numbers.AppendNull() : numbers.Append(number);
}

arrow::Status AppendText(std::string_view text, arrow::ArrayBuilder* builder) {
  return static_cast<arrow::StringBuilder&>(*builder).Append(text);
}

arrow::Status AppendTime(int64_t time_us, arrow::ArrayBuilder* builder) {
  return static_cast<arrow::TimestampBuilder&>(*builder).Append(time_us);
}

arrow::Status AppendWhole(int64_t number, arrow::ArrayBuilder* builder) {
  return static_cast<arrow::Int64Builder&>(*builder).Append(number);
}

using Builders = std::vector<std::unique_ptr<arrow::ArrayBuilder>>;

arrow::Status AppendEvent(const AlarmRow& row, int64_t revision_base, const Builders& builders) {
  const AlarmEvent& event = row.event;
  const Finding& finding = event.finding;
  const bool is_cleared = event.state == AlarmState::kCleared;
  size_t i = 0;
  const auto next = [&] { return builders[i++].get(); };
  ARROW_RETURN_NOT_OK(AppendText(AlarmIdText(event.id), next()));
  ARROW_RETURN_NOT_OK(AppendText(AlarmKindName(finding.kind), next()));
  auto* column = next();
  ARROW_RETURN_NOT_OK(row.column.empty() ? column->AppendNull() : AppendText(row.column, column));
  ARROW_RETURN_NOT_OK(
      AppendText(EnumWords(AlarmState{})[static_cast<size_t>(event.state)].second, next()));
  ARROW_RETURN_NOT_OK(AppendTime(finding.since_us, next()));
  auto* until = next();
  ARROW_RETURN_NOT_OK(is_cleared ? AppendTime(finding.at_us, until) : until->AppendNull());
  ARROW_RETURN_NOT_OK(AppendTime(finding.at_us, next()));
  ARROW_RETURN_NOT_OK(AppendNumber(finding.value, next()));
  ARROW_RETURN_NOT_OK(AppendNumber(finding.lead_seconds, next()));
  ARROW_RETURN_NOT_OK(AppendNumber(finding.tolerance_seconds, next()));
  ARROW_RETURN_NOT_OK(AppendWhole(event.suppressed, next()));
  ARROW_RETURN_NOT_OK(AppendText(finding.why, next()));
  ARROW_RETURN_NOT_OK(AppendWhole(revision_base + event.sequence, next()));
  return static_cast<arrow::BooleanBuilder&>(*next()).Append(false);
}

}  // namespace

arrow::Result<AlarmRows> AlarmRows::Make(const arrow::FieldVector& key,
                                         const std::vector<std::string>& source) {
  AlarmRows rows;
  arrow::FieldVector fields = key;
  for (const auto& field : EventFields()) {
    if (std::ranges::any_of(key, [&](const auto& own) { return own->name() == field->name(); })) {
      return ConfigError("A key column has the name of a column of alarms: ", field->name());
    }
    fields.push_back(field);
  }
  for (const auto& field : key) {
    rows.is_source_column_.push_back(std::ranges::find(source, field->name()) != source.end());
  }
  rows.schema_ = arrow::schema(std::move(fields));
  return rows;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> AlarmRows::ToBatch(
    std::span<const AlarmRow> rows, const GroupIndex& keys, int64_t revision_base) const {
  std::vector<uint32_t> groups;
  for (const AlarmRow& row : rows) groups.push_back(row.key);
  ARROW_ASSIGN_OR_RAISE(const auto key_columns, keys.KeyColumns(groups));
  arrow::ArrayVector arrays;
  for (size_t i = 0; i < key_columns.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(key_columns[i]->type()));
    const arrow::ArraySpan values(*key_columns[i]->data());
    for (size_t row = 0; row < rows.size(); ++row) {
      const bool is_told = !rows[row].is_of_source || is_source_column_[i];
      ARROW_RETURN_NOT_OK(is_told ? builder->AppendArraySlice(values, static_cast<int64_t>(row), 1)
                                  : builder->AppendNull());
    }
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    arrays.push_back(std::move(array));
  }
  Builders builders;
  for (const auto& field : EventFields()) {
    ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(field->type()));
    builders.push_back(std::move(builder));
  }
  for (const AlarmRow& row : rows) ARROW_RETURN_NOT_OK(AppendEvent(row, revision_base, builders));
  for (const auto& builder : builders) {
    ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
    arrays.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows.size()), std::move(arrays));
}

}  // namespace catchwater
