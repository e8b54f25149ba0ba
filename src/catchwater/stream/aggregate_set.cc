#include "catchwater/stream/aggregate_set.h"

#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/stream/row_orders.h"

namespace catchwater {
namespace {

/// Aggregates of one family and column keep the very same: sum and mean do.
AggregateFunction FamilyOf(AggregateFunction function) {
  switch (function) {
    case AggregateFunction::kMean:
      return AggregateFunction::kSum;
    case AggregateFunction::kStddev:
    case AggregateFunction::kStandardError:
      return AggregateFunction::kVariance;
    default:
      return function;
  }
}

bool IsShareable(AggregateFunction function) {
  const AggregateFunction family = FamilyOf(function);
  return family == AggregateFunction::kSum || family == AggregateFunction::kVariance ||
         family == AggregateFunction::kCount;
}

/// The first aggregate before the i-th that it can share with.
std::optional<size_t> FindShared(const std::vector<Aggregate>& aggregates, size_t i) {
  if (!IsShareable(aggregates[i].function)) return std::nullopt;
  for (size_t before = 0; before < i; ++before) {
    if (FamilyOf(aggregates[before].function) == FamilyOf(aggregates[i].function) &&
        aggregates[before].column == aggregates[i].column) {
      return before;
    }
  }
  return std::nullopt;
}

}  // namespace

arrow::Result<AggregateSet> AggregateSet::Make(std::vector<Aggregate> compute,
                                               const arrow::Schema& input,
                                               std::string event_time_column) {
  AggregateSet made;
  made.compute_ = std::move(compute);
  made.event_time_column_ = std::move(event_time_column);
  for (size_t i = 0; i < made.compute_.size(); ++i) {
    const Aggregate& aggregate = made.compute_[i];
    std::shared_ptr<arrow::DataType> type;
    if (!aggregate.column.empty()) {
      const auto field = input.GetFieldByName(aggregate.column);
      if (field == nullptr) {
        return ConfigError("Stream has no such column: ", aggregate.column);
      }
      type = field->type();
    }
    ARROW_ASSIGN_OR_RAISE(auto accumulator, Accumulator::Make(aggregate, type));
    ARROW_ASSIGN_OR_RAISE(const auto empty, accumulator->FinishAs(aggregate.function, 0));
    made.types_.push_back(std::move(type));
    made.fields_.push_back(arrow::field(aggregate.name, empty->type()));
    made.needs_order_ |= accumulator->needs_order();
    if (const auto shared = FindShared(made.compute_, i)) {
      made.accumulator_of_.push_back(made.accumulator_of_[*shared]);
      continue;
    }
    made.accumulator_of_.push_back(made.accumulators_.size());
    made.input_of_.push_back(i);
    made.accumulators_.push_back(std::move(accumulator));
  }
  return made;
}

arrow::Result<AggregateSet> AggregateSet::NewEmpty() const {
  AggregateSet made;
  made.compute_ = compute_;
  made.types_ = types_;
  made.event_time_column_ = event_time_column_;
  made.input_of_ = input_of_;
  made.accumulator_of_ = accumulator_of_;
  made.fields_ = fields_;
  made.needs_order_ = needs_order_;
  for (const size_t input : input_of_) {
    ARROW_ASSIGN_OR_RAISE(auto accumulator, Accumulator::Make(compute_[input], types_[input]));
    made.accumulators_.push_back(std::move(accumulator));
  }
  return made;
}

void AggregateSet::Add(const Batch& batch, std::span<const uint32_t> groups, uint32_t group_count) {
  if (needs_order_) FillRowOrders(batch, event_time_column_, &orders_);
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    const std::string& column = compute_[input_of_[i]].column;
    const auto array = column.empty() ? nullptr : batch.rows->GetColumnByName(column);
    accumulators_[i]->Add(
        {.column = array.get(), .groups = groups, .group_count = group_count, .orders = orders_});
  }
}

void AggregateSet::Merge(const AggregateSet& other, std::span<const uint32_t> from,
                         std::span<const uint32_t> to, uint32_t group_count) {
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    accumulators_[i]->Merge(*other.accumulators_[i], from, to, group_count);
  }
}

void AggregateSet::Reset(std::span<const uint32_t> groups) {
  for (auto& accumulator : accumulators_) accumulator->Reset(groups);
}

arrow::Result<arrow::ArrayVector> AggregateSet::Finish(uint32_t group_count) const {
  arrow::ArrayVector columns;
  for (size_t i = 0; i < compute_.size(); ++i) {
    const Accumulator& accumulator = *accumulators_[accumulator_of_[i]];
    ARROW_ASSIGN_OR_RAISE(auto column, accumulator.FinishAs(compute_[i].function, group_count));
    columns.push_back(std::move(column));
  }
  return columns;
}

void AggregateSet::Save(StateWriter* state) const {
  for (const auto& accumulator : accumulators_) accumulator->Save(state);
}

void AggregateSet::Load(StateReader* state, uint32_t group_count) {
  for (auto& accumulator : accumulators_) accumulator->Load(state, group_count);
}

std::string AggregateSet::Meaning() const {
  std::string meaning = event_time_column_;
  for (const auto& field : fields_) {
    meaning += "|" + field->name() + ":" + field->type()->ToString();
  }
  for (const Aggregate& aggregate : compute_) {
    meaning += "|" + std::string(AggregateFunctionName(aggregate.function)) + "(" +
               aggregate.column + ")" + AggregateParameters(aggregate);
  }
  return meaning;
}

int64_t AggregateSet::byte_count() const {
  int64_t byte_count = 0;
  for (const auto& accumulator : accumulators_) byte_count += accumulator->byte_count();
  return byte_count;
}

}  // namespace catchwater
