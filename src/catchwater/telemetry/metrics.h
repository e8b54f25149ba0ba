/// \file
/// Counters, gauges and histograms, and their Prometheus text. Source: Prometheus text exposition
/// format 0.0.4.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/telemetry/names.h"

namespace catchwater {

/// Only grows. Any thread.
class Counter {
 public:
  void Add(int64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

/// Any thread.
class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_ = 0;
};

/// Durations from 16 µs to 134 s, in buckets that double. Any thread.
class Histogram {
 public:
  static constexpr int kBucketCount = 24;
  /// Upper bound of a bucket, in microseconds; the last one takes all that is longer.
  static constexpr int64_t BoundMicros(int bucket) { return int64_t{16} << bucket; }

  void Record(int64_t duration_us);
  int64_t count() const;
  /// Of all durations, in microseconds.
  int64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }
  /// Returns an upper bound of the share's duration, e.g. 0.99; 0 without values.
  int64_t QuantileMicros(double share) const;

 private:
  friend class Metrics;
  std::array<std::atomic<int64_t>, kBucketCount + 1> counts_{};
  std::atomic<int64_t> sum_us_ = 0;
};

/// All series of a process. Any thread. Looking a series up takes a lock: keep the reference, it is
/// valid as long as the registry.
class Metrics {
 public:
  /// Series per metric; further label values are counted under `other`.
  static constexpr size_t kSeriesMax = 1'000;

  Metrics() = default;
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// \param labels one value for each label of the metric, in the order of names.h
  Counter& counter(Metric metric, std::initializer_list<std::string_view> labels = {});
  Gauge& gauge(Metric metric, std::initializer_list<std::string_view> labels = {});
  Histogram& histogram(Metric metric, std::initializer_list<std::string_view> labels = {});

  /// Values of the metric's counters or gauges whose labels but the last are these, by the last.
  std::map<std::string, double> ByLastLabel(Metric metric,
                                            std::initializer_list<std::string_view> labels) const;

  /// All series as text, in the order of names.h, then by label values.
  std::string ToPrometheusText() const;

 private:
  using Labels = std::vector<std::string>;
  template <class Series>
  using Table = std::map<std::pair<Metric, Labels>, std::unique_ptr<Series>>;

  template <class Series>
  Series& Find(Table<Series>& table, Metric metric, MetricKind kind,
               std::initializer_list<std::string_view> labels);
  void AppendHistogram(const MetricSpec& spec, const Labels& labels, const Histogram& histogram,
                       std::string& text) const;

  mutable std::mutex mutex_;
  Table<Counter> counters_;
  Table<Gauge> gauges_;
  Table<Histogram> histograms_;
  std::map<Metric, size_t> series_count_;
};

}  // namespace catchwater
