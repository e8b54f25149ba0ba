// Aggregates of a value's course: rate, time_weighted_mean, largest_gap. Rows may come in any
// order, so the points are kept until the result is asked for.
#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/builder.h>

#include "catchwater/stream/accumulator_internal.h"

namespace catchwater::stream_internal {
namespace {

constexpr double kMicros = 1e6;

struct Point {
  int64_t event_us = 0;
  double value = 0;

  /// Of two rows of one time the greater value is the later one, whatever their order.
  auto operator<=>(const Point&) const = default;
};
using Points = std::vector<Point>;

/// \pre sorted, not empty
double TimeWeightedMean(const Points& points) {
  const int64_t span_us = points.back().event_us - points.front().event_us;
  double total = 0;
  if (span_us == 0) {
    for (const Point& point : points) total += point.value;
    return total / static_cast<double>(points.size());
  }
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    total += points[i].value * static_cast<double>(points[i + 1].event_us - points[i].event_us);
  }
  return total / static_cast<double>(span_us);
}

std::optional<double> Rate(const Points& points) {
  const int64_t span_us = points.back().event_us - points.front().event_us;
  if (span_us == 0) return std::nullopt;
  return (points.back().value - points.front().value) / (static_cast<double>(span_us) / kMicros);
}

std::optional<double> LargestGap(const Points& points) {
  if (points.size() < 2) return std::nullopt;
  int64_t largest_us = 0;
  for (size_t i = 0; i + 1 < points.size(); ++i) {
    largest_us = std::max(largest_us, points[i + 1].event_us - points[i].event_us);
  }
  return static_cast<double>(largest_us) / kMicros;
}

template <typename ArrowType>
class OverTimeAccumulator final : public Accumulator {
 public:
  explicit OverTimeAccumulator(AggregateFunction function) : function_(function) {}

  bool needs_order() const override { return true; }

  void Add(const AccumulatorInput& input) override {
    states_.resize(input.group_count);
    if (input.column == nullptr) {
      for (size_t row = 0; row < input.groups.size(); ++row) {
        Append(input.groups[row], {.event_us = input.orders[row].event_us});
      }
      return;
    }
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto raw) {
      const auto value = static_cast<double>(raw);
      const auto at = static_cast<size_t>(row);
      if (std::isnan(value)) return;
      Append(input.groups[at], {.event_us = input.orders[at].event_us, .value = value});
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const OverTimeAccumulator&>(other).states_;
    states_.resize(group_count);
    ForEachPair(from.size(), from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      for (const Point& point : from[group]) Append(to, point);
    });
  }
  void Reset(std::span<const uint32_t> groups) override {
    for (const uint32_t group : groups) {
      if (group < states_.size()) point_count_ -= static_cast<int64_t>(states_[group].size());
    }
    ResetStates(groups, &states_);
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    arrow::DoubleBuilder builder;
    for (uint32_t group = 0; group < group_count; ++group) {
      const auto value = group < states_.size() ? ValueOf(states_[group]) : std::nullopt;
      ARROW_RETURN_NOT_OK(value ? builder.Append(*value) : builder.AppendNull());
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(states_, writer, [&](const Points& points) {
      writer->Put(uint64_t{points.size()});
      for (const Point& point : points) {
        writer->Put(point.event_us);
        writer->Put(point.value);
      }
    });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    GetStates(reader, group_count, &states_, [&](Points* points) {
      points->resize(reader->GetCount(sizeof(Point)));
      point_count_ += static_cast<int64_t>(points->size());
      for (Point& point : *points) {
        point.event_us = reader->Get<int64_t>();
        point.value = reader->Get<double>();
      }
    });
  }

  int64_t byte_count() const override {
    return static_cast<int64_t>(states_.size() * sizeof(Points)) +
           point_count_ * static_cast<int64_t>(sizeof(Point)) * 3 / 2;
  }

 private:
  void Append(uint32_t group, const Point& point) {
    Points& points = states_[group];
    if (function_ == AggregateFunction::kRate && points.size() == 2) {  // Only the ends count.
      if (point < points[0]) points[0] = point;
      if (points[1] < point) points[1] = point;
      return;
    }
    points.push_back(point);
    ++point_count_;
    if (function_ == AggregateFunction::kRate) std::sort(points.begin(), points.end());
  }

  std::optional<double> ValueOf(Points points) const {
    if (points.empty()) return std::nullopt;
    std::sort(points.begin(), points.end());
    if (function_ == AggregateFunction::kRate) return Rate(points);
    if (function_ == AggregateFunction::kLargestGap) return LargestGap(points);
    return TimeWeightedMean(points);
  }

  const AggregateFunction function_;
  std::vector<Points> states_;
  int64_t point_count_ = 0;
};

/// Rows below `low`, in each bucket, and from `high` on.
template <typename ArrowType>
class HistogramAccumulator final : public Accumulator {
 public:
  explicit HistogramAccumulator(const Aggregate& aggregate)
      : low_(aggregate.low),
        high_(aggregate.high),
        stride_(static_cast<size_t>(aggregate.bucket_count) + 2) {}

