#include "catchwater/pipeline/app_input.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <arrow/array.h>

namespace catchwater {
namespace {

constexpr std::array kWays{"enqueue_time", "depth_over_rate"};  // The better one first.
constexpr int64_t kRateUs = 1'000'000;  // A rate is over at least this long.

int64_t BytesOf(const Block& block) { return block.bytes == nullptr ? 0 : block.bytes->size(); }

/// When the oldest and the newest message of the block were enqueued; nullopt: none says it.
std::optional<std::pair<int64_t, int64_t>> EnqueueTimes(const Block& block) {
  if (block.frame_columns == nullptr) return std::nullopt;
  const auto column = block.frame_columns->GetColumnByName(AppInput::kEnqueueTime);
  if (column == nullptr || column->type_id() != arrow::Type::TIMESTAMP) return std::nullopt;
  const auto& times = static_cast<const arrow::TimestampArray&>(*column);
  std::optional<std::pair<int64_t, int64_t>> range;
  for (int64_t row = 0; row < times.length(); ++row) {
    if (times.IsNull(row)) continue;
    const int64_t us = times.Value(row);
    if (!range) range = {us, us};
    range = {std::min(range->first, us), std::max(range->second, us)};
  }
  return range;
}

}  // namespace

AppInput::AppInput(Metrics& metrics, const Clock& clock, const std::string& pipeline,
                   const std::vector<std::string>& apps, const AppSwitches& switches)
    : metrics_(metrics), clock_(clock), pipeline_(pipeline), switches_(switches) {
  for (const std::string& app : apps) {
    series_.push_back(
        {.app = app,
         .bytes = metrics.counter(Metric::kAppInputBytes, {pipeline, app}),
         .frames = metrics.counter(Metric::kAppDeserializationErrors, {pipeline, app}),
         .values = metrics.counter(Metric::kAppConversionErrors, {pipeline, app})});
  }
}

void AppInput::Read(const Block& block) {
  bytes_waiting_ += BytesOf(block);
  const auto times = EnqueueTimes(block);
  if (!times) return;
  int64_t newest_us = newest_us_;
  while (newest_us < times->second && !newest_us_.compare_exchange_weak(newest_us, times->second)) {
  }
}

std::optional<double> AppInput::DepthOverRate(int64_t byte_count) {
  const int64_t now_us = clock_.MonotonicMicros();
  const std::lock_guard lock(mutex_);
  if (rate_from_us_ == 0) rate_from_us_ = now_us;
  rate_bytes_ += byte_count;
  const int64_t elapsed_us = now_us - rate_from_us_;
  if (elapsed_us >= kRateUs) {
    bytes_per_second_ = static_cast<double>(rate_bytes_) * 1e6 / static_cast<double>(elapsed_us);
    rate_from_us_ = now_us;
    rate_bytes_ = 0;
  }
  if (bytes_per_second_ <= 0) return std::nullopt;
  return static_cast<double>(bytes_waiting_) / bytes_per_second_;
}

std::optional<std::pair<double, size_t>> AppInput::DelayOf(const Block& block) {
  const std::optional<double> by_depth = DepthOverRate(BytesOf(block));
  if (const auto times = EnqueueTimes(block)) {
    return std::pair(static_cast<double>(newest_us_ - times->first) / 1e6, size_t{0});
  }
  if (!by_depth) return std::nullopt;
  return std::pair(*by_depth, size_t{1});
}

void AppInput::Decoded(const Block& block, const InputFaults& faults) {
  bytes_waiting_ -= BytesOf(block);
  const auto delay = DelayOf(block);
  for (Series& series : series_) {
    if (!switches_.is_on(series.app)) continue;
    series.bytes.Add(BytesOf(block));
    if (faults.frame_count > 0) series.frames.Add(faults.frame_count);
    if (faults.value_count > 0) series.values.Add(faults.value_count);
    if (!delay) continue;
    const auto [delay_s, way] = *delay;
    const std::lock_guard lock(mutex_);
    if (series.delay[way] == nullptr) {
      const auto labels = {std::string_view(pipeline_), std::string_view(series.app),
                           std::string_view(kWays[way])};
      series.delay[way] = &metrics_.gauge(Metric::kAppQueueDelay, labels);
      series.delay_max[way] = &metrics_.gauge(Metric::kAppQueueDelayMax, labels);
    }
    series.delay[way]->Set(delay_s);
    series.delay_max[way]->Set(std::max(series.delay_max[way]->value(), delay_s));
  }
}

void AppInput::AddQueueDelay(const Metrics& metrics, const std::string& pipeline,
                             AppReport* report) {
  const auto delays = metrics.ByLastLabel(Metric::kAppQueueDelay, {pipeline, report->app});
  const auto longest = metrics.ByLastLabel(Metric::kAppQueueDelayMax, {pipeline, report->app});
  for (const char* by : kWays) {
    const auto found = delays.find(by);
    if (found == delays.end()) continue;
    report->queue_delay_by = by;
    report->queue_delay_s = found->second;
    const auto most = longest.find(by);
    report->queue_delay_s_max = most == longest.end() ? found->second : most->second;
    return;
  }
}

}  // namespace catchwater
