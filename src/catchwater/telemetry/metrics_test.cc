#include "catchwater/telemetry/metrics.h"

#include <cctype>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(MetricSpecs, KeepTheRulesForNames) {
  std::set<std::string_view> names;
  for (const MetricSpec& spec : kMetricSpecs) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_TRUE(spec.name.starts_with("catchwater_")) << spec.name;
    EXPECT_EQ(spec.name.ends_with("_total"), spec.kind == MetricKind::kCounter) << spec.name;
    EXPECT_TRUE(spec.kind != MetricKind::kHistogram || spec.name.ends_with("_seconds"));
    EXPECT_TRUE(spec.meaning.ends_with('.')) << spec.name;
    for (const char c : spec.name) EXPECT_TRUE(std::islower(c) || c == '_') << spec.name;
  }
}

TEST(Metrics, WritesPrometheusText) {
  Metrics metrics;
  metrics.counter(Metric::kReceivedBytes, {"b", "file"}).Add(5);
  metrics.counter(Metric::kReceivedBytes, {"a\"\\\n", "file"}).Add(1);
  metrics.gauge(Metric::kUnaccountedRows, {"a"}).Set(0.5);
  metrics.counter(Metric::kDiskFull).Add(2);
  EXPECT_EQ(metrics.ToPrometheusText(),
            "# HELP catchwater_source_bytes_total Uncompressed bytes that sources delivered.\n"
            "# TYPE catchwater_source_bytes_total counter\n"
            "catchwater_source_bytes_total{pipeline=\"a\\\"\\\\\\n\",source=\"file\"} 1\n"
            "catchwater_source_bytes_total{pipeline=\"b\",source=\"file\"} 5\n"
            "# HELP catchwater_unaccounted_rows Rows that the account cannot explain: always 0.\n"
            "# TYPE catchwater_unaccounted_rows gauge\n"
            "catchwater_unaccounted_rows{pipeline=\"a\"} 0.5\n"
            "# HELP catchwater_disk_full_total Writes that failed because the disk was full.\n"
            "# TYPE catchwater_disk_full_total counter\n"
            "catchwater_disk_full_total 2\n");
}

TEST(Metrics, ASeriesIsTheSameWheneverItIsAskedFor) {
  Metrics metrics;
  Counter& first = metrics.counter(Metric::kFrames, {"p", "frames"});
  EXPECT_EQ(&metrics.counter(Metric::kFrames, {"p", "frames"}), &first);
  EXPECT_NE(&metrics.counter(Metric::kFrames, {"q", "frames"}), &first);
}

TEST(Metrics, LabelValuesAreBounded) {
  Metrics metrics;
  for (size_t i = 0; i < Metrics::kSeriesMax + 50; ++i) {
    metrics.counter(Metric::kReceivedBytes, {std::to_string(i), "file"}).Add();
  }
  EXPECT_EQ(metrics.counter(Metric::kReceivedBytes, {"other", "other"}).value(), 50);
  EXPECT_EQ(metrics.counter(Metric::kSeriesDropped, {"catchwater_source_bytes_total"}).value(), 50);
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int k = 0; k < 10'000; ++k) metrics.counter(Metric::kDiskFull).Add();
      });
    }
  }
  EXPECT_EQ(metrics.counter(Metric::kDiskFull).value(), 40'000);
}

struct BucketCase {
  int64_t duration_us;
  int64_t bound_us;
};

TEST(Histogram, PutsEachDurationUnderItsBound) {
  for (const auto& [duration_us, bound_us] :
       std::vector<BucketCase>{{-1, 16},
                               {0, 16},
                               {16, 16},
                               {17, 32},
                               {32, 32},
                               {33, 64},
                               {1'000, 1'024},
                               {134'217'728, 134'217'728},
                               {134'217'729, 268'435'456},
                               {INT64_MAX / 2, 268'435'456}}) {
    Histogram histogram;
    histogram.Record(duration_us);
    EXPECT_EQ(histogram.QuantileMicros(0.5), bound_us) << duration_us;
    EXPECT_EQ(histogram.count(), 1);
  }
}

TEST(Metrics, TellsValuesByTheLastLabel) {
  Metrics metrics;
  metrics.counter(Metric::kAppDropped, {"p", "a", "late"}).Add(3);
  metrics.counter(Metric::kAppDropped, {"p", "a", "future"}).Add(1);
  metrics.counter(Metric::kAppDropped, {"p", "aa", "late"}).Add(9);
  metrics.gauge(Metric::kAppQueueDelay, {"p", "a", "enqueue_time"}).Set(0.5);
  using Values = std::map<std::string, double>;
  EXPECT_EQ(metrics.ByLastLabel(Metric::kAppDropped, {"p", "a"}),
            (Values{{"future", 1}, {"late", 3}}));
  EXPECT_EQ(metrics.ByLastLabel(Metric::kAppDropped, {"p", "b"}), Values{});
  EXPECT_EQ(metrics.ByLastLabel(Metric::kAppQueueDelay, {"p", "a"}),
            (Values{{"enqueue_time", 0.5}}));
}

TEST(Histogram, TellsQuantiles) {
  Histogram histogram;
  EXPECT_EQ(histogram.QuantileMicros(0.5), 0) << "without values";
  for (int i = 0; i < 98; ++i) histogram.Record(20);
  for (int i = 0; i < 2; ++i) histogram.Record(5'000);
  EXPECT_EQ(histogram.QuantileMicros(0.5), 32);
  EXPECT_EQ(histogram.QuantileMicros(0.98), 32);
  EXPECT_EQ(histogram.QuantileMicros(0.99), 8'192);
}

TEST(Histogram, BucketsOfTheTextAddUp) {
  Metrics metrics;
  Histogram& histogram = metrics.histogram(Metric::kFlushSeconds, {"p"});
  histogram.Record(10);
  histogram.Record(1'000'000'000'000);
  const std::string text = metrics.ToPrometheusText();
  EXPECT_NE(text.find("catchwater_flush_seconds_bucket{pipeline=\"p\",le=\"1.6e-05\"} 1\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("catchwater_flush_seconds_bucket{pipeline=\"p\",le=\"+Inf\"} 2\n"),
            std::string::npos);
  EXPECT_NE(text.find("catchwater_flush_seconds_sum{pipeline=\"p\"} 1000000.00001\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("catchwater_flush_seconds_count{pipeline=\"p\"} 2\n"), std::string::npos);
}

}  // namespace
}  // namespace catchwater
