#include <string>
#include <utility>

#include <arrow/builder.h>

#include "catchwater/stream/accumulator_internal.h"

namespace catchwater::stream_internal {
namespace {

/// The value of the least (first) or greatest (last) row in RowOrder.
template <typename ArrowType>
class FirstLastAccumulator final : public Accumulator {
  using Value = typename stream_internal::Stored<ArrowType>::type;
  struct State {
    RowOrder order;
    Value value{};
    bool has_value = false;
  };

 public:
  FirstLastAccumulator(bool is_first, std::shared_ptr<arrow::DataType> type)
      : is_first_(is_first), type_(std::move(type)) {}

  bool needs_order() const override { return true; }

  void Add(const AccumulatorInput& input) override {
    states_.resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto value) {
      const auto at = static_cast<size_t>(row);
      Offer(states_[input.groups[at]], input.orders[at], value);
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const FirstLastAccumulator&>(other).states_;
    states_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      const State& state = from[group];
      if (state.has_value) Offer(states_[to], state.order, state.value);
    });
  }
  void Reset(std::span<const uint32_t> groups) override { ResetStates(groups, &states_); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    ARROW_ASSIGN_OR_RAISE(auto made, arrow::MakeBuilder(type_));
    auto& builder = static_cast<typename arrow::TypeTraits<ArrowType>::BuilderType&>(*made);
    for (uint32_t group = 0; group < group_count; ++group) {
      const bool has_value = group < states_.size() && states_[group].has_value;
      ARROW_RETURN_NOT_OK(has_value ? builder.Append(states_[group].value) : builder.AppendNull());
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(states_, writer, [&](const State& state) {
      writer->Put(state.has_value);
      writer->Put(state.order.event_us);
      writer->Put(state.order.partition_id);
      writer->Put(state.order.ordinal);
      PutValue(state.value, writer);
    });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &states_, [&](State* state) {
      state->has_value = reader->Get<uint8_t>() != 0;
      state->order.event_us = reader->Get<int64_t>();
      state->order.partition_id = reader->Get<int64_t>();
      state->order.ordinal = reader->Get<uint64_t>();
      GetValue(reader, &state->value);
    });
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(states_.size() * sizeof(State));
  }

 private:
  template <typename V>
  void Offer(State& state, const RowOrder& order, const V& value) const {
    if (state.has_value && (is_first_ ? !(order < state.order) : !(state.order < order))) return;
    state = {order, Value(value), true};
  }

  const bool is_first_;
  const std::shared_ptr<arrow::DataType> type_;
  std::vector<State> states_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeFirstLast(bool is_first,
                                           const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::BOOL:
      return std::make_unique<FirstLastAccumulator<arrow::BooleanType>>(is_first, type);
    case arrow::Type::INT32:
      return std::make_unique<FirstLastAccumulator<arrow::Int32Type>>(is_first, type);
    case arrow::Type::INT64:
      return std::make_unique<FirstLastAccumulator<arrow::Int64Type>>(is_first, type);
    case arrow::Type::FLOAT:
      return std::make_unique<FirstLastAccumulator<arrow::FloatType>>(is_first, type);
    case arrow::Type::DOUBLE:
      return std::make_unique<FirstLastAccumulator<arrow::DoubleType>>(is_first, type);
    case arrow::Type::DATE32:
      return std::make_unique<FirstLastAccumulator<arrow::Date32Type>>(is_first, type);
    case arrow::Type::TIMESTAMP:
      return std::make_unique<FirstLastAccumulator<arrow::TimestampType>>(is_first, type);
    case arrow::Type::STRING:
      return std::make_unique<FirstLastAccumulator<arrow::StringType>>(is_first, type);
    default:
      return nullptr;
  }
}

}  // namespace catchwater::stream_internal
