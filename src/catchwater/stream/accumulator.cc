#include "catchwater/stream/accumulator.h"

#include <cmath>
#include <concepts>
#include <limits>
#include <string>
#include <utility>

#include <arrow/builder.h>

#include "catchwater/base/error.h"
#include "catchwater/stream/accumulator_internal.h"
#include "catchwater/stream/group_counts.h"

namespace catchwater {
namespace {

using stream_internal::ForEachPair;
using stream_internal::ForEachValue;
using stream_internal::GetStates;
using stream_internal::GetValue;
using stream_internal::PutStates;
using stream_internal::PutValue;
using stream_internal::ResetStates;

__extension__ using Int128 = __int128;

class CountAccumulator final : public Accumulator {
 public:
  void Add(const AccumulatorInput& input) override {
    counts_.Resize(input.group_count);
    if (input.column == nullptr || input.column->null_count() == 0) {
      for (const uint32_t group : input.groups) counts_.Increment(group);
      return;
    }
    for (size_t row = 0; row < input.groups.size(); ++row) {
      if (input.column->IsValid(static_cast<int64_t>(row))) counts_.Increment(input.groups[row]);
    }
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const CountAccumulator&>(other).counts_;
    counts_.Resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups,
                [&](uint32_t group, uint32_t to) { counts_.Add(to, from.Get(group)); });
  }
  void Reset(std::span<const uint32_t> groups) override { counts_.Reset(groups); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(group_count));
    for (uint32_t group = 0; group < group_count; ++group) builder.UnsafeAppend(counts_.Get(group));
    return builder.Finish();
  }

  void Save(StateWriter* state) const override {
    state->Put(uint64_t{counts_.size()});
    for (uint32_t group = 0; group < counts_.size(); ++group) state->Put(counts_.Get(group));
  }
  void Load(StateReader* state, uint32_t group_count) override {
    const uint64_t count = state->GetCount(sizeof(int64_t));
    if (count > group_count) return state->Fail();
    counts_.Resize(count);
    for (uint32_t group = 0; group < count; ++group) counts_.Set(group, state->Get<int64_t>());
  }

  int64_t byte_count() const override { return counts_.byte_count(); }

 private:
  GroupCounts counts_;
};

/// A sum that does not lose what is small beside what is large. Source: Neumaier, 1974.
struct CompensatedSum {
  double sum = 0;
  double rest = 0;

  void Add(double value) {
    const double next = sum + value;
    rest += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  void Merge(const CompensatedSum& other) {
    Add(other.sum);
    rest += other.rest;
  }
  void Save(StateWriter* state) const {
    state->Put(sum);
    state->Put(rest);
  }
  void Load(StateReader* state) {
    sum = state->Get<double>();
    rest = state->Get<double>();
  }
  // Infinities make the compensation NaN; the plain sum is then the answer.
  double value() const { return std::isfinite(sum) ? sum + rest : sum; }
};

struct ExactSum {
  Int128 sum = 0;
  void Add(int64_t value) { sum += value; }
  void Merge(const ExactSum& other) { sum += other.sum; }
  void Save(StateWriter* state) const {
    state->Put(static_cast<uint64_t>(sum));
    state->Put(static_cast<int64_t>(sum >> 64));
  }
  void Load(StateReader* state) {
    const auto low = state->Get<uint64_t>();
    sum = static_cast<Int128>(state->Get<int64_t>()) * (Int128{1} << 64) + low;
  }
  double value() const { return static_cast<double>(sum); }
};

/// sum and mean. Integers are summed exactly in 128 bits, floats with compensation.
template <typename ArrowType>
class SumAccumulator final : public Accumulator {
  static constexpr bool kIsExact = std::is_integral_v<typename ArrowType::c_type>;
  using Sum = std::conditional_t<kIsExact, ExactSum, CompensatedSum>;

 public:
  explicit SumAccumulator(bool is_mean) : is_mean_(is_mean) {}

