/// \file
/// What one stream app tells of itself since the program started, as metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/batch/batch.h"
#include "catchwater/pipeline/app_report.h"
#include "catchwater/stream/stream_operator.h"
#include "catchwater/telemetry/metrics.h"

namespace catchwater {

/// Any thread.
class AppMeter {
 public:
  /// Rates are over at least this long.
  static constexpr int64_t kRateUs = 1'000'000;
  /// Partitions whose order is watched at a time: those that were opened last.
  static constexpr size_t kPartitionsMax = 1'000;

  /// event_time_column empty: there is no order to watch.
  AppMeter(Metrics& metrics, const Clock& clock, const std::string& pipeline,
           const std::string& app, std::string event_time_column);

  /// Lets the app add the rows, and notes what came of it. meter null: nothing is noted.
  /// is_ordered: the rows came in the order of the source.
  template <class Add>
  static arrow::Result<StreamTally> Measure(AppMeter* meter, const Batch& rows, bool is_ordered,
                                            const Add& add) {
    if (meter == nullptr) return add();
    const int64_t from_us = meter->clock_.MonotonicMicros();
    arrow::Result<StreamTally> tally = add();
    meter->Note(rows, tally, meter->clock_.MonotonicMicros() - from_us, is_ordered);
    return tally;
  }
  /// The app has worked on rows. is_ordered: they came in the order of the source.
  void Analysed(const Batch& rows, int64_t duration_us, int64_t now_us, bool is_ordered);
  /// Rows that the app did not use, by why.
  void Dropped(const std::string& reason, int64_t row_count);
  /// Rows of results for its tables and sinks.
  void PutOut(int64_t row_count);
  /// Rows that are in a result now for the first time.
  void LedToResult(int64_t row_count);
  /// The results of rows that were received then are committed now.
  void Responded(int64_t receive_us);
  void Failed();
  /// The program of a script began.
  void Started();

  static AppReport ReportOf(Metrics& metrics, const std::string& pipeline, const std::string& app);

 private:
  void Note(const Batch& rows, const arrow::Result<StreamTally>& tally, int64_t duration_us,
            bool is_ordered);
  int64_t CountOutOfOrder(const Batch& rows);
  void MeasureRate(int64_t row_count, int64_t now_us);

  Metrics& metrics_;
  const Clock& clock_;
  const std::string pipeline_;
  const std::string app_;
  const std::string event_time_column_;
  Counter& rows_;
  Counter& results_;
  Counter& out_of_order_;
  Counter& errors_;
  Histogram& analysis_;
  Gauge& rate_;
  Gauge& rate_max_;
  Gauge& delay_;
  Gauge& delay_max_;
  Counter& result_rows_;
  Histogram& response_;
  Gauge& response_max_;
  std::mutex mutex_;
  std::map<int64_t, int64_t> newest_us_;  // Guarded by mutex_, as below. By partition.
  int64_t rate_from_us_ = 0;
  int64_t rate_rows_ = 0;
};

}  // namespace catchwater
