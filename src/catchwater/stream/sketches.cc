#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include <arrow/builder.h>
#include <xxhash.h>

#include "catchwater/stream/accumulator_internal.h"
#include "catchwater/stream/quantile_digest.h"

namespace catchwater::stream_internal {
namespace {

template <typename ArrowType>
class QuantileAccumulator final : public Accumulator {
 public:
  explicit QuantileAccumulator(double quantile) : quantile_(quantile) {}

  void Add(const AccumulatorInput& input) override {
    digests_.resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto value) {
      const auto number = static_cast<double>(value);
      if (!std::isnan(number)) digests_[input.groups[static_cast<size_t>(row)]].Add(number);
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const QuantileAccumulator&>(other).digests_;
    digests_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups,
                [&](uint32_t group, uint32_t to) { digests_[to].Merge(from[group]); });
  }
  void Reset(std::span<const uint32_t> groups) override { ResetStates(groups, &digests_); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    arrow::DoubleBuilder builder;
    for (uint32_t group = 0; group < group_count; ++group) {
      const bool has_value = group < digests_.size() && digests_[group].count() > 0;
      ARROW_RETURN_NOT_OK(has_value ? builder.Append(digests_[group].Quantile(quantile_))
                                    : builder.AppendNull());
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(digests_, writer, [&](const QuantileDigest& digest) { digest.Save(writer); });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &digests_,
              [&](QuantileDigest* digest) { digest->Load(reader); });
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(digests_.size()) * QuantileDigest::kBytesMax;
  }

 private:
  const double quantile_;
  std::vector<QuantileDigest> digests_;
};

/// Number of distinct values, exact to about 1.6 percent: HyperLogLog with 4,096 registers and
/// linear counting for few values. Source: Flajolet, Fusy, Gandouet, Meunier, 2007.
class DistinctSketch {
 public:
  void AddHash(uint64_t hash) {
    if (registers_.empty()) registers_.assign(kRegisters, 0);
    const size_t index = hash >> (64 - kIndexBits);
    const auto rank = static_cast<uint8_t>(std::countl_zero((hash << kIndexBits) | kSentinel) + 1);
    registers_[index] = std::max(registers_[index], rank);
  }

  void Merge(const DistinctSketch& other) {
    if (other.registers_.empty()) return;
    if (registers_.empty()) registers_.assign(kRegisters, 0);
    for (size_t i = 0; i < kRegisters; ++i) {
      registers_[i] = std::max(registers_[i], other.registers_[i]);
    }
  }

  int64_t Estimate() const {
    if (registers_.empty()) return 0;
    double inverse_sum = 0;
    int64_t zeros = 0;
    for (const uint8_t rank : registers_) {
      inverse_sum += std::ldexp(1.0, -rank);
      zeros += rank == 0 ? 1 : 0;
    }
    constexpr auto kCount = static_cast<double>(kRegisters);
    const double raw = 0.7213 / (1 + 1.079 / kCount) * kCount * kCount / inverse_sum;
    if (raw <= 2.5 * kCount && zeros > 0) {
      return std::llround(kCount * std::log(kCount / static_cast<double>(zeros)));
    }
    return std::llround(raw);
  }

  int64_t byte_count() const { return static_cast<int64_t>(registers_.size()); }

  void Save(StateWriter* writer) const {
    writer->PutText(std::string_view(reinterpret_cast<const char*>(registers_.data()),
                                     registers_.size()));  // Bytes are bytes.
  }
  void Load(StateReader* reader) {
    const std::string_view registers = reader->GetText();
    if (!registers.empty() && registers.size() != kRegisters) reader->Fail();
    registers_.assign(registers.begin(), registers.end());
  }

 private:
  static constexpr int kIndexBits = 12;
  static constexpr size_t kRegisters = size_t{1} << kIndexBits;
  static constexpr uint64_t kSentinel = uint64_t{1} << (kIndexBits - 1);

  std::vector<uint8_t> registers_;
};

template <typename ArrowType>
class DistinctAccumulator final : public Accumulator {
 public:
  void Add(const AccumulatorInput& input) override {
    sketches_.resize(input.group_count);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto value) {
      sketches_[input.groups[static_cast<size_t>(row)]].AddHash(Hash(value));
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const DistinctAccumulator&>(other).sketches_;
    sketches_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups,
                [&](uint32_t group, uint32_t to) { sketches_[to].Merge(from[group]); });
  }
  void Reset(std::span<const uint32_t> groups) override { ResetStates(groups, &sketches_); }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    arrow::Int64Builder builder;
    for (uint32_t group = 0; group < group_count; ++group) {
      ARROW_RETURN_NOT_OK(
          builder.Append(group < sketches_.size() ? sketches_[group].Estimate() : 0));
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(sketches_, writer, [&](const DistinctSketch& sketch) { sketch.Save(writer); });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &sketches_,
              [&](DistinctSketch* sketch) { sketch->Load(reader); });
  }

  int64_t byte_count() const override {
    int64_t byte_count = 0;
    for (const DistinctSketch& sketch : sketches_) byte_count += sketch.byte_count();
    return byte_count;
  }

 private:
  template <typename V>
  static uint64_t Hash(const V& value) {
    if constexpr (std::is_same_v<V, std::string_view>) {
      return XXH3_64bits(value.data(), value.size());
    } else {
      return XXH3_64bits(&value, sizeof(value));
    }
  }

  std::vector<DistinctSketch> sketches_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeQuantile(double quantile,
                                          const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::INT32:
      return std::make_unique<QuantileAccumulator<arrow::Int32Type>>(quantile);
    case arrow::Type::INT64:
      return std::make_unique<QuantileAccumulator<arrow::Int64Type>>(quantile);
    case arrow::Type::FLOAT:
      return std::make_unique<QuantileAccumulator<arrow::FloatType>>(quantile);
    case arrow::Type::DOUBLE:
      return std::make_unique<QuantileAccumulator<arrow::DoubleType>>(quantile);
    default:
      return nullptr;
  }
}

std::unique_ptr<Accumulator> MakeDistinct(const std::shared_ptr<arrow::DataType>& type) {
  switch (type->id()) {
    case arrow::Type::INT32:
      return std::make_unique<DistinctAccumulator<arrow::Int32Type>>();
    case arrow::Type::INT64:
      return std::make_unique<DistinctAccumulator<arrow::Int64Type>>();
    case arrow::Type::FLOAT:
      return std::make_unique<DistinctAccumulator<arrow::FloatType>>();
    case arrow::Type::DOUBLE:
      return std::make_unique<DistinctAccumulator<arrow::DoubleType>>();
    case arrow::Type::DATE32:
      return std::make_unique<DistinctAccumulator<arrow::Date32Type>>();
    case arrow::Type::TIMESTAMP:
      return std::make_unique<DistinctAccumulator<arrow::TimestampType>>();
    case arrow::Type::STRING:
      return std::make_unique<DistinctAccumulator<arrow::StringType>>();
    default:
      return nullptr;
  }
}

}  // namespace catchwater::stream_internal