  void Add(const AccumulatorInput& input) override {
    Resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto value) {
      const uint32_t group = input.groups[static_cast<size_t>(row)];
      sums_[group].Add(value);
      counts_.Increment(group);
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const SumAccumulator&>(other);
    Resize(group_count);
    ForEachPair(from.sums_.size(), from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      sums_[to].Merge(from.sums_[group]);
      counts_.Add(to, from.counts_.Get(group));
    });
  }
  void Reset(std::span<const uint32_t> groups) override {
    ResetStates(groups, &sums_);
    counts_.Reset(groups);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    return FinishAs(is_mean_ ? AggregateFunction::kMean : AggregateFunction::kSum, group_count);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> FinishAs(AggregateFunction function,
                                                        uint32_t group_count) const override {
    const bool is_mean = function == AggregateFunction::kMean;
    if constexpr (kIsExact) {
      if (!is_mean) return FinishExact(group_count);
    }
    arrow::DoubleBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(group_count));
    for (uint32_t group = 0; group < group_count; ++group) {
      const int64_t count = counts_.Get(group);
      if (count == 0) {
        builder.UnsafeAppendNull();
        continue;
      }
      const double total = sums_[group].value();
      builder.UnsafeAppend(is_mean ? total / static_cast<double>(count) : total);
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    writer->Put(uint64_t{sums_.size()});
    for (uint32_t group = 0; group < sums_.size(); ++group) {
      sums_[group].Save(writer);
      writer->Put(counts_.Get(group));
    }
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    const uint64_t count = reader->GetCount(sizeof(Sum) + sizeof(int64_t));
    if (count > group_count) return reader->Fail();
    Resize(count);
    for (uint32_t group = 0; group < count; ++group) {
      sums_[group].Load(reader);
      counts_.Set(group, reader->Get<int64_t>());
    }
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(sums_.size() * sizeof(Sum)) + counts_.byte_count();
  }

 private:
  void Resize(size_t group_count) {
    sums_.resize(group_count);
    counts_.Resize(group_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> FinishExact(uint32_t group_count) const {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(group_count));
    for (uint32_t group = 0; group < group_count; ++group) {
      if (counts_.Get(group) == 0) {
        builder.UnsafeAppendNull();
        continue;
      }
      if constexpr (kIsExact) {
        const Int128 sum = sums_[group].sum;
        if (sum > std::numeric_limits<int64_t>::max() ||
            sum < std::numeric_limits<int64_t>::min()) {
          return BadData("Sum of integers does not fit in 64 bits; use mean, or a float column");
        }
        builder.UnsafeAppend(static_cast<int64_t>(sum));
      }
    }
    return builder.Finish();
  }

  const bool is_mean_;
  // By group; apart, as a count takes less than the other fields align to.
  std::vector<Sum> sums_;
  GroupCounts counts_;
};

/// The least or greatest value so far, if any.
template <typename Value>
struct Extreme {
  Value value{};
  bool is_there = false;

  bool has_value() const { return is_there; }
  void Set(const auto& to) {
    value = Value(to);
    is_there = true;
  }
};
/// NaN is left out, so it can stand for none: with many open windows the bytes count.
template <std::floating_point Value>
struct Extreme<Value> {
  Value value = std::numeric_limits<Value>::quiet_NaN();

  bool has_value() const { return !std::isnan(value); }
  void Set(Value to) { value = to; }
};

/// min and max. NaN is left out, as a null is.
template <typename ArrowType>
class ExtremeAccumulator final : public Accumulator {
  using Value = typename stream_internal::Stored<ArrowType>::type;
  using State = Extreme<Value>;

 public:
  ExtremeAccumulator(bool is_min, std::shared_ptr<arrow::DataType> type)
      : is_min_(is_min), type_(std::move(type)) {}

  void Add(const AccumulatorInput& input) override {
    states_.resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto value) {
      Offer(states_[input.groups[static_cast<size_t>(row)]], value);
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const ExtremeAccumulator&>(other).states_;
    states_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      if (from[group].has_value()) Offer(states_[to], from[group].value);
    });
  }
  void Reset(std::span<const uint32_t> groups) override { ResetStates(groups, &states_); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    ARROW_ASSIGN_OR_RAISE(auto made, arrow::MakeBuilder(type_));
    auto& builder = static_cast<typename arrow::TypeTraits<ArrowType>::BuilderType&>(*made);
    ARROW_RETURN_NOT_OK(builder.Reserve(group_count));
    for (uint32_t group = 0; group < group_count; ++group) {
      const bool has_value = group < states_.size() && states_[group].has_value();
      ARROW_RETURN_NOT_OK(has_value ? builder.Append(states_[group].value) : builder.AppendNull());
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(states_, writer, [&](const State& state) {
      writer->Put(state.has_value());
      PutValue(state.value, writer);
    });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &states_, [&](State* state) {
      const bool has_value = reader->Get<uint8_t>() != 0;
      Value value{};
      GetValue(reader, &value);
      if (has_value) state->Set(value);
    });
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(states_.size() * sizeof(State));
  }

 private:
  template <typename V>
  void Offer(State& state, const V& value) const {
    if constexpr (std::is_floating_point_v<V>) {
      if (std::isnan(value)) return;
    }
    if (!state.has_value() || (is_min_ ? value < state.value : state.value < value)) {
      state.Set(value);
    }
  }

  const bool is_min_;
  const std::shared_ptr<arrow::DataType> type_;
  std::vector<State> states_;
};

/// Sample variance, its root, and the standard error of the mean. Merging: Chan, Golub and LeVeque,
/// 1983.
template <typename ArrowType>
class VarianceAccumulator final : public Accumulator {
  struct State {
    int64_t count = 0;
    double mean = 0;
    double squares = 0;  ///< Sum of squared differences from the mean.
  };

 public:
  explicit VarianceAccumulator(AggregateFunction function) : function_(function) {}

