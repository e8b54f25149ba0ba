#include "catchwater/stream/keyed_aggregate.h"

#include <optional>
#include <string>
#include <utility>

#include <arrow/builder.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/state_bytes.h"

namespace catchwater {
namespace {

arrow::Result<std::shared_ptr<arrow::DataType>> TypeOf(const arrow::Schema& schema,
                                                       const std::string& column) {
  const auto field = schema.GetFieldByName(column);
  if (field == nullptr) return ConfigError("Stream has no such column: ", column);
  return field->type();
}

/// The first aggregate before the i-th that keeps the very same: sum and mean of one column do.
std::optional<size_t> FindShared(const std::vector<Aggregate>& aggregates, size_t i) {
  const auto is_sum = [](const Aggregate& aggregate) {
    return aggregate.function == AggregateFunction::kSum ||
           aggregate.function == AggregateFunction::kMean;
  };
  if (!is_sum(aggregates[i])) return std::nullopt;
  for (size_t before = 0; before < i; ++before) {
    if (is_sum(aggregates[before]) && aggregates[before].column == aggregates[i].column) {
      return before;
    }
  }
  return std::nullopt;
}

}  // namespace

arrow::Result<KeyedAggregate> KeyedAggregate::Make(const KeyedAggregateOptions& options,
                                                   const arrow::Schema& schema) {
  std::vector<std::shared_ptr<arrow::DataType>> key_types;
  std::vector<std::shared_ptr<arrow::Field>> fields;
  for (const std::string& key : options.key) {
    ARROW_ASSIGN_OR_RAISE(auto type, TypeOf(schema, key));
    if (arrow::is_floating(type->id())) {
      return ConfigError("Floats cannot be a key; use a decimal or a string, column: ", key);
    }
    key_types.push_back(type);
    fields.push_back(arrow::field(key, std::move(type)));
  }
  KeyedAggregate made(options, std::move(key_types));
  for (size_t i = 0; i < options.compute.size(); ++i) {
    const Aggregate& aggregate = options.compute[i];
    std::shared_ptr<arrow::DataType> type;
    if (!aggregate.column.empty()) {
      ARROW_ASSIGN_OR_RAISE(type, TypeOf(schema, aggregate.column));
    }
    ARROW_ASSIGN_OR_RAISE(auto accumulator, Accumulator::Make(aggregate, type));
    ARROW_ASSIGN_OR_RAISE(const auto empty, accumulator->Finish(0));
    fields.push_back(arrow::field(aggregate.name, empty->type()));
    made.needs_order_ |= accumulator->needs_order();
    if (const auto shared = FindShared(options.compute, i)) {
      made.accumulator_of_.push_back(made.accumulator_of_[*shared]);
      continue;
    }
    made.accumulator_of_.push_back(made.accumulators_.size());
    made.input_of_.push_back(i);
    made.accumulators_.push_back(std::move(accumulator));
  }
  made.schema_ = arrow::schema(std::move(fields));
  return made;
}

void KeyedAggregate::FillOrders(const Batch& batch) {
  const int64_t row_count = batch.rows->num_rows();
  orders_.resize(static_cast<size_t>(row_count));
  std::shared_ptr<arrow::Array> times;
  if (!options_.event_time_column.empty()) {
    times = batch.rows->GetColumnByName(options_.event_time_column);
  }
  const Range& range = batch.origin.range;
  for (int64_t row = 0; row < row_count; ++row) {
    RowOrder& order = orders_[static_cast<size_t>(row)];
    order.partition_id = range.partition_id;
    // Frames of a block are at least one position apart, so this orders rows over all blocks.
    order.ordinal = range.from.ordinal + static_cast<uint64_t>(row);
    order.event_us = 0;
    if (times != nullptr && times->type_id() == arrow::Type::TIMESTAMP && times->IsValid(row)) {
      order.event_us = static_cast<const arrow::TimestampArray&>(*times).Value(row);
    }
  }
}

arrow::Status KeyedAggregate::Add(const Batch& batch) {
  const int64_t row_count = batch.rows->num_rows();
  std::vector<std::shared_ptr<arrow::Array>> keys;
  for (const std::string& key : options_.key) keys.push_back(batch.rows->GetColumnByName(key));
  ARROW_ASSIGN_OR_RAISE(const auto groups, groups_.Assign(keys, row_count));
  if (needs_order_) FillOrders(batch);
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    const std::string& column = options_.compute[input_of_[i]].column;
    const auto array = column.empty() ? nullptr : batch.rows->GetColumnByName(column);
    accumulators_[i]->Add({.column = array.get(),
                           .groups = groups,
                           .group_count = groups_.group_count(),
                           .orders = orders_});
  }
  row_count_ += row_count;
  return CheckState();
}

arrow::Status KeyedAggregate::CheckState() const {
  int64_t byte_count = groups_.byte_count();
  for (const auto& accumulator : accumulators_) byte_count += accumulator->byte_count();
  if (byte_count <= options_.state_bytes_max) return arrow::Status::OK();
  return BadData("Aggregation has too many different keys for its memory, bytes and keys: ",
                 options_.state_bytes_max, " ", groups_.group_count());
}

