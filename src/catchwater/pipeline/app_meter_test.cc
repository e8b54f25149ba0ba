#include "catchwater/pipeline/app_meter.h"

#include <map>
#include <string>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/testing/fake_clock.h"

namespace catchwater {
namespace {

constexpr int64_t kSecond = 1'000'000;
constexpr int64_t kBegin = 1'000 * kSecond;

Batch RowsAt(const std::vector<int64_t>& seconds, int64_t partition_id = 1) {
  const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
  for (const int64_t second : seconds) EXPECT_TRUE(builder.Append(second * kSecond).ok());
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(arrow::schema({arrow::field("ts", type)}),
                                        static_cast<int64_t>(seconds.size()),
                                        {builder.Finish().ValueOrDie()});
  batch.origin.range.partition_id = partition_id;
  batch.origin.receive_us = kBegin;
  return batch;
}

class AppMeterTest : public ::testing::Test {
 protected:
  void Add(const Batch& rows, int64_t after_us, bool is_ordered = true) {
    meter_.Analysed(rows, /*duration_us=*/6, kBegin + after_us, is_ordered);
  }
  AppReport Report() { return AppMeter::ReportOf(metrics_, "p", "a"); }

  Metrics metrics_;
  FakeClock clock_;
  AppMeter meter_{metrics_, clock_, "p", "a", "ts"};
};

TEST_F(AppMeterTest, CountsRowsBehindOneBeforeThemInTheirPartition) {
  Add(RowsAt({1, 3, 2, 3, 5, 4}), 0);
  EXPECT_EQ(Report().out_of_order, 2);
  Add(RowsAt({4, 6}), 0);
  EXPECT_EQ(Report().out_of_order, 3);
  Add(RowsAt({1, 2}, /*partition_id=*/2), 0);
  EXPECT_EQ(Report().out_of_order, 3);
  Add(RowsAt({1}), 0, /*is_ordered=*/false);
  EXPECT_EQ(Report().out_of_order, 3);
  EXPECT_EQ(Report().rows_in, 11);
}

TEST_F(AppMeterTest, RatesAreOverASecondOrMore) {
  Add(RowsAt({1, 2, 3}), 0);
  Add(RowsAt({4}), kSecond / 2);
  EXPECT_EQ(Report().rows_per_second, 0);
  Add(RowsAt({5, 6, 7, 8}), 2 * kSecond);
  EXPECT_EQ(Report().rows_per_second, 4);
  Add(RowsAt({9}), 3 * kSecond);
  EXPECT_EQ(Report().rows_per_second, 1);
  EXPECT_EQ(Report().rows_per_second_max, 4);
}

TEST_F(AppMeterTest, DelayIsFromReceiptToTheEndOfAnalysis) {
  Add(RowsAt({1}), 3 * kSecond);
  Add(RowsAt({2}), kSecond);
  EXPECT_EQ(Report().delay_s, 1);
  EXPECT_EQ(Report().delay_s_max, 3);
  EXPECT_EQ(Report().analysis_us_per_row, 6);
}

TEST_F(AppMeterTest, ResponseIsFromReceiptToNow) {
  const int64_t now_us = clock_.NowMicros();
  meter_.Responded(now_us - 4 * kSecond);
  meter_.Responded(now_us - 2 * kSecond);
  meter_.Responded(0);  // Not received, but read from the table.
  EXPECT_EQ(Report().response_s, 3);
  EXPECT_EQ(Report().response_s_max, 4);
}

TEST_F(AppMeterTest, ReasonsResultsAndErrorsAreMetrics) {
  meter_.Dropped("10m", 3);
  meter_.PutOut(7);
  meter_.Failed();
  EXPECT_EQ(Report().results, 7);
  EXPECT_EQ(Report().errors, 1);
  meter_.Dropped("future", 1);
  EXPECT_EQ(Report().dropped_rows, 4);
  EXPECT_EQ(Report().dropped, (std::map<std::string, int64_t>{{"10m", 3}, {"future", 1}}));
  meter_.LedToResult(5);
  EXPECT_EQ(Report().rows_with_result, 5);
  EXPECT_NE(metrics_.ToPrometheusText().find(
                "catchwater_app_dropped_total{pipeline=\"p\",app=\"a\",reason=\"10m\"} 3\n"),
            std::string::npos);
}

TEST_F(AppMeterTest, NotMorePartitionsAreWatchedThanItsBound) {
  for (size_t i = 0; i <= AppMeter::kPartitionsMax; ++i) {
    Add(RowsAt({10}, static_cast<int64_t>(i)), 0);
  }
  Add(RowsAt({1}, static_cast<int64_t>(AppMeter::kPartitionsMax)), 0);
  EXPECT_EQ(Report().out_of_order, 1);
  Add(RowsAt({1}, 0), 0);  // Forgotten.
  EXPECT_EQ(Report().out_of_order, 1);
}

}  // namespace
}  // namespace catchwater