  void Add(const AccumulatorInput& input) override {
    states_.resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto raw) {
      State& state = states_[input.groups[static_cast<size_t>(row)]];
      const auto value = static_cast<double>(raw);
      const double before = value - state.mean;
      state.mean += before / static_cast<double>(++state.count);
      state.squares += before * (value - state.mean);
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const VarianceAccumulator&>(other).states_;
    states_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      if (from[group].count > 0) Combine(states_[to], from[group]);
    });
  }
  void Reset(std::span<const uint32_t> groups) override { ResetStates(groups, &states_); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    return FinishAs(function_, group_count);
  }
  arrow::Result<std::shared_ptr<arrow::Array>> FinishAs(AggregateFunction function,
                                                        uint32_t group_count) const override {
    arrow::DoubleBuilder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(group_count));
    for (uint32_t group = 0; group < group_count; ++group) {
      const State state = group < states_.size() ? states_[group] : State{};
      if (state.count < 2) {
        ARROW_RETURN_NOT_OK(builder.AppendNull());
        continue;
      }
      const auto count = static_cast<double>(state.count);
      const double variance = state.squares / (count - 1);
      double value = variance;
      if (function == AggregateFunction::kStddev) value = std::sqrt(variance);
      if (function == AggregateFunction::kStandardError) value = std::sqrt(variance / count);
      ARROW_RETURN_NOT_OK(builder.Append(value));
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(states_, writer, [&](const State& state) {
      writer->Put(state.count);
      writer->Put(state.mean);
      writer->Put(state.squares);
    });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &states_, [&](State* state) {
      state->count = reader->Get<int64_t>();
      state->mean = reader->Get<double>();
      state->squares = reader->Get<double>();
    });
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(states_.size() * sizeof(State));
  }

 private:
  static void Combine(State& into, const State& from) {
    if (into.count == 0) {
      into = from;
      return;
    }
    const auto a = static_cast<double>(into.count);
    const auto b = static_cast<double>(from.count);
    const double apart = from.mean - into.mean;
    into.count += from.count;
    into.mean += apart * b / (a + b);
    into.squares += from.squares + apart * apart * a * b / (a + b);
  }

  const AggregateFunction function_;
  std::vector<State> states_;
};

arrow::Status TypeError(const Aggregate& aggregate, const std::shared_ptr<arrow::DataType>& type) {
  return ConfigError("Aggregate does not take this column, aggregate, column and type: ",
                     AggregateFunctionName(aggregate.function), " ", aggregate.column, " ",
                     type->ToString());
}

std::unique_ptr<Accumulator> MakeExtreme(bool is_min,
                                         const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::DATE32:
      return std::make_unique<ExtremeAccumulator<arrow::Date32Type>>(is_min, type);
    case arrow::Type::TIMESTAMP:
      return std::make_unique<ExtremeAccumulator<arrow::TimestampType>>(is_min, type);
    case arrow::Type::STRING:
      return std::make_unique<ExtremeAccumulator<arrow::StringType>>(is_min, type);
    default:
      return stream_internal::MakeNumeric<ExtremeAccumulator>(*type, is_min, type);
  }
}

}  // namespace

arrow::Result<std::unique_ptr<Accumulator>> Accumulator::Make(
    const Aggregate& aggregate, const std::shared_ptr<arrow::DataType>& type) {
  std::unique_ptr<Accumulator> made;
  switch (aggregate.function) {
    case AggregateFunction::kCount:
      return std::make_unique<CountAccumulator>();
    case AggregateFunction::kSum:
    case AggregateFunction::kMean:
      made = stream_internal::MakeNumeric<SumAccumulator>(
          *type, aggregate.function == AggregateFunction::kMean);
      break;
    case AggregateFunction::kMin:
    case AggregateFunction::kMax:
      made = MakeExtreme(aggregate.function == AggregateFunction::kMin, type);
      break;
    case AggregateFunction::kVariance:
    case AggregateFunction::kStddev:
    case AggregateFunction::kStandardError:
      made = stream_internal::MakeNumeric<VarianceAccumulator>(*type, aggregate.function);
      break;
    case AggregateFunction::kFirst:
    case AggregateFunction::kLast:
      made = stream_internal::MakeFirstLast(aggregate.function == AggregateFunction::kFirst, type);
      break;
    case AggregateFunction::kQuantile:
      made = stream_internal::MakeQuantile(aggregate.quantile, type);
      break;
    case AggregateFunction::kDistinct:
      made = stream_internal::MakeDistinct(type);
      break;
    case AggregateFunction::kRate:
    case AggregateFunction::kTimeWeightedMean:
    case AggregateFunction::kLargestGap:
      made = stream_internal::MakeOverTime(aggregate.function, type);
      break;
    case AggregateFunction::kHistogram:
      made = stream_internal::MakeHistogram(aggregate, type);
      break;
  }
  if (made == nullptr) return TypeError(aggregate, type);
  return made;
}

}  // namespace catchwater