  void Add(const AccumulatorInput& input) override {
    counts_.resize(input.group_count * stride_);
    ForEachValue<ArrowType>(*input.column, [&](int64_t row, auto raw) {
      const auto value = static_cast<double>(raw);
      if (std::isnan(value)) return;
      ++counts_[input.groups[static_cast<size_t>(row)] * stride_ + BucketOf(value)];
    });
  }

  void Merge(const Accumulator& other, std::span<const uint32_t> from_groups,
             std::span<const uint32_t> to_groups, uint32_t group_count) override {
    const auto& from = static_cast<const HistogramAccumulator&>(other).counts_;
    counts_.resize(group_count * stride_);
    ForEachPair(from.size() / stride_, from_groups, to_groups, [&](uint32_t group, uint32_t to) {
      for (size_t i = 0; i < stride_; ++i) counts_[to * stride_ + i] += from[group * stride_ + i];
    });
  }
  void Reset(std::span<const uint32_t> groups) override {
    for (const uint32_t group : groups) {
      if ((group + 1) * stride_ > counts_.size()) continue;
      const auto first = counts_.begin() + static_cast<std::ptrdiff_t>(group * stride_);
      std::fill_n(first, stride_, 0);
    }
  }

  arrow::Result<std::shared_ptr<arrow::Array>> Finish(uint32_t group_count) const override {
    arrow::StringBuilder builder;
    std::string text;
    for (size_t group = 0; group < group_count; ++group) {
      text = "[";
      for (size_t i = 0; i < stride_; ++i) {
        const size_t at = group * stride_ + i;
        text += (i > 0 ? "," : "") + std::to_string(at < counts_.size() ? counts_[at] : 0);
      }
      ARROW_RETURN_NOT_OK(builder.Append(text + "]"));
    }
    return builder.Finish();
  }

  void Save(StateWriter* writer) const override {
    PutStates(counts_, writer, [&](int64_t count) { writer->Put(count); });
  }
  void Load(StateReader* reader, uint32_t group_count) override {
    const auto count_max = static_cast<uint32_t>(group_count * stride_);
    GetStates(reader, count_max, &counts_,
              [&](int64_t* count) { *count = reader->Get<int64_t>(); });
    if (counts_.size() % stride_ != 0) reader->Fail();
  }

  int64_t byte_count() const override { return static_cast<int64_t>(counts_.size() * 8); }

 private:
  size_t BucketOf(double value) const {
    if (value < low_) return 0;
    if (value >= high_) return stride_ - 1;
    const auto bucket_count = static_cast<double>(stride_ - 2);
    const double place = (value - low_) / (high_ - low_) * bucket_count;
    return 1 + std::min(stride_ - 3, static_cast<size_t>(place));
  }

  const double low_;
  const double high_;
  const size_t stride_;
  std::vector<int64_t> counts_;
};

}  // namespace

std::unique_ptr<Accumulator> MakeOverTime(AggregateFunction function,
                                          const std::shared_ptr<arrow::DataType>& type) {
  // Without a column only the times of rows count.
  if (type == nullptr) return std::make_unique<OverTimeAccumulator<arrow::DoubleType>>(function);
  return MakeNumeric<OverTimeAccumulator>(*type, function);
}

std::unique_ptr<Accumulator> MakeHistogram(const Aggregate& aggregate,
                                           const std::shared_ptr<arrow::DataType>& type) {
  return MakeNumeric<HistogramAccumulator>(*type, aggregate);
}

}  // namespace catchwater::stream_internal
