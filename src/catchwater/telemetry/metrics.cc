#include "catchwater/telemetry/metrics.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr bool AreSpecsInOrder() {
  for (size_t i = 0; i < kMetricSpecs.size(); ++i) {
    if (static_cast<size_t>(kMetricSpecs[i].metric) != i) return false;
  }
  return true;
}
static_assert(AreSpecsInOrder(), "kMetricSpecs must follow the order of Metric");

size_t LabelCount(std::string_view names) {
  if (names.empty()) return 0;
  return static_cast<size_t>(std::count(names.begin(), names.end(), ',')) + 1;
}

std::string_view KindName(MetricKind kind) {
  switch (kind) {
    case MetricKind::kCounter:
      return "counter";
    case MetricKind::kGauge:
      return "gauge";
    case MetricKind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

std::string Escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
    } else {
      if (c == '\\' || c == '"') text += '\\';
      text += c;
    }
  }
  return text;
}

// `{pipeline="a",le="0.1"}`, or nothing.
std::string LabelText(const MetricSpec& spec, const std::vector<std::string>& values,
                      std::string_view bound = "") {
  std::string text;
  std::string_view names = spec.labels;
  for (const std::string& value : values) {
    const size_t comma = names.find(',');
    text += (text.empty() ? "" : ",") + std::string(names.substr(0, comma)) + "=\"" +
            Escaped(value) + "\"";
    names.remove_prefix(comma == names.npos ? names.size() : comma + 1);
  }
  if (!bound.empty()) text += (text.empty() ? "le=\"" : ",le=\"") + std::string(bound) + "\"";
  return text.empty() ? text : "{" + text + "}";
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

std::string SecondsText(int64_t us) { return NumberText(static_cast<double>(us) / 1e6); }

}  // namespace

void Histogram::Record(int64_t duration_us) {
  const auto value = static_cast<uint64_t>(std::max<int64_t>(duration_us, 0));
  // The smallest bucket whose bound 16 << bucket is not below the value.
  const int bucket = value <= 16 ? 0 : static_cast<int>(std::bit_width((value - 1) >> 4));
  counts_[static_cast<size_t>(std::min(bucket, kBucketCount))].fetch_add(1,
                                                                         std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<int64_t>(value), std::memory_order_relaxed);
}

int64_t Histogram::count() const {
  int64_t count = 0;
  for (const auto& bucket : counts_) count += bucket.load(std::memory_order_relaxed);
  return count;
}

int64_t Histogram::QuantileMicros(double share) const {
  const int64_t wanted = static_cast<int64_t>(std::ceil(share * static_cast<double>(count())));
  int64_t seen = 0;
  for (int bucket = 0; bucket <= kBucketCount; ++bucket) {
    seen += counts_[static_cast<size_t>(bucket)].load(std::memory_order_relaxed);
    if (seen > 0 && seen >= wanted) return BoundMicros(bucket);
  }
  return 0;
}

template <class Series>
Series& Metrics::Find(Table<Series>& table, Metric metric, MetricKind kind,
                      std::initializer_list<std::string_view> labels) {
  const MetricSpec& spec = SpecOf(metric);
  CATCHWATER_CHECK(spec.kind == kind, "a metric is used as what names.h declares");
  CATCHWATER_CHECK(labels.size() == LabelCount(spec.labels), "one value for each label");
  std::pair<Metric, Labels> key(metric, Labels(labels.begin(), labels.end()));
  std::unique_lock lock(mutex_);
  auto found = table.find(key);
  if (found == table.end()) {
    if (series_count_[metric] >= kSeriesMax && metric != Metric::kSeriesDropped) {
      std::fill(key.second.begin(), key.second.end(), "other");
      lock.unlock();
      counter(Metric::kSeriesDropped, {spec.name}).Add();
      lock.lock();
    }
    const auto [entry, is_new] = table.try_emplace(std::move(key));
    if (is_new) {
      entry->second = std::make_unique<Series>();
      ++series_count_[metric];
    }
    found = entry;
  }
  return *found->second;
}

Counter& Metrics::counter(Metric metric, std::initializer_list<std::string_view> labels) {
  return Find(counters_, metric, MetricKind::kCounter, labels);
}
Gauge& Metrics::gauge(Metric metric, std::initializer_list<std::string_view> labels) {
  return Find(gauges_, metric, MetricKind::kGauge, labels);
}
Histogram& Metrics::histogram(Metric metric, std::initializer_list<std::string_view> labels) {
  return Find(histograms_, metric, MetricKind::kHistogram, labels);
}

std::map<std::string, double> Metrics::ByLastLabel(
    Metric metric, std::initializer_list<std::string_view> labels) const {
  const Labels leading(labels.begin(), labels.end());
  std::map<std::string, double> values;
  const auto add_all = [&](const auto& table) {
    for (auto it = table.lower_bound({metric, leading}); it != table.end(); ++it) {
      const auto& [key, series] = *it;
      const bool is_under = key.first == metric && key.second.size() == leading.size() + 1 &&
                            std::equal(leading.begin(), leading.end(), key.second.begin());
      if (!is_under) break;
      values[key.second.back()] = static_cast<double>(series->value());
    }
  };
  const std::lock_guard lock(mutex_);
  add_all(counters_);
  add_all(gauges_);
  return values;
}

void Metrics::AppendHistogram(const MetricSpec& spec, const Labels& labels,
                              const Histogram& histogram, std::string& text) const {
  int64_t count = 0;
  for (int bucket = 0; bucket <= Histogram::kBucketCount; ++bucket) {
    count += histogram.counts_[static_cast<size_t>(bucket)].load(std::memory_order_relaxed);
    const bool is_last = bucket == Histogram::kBucketCount;
    const std::string bound = is_last ? "+Inf" : SecondsText(Histogram::BoundMicros(bucket));
    text += std::string(spec.name) + "_bucket" + LabelText(spec, labels, bound) + " " +
            std::to_string(count) + "\n";
  }
  text += std::string(spec.name) + "_sum" + LabelText(spec, labels) + " " +
          SecondsText(histogram.sum_us_.load(std::memory_order_relaxed)) + "\n";
  text += std::string(spec.name) + "_count" + LabelText(spec, labels) + " " +
          std::to_string(count) + "\n";
}

std::string Metrics::ToPrometheusText() const {
  std::string text;
  std::lock_guard lock(mutex_);
  for (const MetricSpec& spec : kMetricSpecs) {
    if (!series_count_.contains(spec.metric)) continue;
    text += "# HELP " + std::string(spec.name) + " " + std::string(spec.meaning) + "\n";
    text += "# TYPE " + std::string(spec.name) + " " + std::string(KindName(spec.kind)) + "\n";
    auto append_all = [&](const auto& table, auto append) {
      for (auto it = table.lower_bound({spec.metric, {}});
           it != table.end() && it->first.first == spec.metric; ++it) {
        append(it->first.second, *it->second);
      }
    };
    auto append_line = [&](const Labels& labels, const std::string& value) {
      text += std::string(spec.name) + LabelText(spec, labels) + " " + value + "\n";
    };
    append_all(counters_, [&](const Labels& labels, const Counter& series) {
      append_line(labels, std::to_string(series.value()));
    });
    append_all(gauges_, [&](const Labels& labels, const Gauge& series) {
      append_line(labels, NumberText(series.value()));
    });
    append_all(histograms_, [&](const Labels& labels, const Histogram& series) {
      AppendHistogram(spec, labels, series, text);
    });
  }
  return text;
}

}  // namespace catchwater
