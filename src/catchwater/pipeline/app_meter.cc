#include "catchwater/pipeline/app_meter.h"

#include <algorithm>
#include <utility>

#include <arrow/array.h>

#include "catchwater/ledger/names.h"
#include "catchwater/pipeline/app_input.h"

namespace catchwater {

AppMeter::AppMeter(Metrics& metrics, const Clock& clock, const std::string& pipeline,
                   const std::string& app, std::string event_time_column)
    : metrics_(metrics),
      clock_(clock),
      pipeline_(pipeline),
      app_(app),
      event_time_column_(std::move(event_time_column)),
      rows_(metrics.counter(Metric::kAppRecords, {pipeline, app})),
      results_(metrics.counter(Metric::kAppResults, {pipeline, app})),
      out_of_order_(metrics.counter(Metric::kAppOutOfOrder, {pipeline, app})),
      errors_(metrics.counter(Metric::kAppErrors, {pipeline, app})),
      analysis_(metrics.histogram(Metric::kAppAnalysisSeconds, {pipeline, app})),
      rate_(metrics.gauge(Metric::kAppRate, {pipeline, app})),
      rate_max_(metrics.gauge(Metric::kAppRateMax, {pipeline, app})),
      delay_(metrics.gauge(Metric::kAppDelay, {pipeline, app})),
      delay_max_(metrics.gauge(Metric::kAppDelayMax, {pipeline, app})),
      result_rows_(metrics.counter(Metric::kAppResultRecords, {pipeline, app})),
      response_(metrics.histogram(Metric::kAppResponseSeconds, {pipeline, app})),
      response_max_(metrics.gauge(Metric::kAppResponseMax, {pipeline, app})) {}

void AppMeter::Note(const Batch& rows, const arrow::Result<StreamTally>& tally, int64_t duration_us,
                    bool is_ordered) {
  if (!tally.ok()) return Failed();
  Analysed(rows, duration_us, clock_.NowMicros(), is_ordered);
  for (const Tally& other : tally->others) {
    Dropped(other.reason.empty() ? std::string(BucketName(other.bucket)) : other.reason,
            other.row_count);
  }
}

void AppMeter::Analysed(const Batch& rows, int64_t duration_us, int64_t now_us, bool is_ordered) {
  const int64_t row_count = rows.rows->num_rows();
  rows_.Add(row_count);
  analysis_.Record(duration_us);
  const std::lock_guard lock(mutex_);
  if (is_ordered) out_of_order_.Add(CountOutOfOrder(rows));
  MeasureRate(row_count, now_us);
  if (rows.origin.receive_us <= 0) return;
  const double delay_s = static_cast<double>(now_us - rows.origin.receive_us) / 1e6;
  delay_.Set(std::max(0.0, delay_s));
  delay_max_.Set(std::max(delay_max_.value(), delay_s));
}

int64_t AppMeter::CountOutOfOrder(const Batch& rows) {
  const auto column =
      event_time_column_.empty() ? nullptr : rows.rows->GetColumnByName(event_time_column_);
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) return 0;
  const auto& times = static_cast<const arrow::TimestampArray&>(*column);
  const int64_t partition_id = rows.origin.range.partition_id;
  if (newest_us_.size() >= kPartitionsMax && !newest_us_.contains(partition_id)) {
    newest_us_.erase(newest_us_.begin());
  }
  int64_t& newest_us = newest_us_.try_emplace(partition_id, INT64_MIN).first->second;
  int64_t count = 0;
  for (int64_t row = 0; row < times.length(); ++row) {
    if (times.IsNull(row)) continue;
    const int64_t event_us = times.Value(row);
    count += event_us < newest_us ? 1 : 0;
    newest_us = std::max(newest_us, event_us);
  }
  return count;
}

void AppMeter::MeasureRate(int64_t row_count, int64_t now_us) {
  if (rate_from_us_ == 0) rate_from_us_ = now_us;
  rate_rows_ += row_count;
  const int64_t elapsed_us = now_us - rate_from_us_;
  if (elapsed_us < kRateUs) return;
  const double rate = static_cast<double>(rate_rows_) * 1e6 / static_cast<double>(elapsed_us);
  rate_.Set(rate);
  rate_max_.Set(std::max(rate_max_.value(), rate));
  rate_from_us_ = now_us;
  rate_rows_ = 0;
}

void AppMeter::Dropped(const std::string& reason, int64_t row_count) {
  metrics_.counter(Metric::kAppDropped, {pipeline_, app_, reason}).Add(row_count);
}

void AppMeter::PutOut(int64_t row_count) { results_.Add(row_count); }

void AppMeter::LedToResult(int64_t row_count) { result_rows_.Add(row_count); }

void AppMeter::Responded(int64_t receive_us) {
  if (receive_us <= 0) return;
  const int64_t duration_us = std::max<int64_t>(0, clock_.NowMicros() - receive_us);
  response_.Record(duration_us);
  const std::lock_guard lock(mutex_);
  response_max_.Set(std::max(response_max_.value(), static_cast<double>(duration_us) / 1e6));
}

void AppMeter::Failed() { errors_.Add(); }

void AppMeter::Started() { metrics_.counter(Metric::kAppScriptStarts, {pipeline_, app_}).Add(); }

AppReport AppMeter::ReportOf(Metrics& metrics, const std::string& pipeline,
                             const std::string& app) {
  const auto counter = [&](Metric metric) {
    return metrics.counter(metric, {pipeline, app}).value();
  };
  const auto gauge = [&](Metric metric) { return metrics.gauge(metric, {pipeline, app}).value(); };
  AppReport report{.app = app,
                   .rows_in = counter(Metric::kAppRecords),
                   .results = counter(Metric::kAppResults),
                   .rows_with_result = counter(Metric::kAppResultRecords),
                   .input_bytes = counter(Metric::kAppInputBytes),
                   .deserialization_errors = counter(Metric::kAppDeserializationErrors),
                   .conversion_errors = counter(Metric::kAppConversionErrors),
                   .out_of_order = counter(Metric::kAppOutOfOrder),
                   .errors = counter(Metric::kAppErrors),
                   .script_starts = counter(Metric::kAppScriptStarts),
                   .rows_per_second = gauge(Metric::kAppRate),
                   .rows_per_second_max = gauge(Metric::kAppRateMax),
                   .response_s_max = gauge(Metric::kAppResponseMax),
                   .delay_s = gauge(Metric::kAppDelay),
                   .delay_s_max = gauge(Metric::kAppDelayMax)};
  for (const auto& [reason, row_count] :
       metrics.ByLastLabel(Metric::kAppDropped, {pipeline, app})) {
    report.dropped[reason] = static_cast<int64_t>(row_count);
    report.dropped_rows += static_cast<int64_t>(row_count);
  }
  const int64_t sum_us = metrics.histogram(Metric::kAppAnalysisSeconds, {pipeline, app}).sum_us();
  if (report.rows_in > 0) {
    report.analysis_us_per_row = static_cast<double>(sum_us) / static_cast<double>(report.rows_in);
  }
  const Histogram& response = metrics.histogram(Metric::kAppResponseSeconds, {pipeline, app});
  if (const int64_t count = response.count(); count > 0) {
    report.response_s = static_cast<double>(response.sum_us()) / 1e6 / static_cast<double>(count);
  }
  AppInput::AddQueueDelay(metrics, pipeline, &report);
  return report;
}

}  // namespace catchwater