void KeyedAggregate::Merge(const KeyedAggregate& other) {
  std::vector<uint32_t> to_group(other.groups_.group_count());
  for (uint32_t group = 0; group < to_group.size(); ++group) {
    to_group[group] = groups_.AssignEncoded(other.groups_.encoded(group));
  }
  for (size_t i = 0; i < accumulators_.size(); ++i) {
    accumulators_[i]->Merge(*other.accumulators_[i], to_group, groups_.group_count());
  }
  row_count_ += other.row_count_;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::AllGroups() const {
  ARROW_ASSIGN_OR_RAISE(auto columns, groups_.KeyColumns());
  for (size_t i = 0; i < options_.compute.size(); ++i) {
    const Accumulator& accumulator = *accumulators_[accumulator_of_[i]];
    ARROW_ASSIGN_OR_RAISE(
        auto column, accumulator.FinishAs(options_.compute[i].function, groups_.group_count()));
    columns.push_back(std::move(column));
  }
  return arrow::RecordBatch::Make(schema_, groups_.group_count(), std::move(columns));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::Finish() const {
  ARROW_ASSIGN_OR_RAISE(const auto all, AllGroups());
  return Sorted(all);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::Sorted(
    const std::shared_ptr<arrow::RecordBatch>& rows) const {
  if (options_.key.empty() || rows->num_rows() < 2) return rows;
  std::vector<arrow::compute::SortKey> sort_keys;
  sort_keys.reserve(options_.key.size());
  for (size_t i = 0; i < options_.key.size(); ++i) {  // The key columns come first.
    sort_keys.push_back(arrow::compute::SortKey(arrow::FieldRef(static_cast<int>(i)),
                                                arrow::compute::SortOrder::Ascending,
                                                arrow::compute::NullPlacement::AtStart));
  }
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  ARROW_ASSIGN_OR_RAISE(
      const auto indices,
      arrow::compute::SortIndices(rows, arrow::compute::SortOptions(std::move(sort_keys))));
  ARROW_ASSIGN_OR_RAISE(const auto sorted, arrow::compute::Take(rows, indices));
  return sorted.record_batch();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KeyedAggregate::FinishKeysOf(
    const KeyedAggregate& other) const {
  ARROW_ASSIGN_OR_RAISE(const auto all, AllGroups());
  arrow::UInt32Builder wanted;
  for (uint32_t group = 0; group < other.groups_.group_count(); ++group) {
    const auto here = groups_.Find(other.groups_.encoded(group));
    CATCHWATER_CHECK(here.has_value(), "results are asked of keys that were merged");
    ARROW_RETURN_NOT_OK(wanted.Append(*here));
  }
  ARROW_ASSIGN_OR_RAISE(const auto indices, wanted.Finish());
  ARROW_RETURN_NOT_OK(arrow::compute::Initialize());
  ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(all, indices));
  return Sorted(taken.record_batch());
}

std::string KeyedAggregate::Meaning() const {
  std::string meaning = options_.event_time_column;
  for (const auto& field : schema_->fields()) {
    meaning += "|" + field->name() + ":" + field->type()->ToString();
  }
  for (const Aggregate& aggregate : options_.compute) {
    meaning += "|" + std::string(AggregateFunctionName(aggregate.function)) + "(" +
               aggregate.column + ")" + std::to_string(aggregate.quantile);
  }
  return meaning;
}

std::string KeyedAggregate::Save() const {
  StateWriter state;
  state.PutText(Meaning());
  state.Put(row_count_);
  state.Put(uint64_t{groups_.group_count()});
  for (uint32_t group = 0; group < groups_.group_count(); ++group) {
    state.PutText(groups_.encoded(group));
  }
  for (const auto& accumulator : accumulators_) accumulator->Save(&state);
  return state.Take();
}

arrow::Status KeyedAggregate::LoadInto(std::string_view bytes) {
  CATCHWATER_CHECK(row_count_ == 0 && groups_.group_count() == 0, "state is loaded once");
  StateReader state(bytes);
  if (state.GetText() != Meaning()) {
    return BadData("Operator state belongs to other keys or aggregates");
  }
  row_count_ = state.Get<int64_t>();
  const uint64_t group_count = state.GetCount(sizeof(uint64_t));
  for (uint64_t group = 0; group < group_count; ++group) {
    // A key that is there twice would shift all that follow.
    if (groups_.AssignEncoded(state.GetText()) != group) state.Fail();
  }
  ARROW_RETURN_NOT_OK(state.status());
  ARROW_RETURN_NOT_OK(groups_.CheckEncoded());
  for (auto& accumulator : accumulators_) {
    accumulator->Load(&state, groups_.group_count());
  }
  if (!state.is_at_end()) state.Fail();
  return state.status();
}

}  // namespace catchwater
