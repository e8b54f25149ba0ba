#include "catchwater/stream/detect/threshold_trend.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "catchwater/stream/detect/robust.h"
#include "catchwater/stream/detect/robust_line.h"

namespace catchwater {
namespace {

constexpr size_t kReadingsMin = 6;

std::string WithUnit(double value, const std::string& unit) {
  return ShortNumber(value) + (unit.empty() ? "" : " " + unit);
}

/// False only if the line through the points is not on its way, or too slow.
bool MayBeImminent(LinePoints points, double sign, double threshold, double horizon) {
  for (size_t i = 0; i < points.count; ++i) points.y[i] *= sign;
  return MayRise(points) && MayReach(points, sign * threshold, horizon);
}

}  // namespace

ThresholdTrend::Forecast ThresholdTrend::PredictFrom(const ReadingHistory::Unpacked& readings,
                                                     size_t first, double threshold) const {
  Forecast forecast;
  const auto times_us = readings.times_from(first);
  // Fewer, or all of one moment, are no line.
  if (times_us.size() < kReadingsMin || times_us.back() - times_us.front() < 1'000) {
    return forecast;
  }
  const double sign = config_->side == TrendSide::kAbove ? 1 : -1;
  // As long as it goes on its own, not farther than was seen to be a line several times over.
  const double horizon = config_->horizon.seconds() * (is_raised_ ? 1.5 : 1);
  const LinePoints points = LinePointsOf(times_us, readings.values_from(first));
  // Most readings go nowhere: that is seen without the line, which costs ten times as much.
  if (!is_raised_ && !MayBeImminent(points, sign, threshold, horizon)) return forecast;
  const RobustLine line = FitLine(points);
  const double way = sign * (threshold - line.level);
  const double slow = sign > 0 ? line.slope_lo : -line.slope_hi;
  const double fast = sign > 0 ? line.slope_hi : -line.slope_lo;
  const double slope = sign * line.slope;
  forecast.slope = line.slope;
  forecast.level = line.level;
  if (way <= 0 || slow <= 0) return forecast;  // There already, or perhaps no way at all.
  forecast.lead_seconds = way / slope;
  forecast.tolerance_seconds = (way / slow - way / fast) / 2;
  forecast.is_imminent = forecast.lead_seconds <= horizon;
  return forecast;
}

ThresholdTrend::Forecast ThresholdTrend::Predict(double threshold) const {
  const ReadingHistory::Unpacked readings = history_.Unpack();
  const Forecast all = PredictFrom(readings, 0, threshold);
  const Forecast newer = PredictFrom(readings, readings.count / 2, threshold);
  if (!newer.is_imminent) return all;
  return all.is_imminent && all.tolerance_seconds <= newer.tolerance_seconds ? all : newer;
}

void ThresholdTrend::End(const Reading& reading, const std::string& why,
                         std::vector<Finding>* findings) {
  findings->push_back({.kind = AlarmKind::kTrend,
                       .phase = FindingPhase::kOver,
                       .since_us = since_us_,
                       .at_us = reading.time_us,
                       .value = reading.value,
                       .why = why});
  is_raised_ = false;
  agreed_ = 0;
}

void ThresholdTrend::Add(const Reading& reading, std::vector<Finding>* findings) {
  history_.Add(reading.time_us, reading.value);
  history_.DropBefore(reading.time_us - config_->over.us());
  const double threshold = config_->threshold_value.value_or(reading.threshold);
  if (std::isnan(threshold) || threshold == config_->none) {
    if (is_raised_) End(reading, "there is no threshold any more", findings);
    return;
  }
  const bool is_above = config_->side == TrendSide::kAbove;
  const bool is_there = is_above ? reading.value >= threshold : reading.value <= threshold;
  if (is_there && is_raised_) {
    End(reading, "reached " + WithUnit(threshold, config_->unit), findings);
    return;
  }
  const Forecast forecast = Predict(threshold);
  if (forecast.is_imminent != is_raised_) {
    if (++agreed_ < config_->confirm) return;
    agreed_ = 0;
    if (is_raised_) {
      End(reading,
          "no longer on its way to " + WithUnit(threshold, config_->unit) + ": " +
              WithUnit(forecast.level, config_->unit),
          findings);
      return;
    }
    is_raised_ = true;
    since_us_ = reading.time_us;
  } else {
    agreed_ = 0;
  }
  if (!is_raised_ || !forecast.is_imminent) return;
  findings->push_back({.kind = AlarmKind::kTrend,
                       .phase = FindingPhase::kHolds,
                       .since_us = since_us_,
                       .at_us = reading.time_us,
                       .value = reading.value,
                       .lead_seconds = forecast.lead_seconds,
                       .tolerance_seconds = forecast.tolerance_seconds,
                       .why = "reaches " + WithUnit(threshold, config_->unit) + " in " +
                              ShortTime(forecast.lead_seconds) + ", ± " +
                              ShortTime(forecast.tolerance_seconds) + ": now " +
                              WithUnit(forecast.level, config_->unit) + ", " +
                              WithUnit(forecast.slope * 60, config_->unit) + " a minute"});
}

void ThresholdTrend::Save(StateWriter* state) const {
  history_.Save(state);
  state->Put(is_raised_);
  state->Put(since_us_);
  state->Put(agreed_);
}

void ThresholdTrend::Load(StateReader* state) {
  history_.Load(state);
  is_raised_ = state->Get<bool>();
  since_us_ = state->Get<int64_t>();
  agreed_ = state->Get<int64_t>();
}

}  // namespace catchwater
