/// \file
/// Shared by the accumulators' sources: typed access to a column's values.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <arrow/array.h>
#include <arrow/type_traits.h>

#include "catchwater/stream/accumulator.h"

namespace catchwater::stream_internal {

/// What a state keeps of a value: numbers as they are, texts as a copy.
template <typename ArrowType, typename = void>
struct Stored {
  using type = typename arrow::TypeTraits<ArrowType>::CType;
};
template <typename ArrowType>
struct Stored<ArrowType, arrow::enable_if_base_binary<ArrowType>> {
  using type = std::string;
};

/// Values of states as bytes.
template <typename V>
void PutValue(const V& value, StateWriter* state) {
  if constexpr (std::is_same_v<V, std::string>) {
    state->PutText(value);
  } else {
    state->Put(value);
  }
}
template <typename V>
void GetValue(StateReader* state, V* value) {
  if constexpr (std::is_same_v<V, std::string>) {
    *value = std::string(state->GetText());
  } else {
    *value = state->Get<V>();
  }
}

/// A list of states, each written and read by the function.
template <typename State, typename Put>
void PutStates(const std::vector<State>& states, StateWriter* writer, Put put) {
  writer->Put(uint64_t{states.size()});
  for (const State& state : states) put(state);
}
template <typename State, typename Get>
void GetStates(StateReader* reader, uint32_t group_count, std::vector<State>* states, Get get) {
  // Every kind of state takes a byte at least.
  const uint64_t count = reader->GetCount(/*item_bytes_min=*/1);
  if (count > group_count) return reader->Fail();
  states->resize(count);
  for (State& state : *states) get(&state);
}

/// Calls visit(from, to) for each pair whose first group has a state.
template <typename Visit>
void ForEachPair(size_t state_count, std::span<const uint32_t> from, std::span<const uint32_t> to,
                 Visit visit) {
  for (size_t i = 0; i < from.size(); ++i) {
    if (from[i] < state_count) visit(from[i], to[i]);
  }
}

template <typename State>
void ResetStates(std::span<const uint32_t> groups, std::vector<State>* states) {
  for (const uint32_t group : groups) {
    if (group < states->size()) (*states)[group] = State{};
  }
}

/// Calls visit(row, value) for each row that is not null.
template <typename ArrowType, typename Visit>
void ForEachValue(const arrow::Array& column, Visit visit) {
  using ArrayType = typename arrow::TypeTraits<ArrowType>::ArrayType;
  const auto& array = static_cast<const ArrayType&>(column);
  const int64_t row_count = array.length();
  if (array.null_count() == 0) {
    for (int64_t row = 0; row < row_count; ++row) visit(row, array.GetView(row));
    return;
  }
  for (int64_t row = 0; row < row_count; ++row) {
    if (array.IsValid(row)) visit(row, array.GetView(row));
  }
}

std::unique_ptr<Accumulator> MakeFirstLast(bool is_first,
                                           const std::shared_ptr<arrow::DataType>& type);
std::unique_ptr<Accumulator> MakeQuantile(double quantile,
                                          const std::shared_ptr<arrow::DataType>& type);
/// `rate`, `time_weighted_mean` and `largest_gap`: of values in the order of event time.
std::unique_ptr<Accumulator> MakeOverTime(AggregateFunction function,
                                          const std::shared_ptr<arrow::DataType>& type);
std::unique_ptr<Accumulator> MakeHistogram(const Aggregate& aggregate,
                                           const std::shared_ptr<arrow::DataType>& type);
std::unique_ptr<Accumulator> MakeDistinct(const std::shared_ptr<arrow::DataType>& type);

/// \return null if the type is no number
template <template <typename> class Made, typename... Args>
std::unique_ptr<Accumulator> MakeNumeric(const arrow::DataType& type, const Args&... args) {
  switch (type.id()) {
    case arrow::Type::INT32:
      return std::make_unique<Made<arrow::Int32Type>>(args...);
    case arrow::Type::INT64:
      return std::make_unique<Made<arrow::Int64Type>>(args...);
    case arrow::Type::FLOAT:
      return std::make_unique<Made<arrow::FloatType>>(args...);
    case arrow::Type::DOUBLE:
      return std::make_unique<Made<arrow::DoubleType>>(args...);
    default:
      return nullptr;
  }
}

}  // namespace catchwater::stream_internal
