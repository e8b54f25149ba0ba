#include "catchwater/stream/detect/spike_filter.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

constexpr int64_t kNoiseMemory = 64;    // Readings; the noise of a day is another at night.
constexpr int64_t kNoiseCountMin = 12;  // Before that the noise is not known.
constexpr double kBentFrom = 2;         // The neighbours' distance to the line by the noise.
constexpr double kMeanToDeviation = 1.2533;
constexpr double kMedianToDeviation = 1.4826;

using Point = SpikeFilter::Point;

Point MiddleOf(const std::vector<Point>& points) {
  std::vector<double> times;
  std::vector<double> values;
  for (const Point& point : points) {
    times.push_back(point.time);
    values.push_back(point.value);
  }
  return {MedianOf(times), MedianOf(values)};
}

/// The line through one side's points, continued to the reading that is judged: Theil and Sen.
struct Course {
  double value = 0;      ///< At the reading.
  double deviation = 0;  ///< Of the points from the line.
  double error = 0;      ///< Of a reading from `value`, by the noise: what is continued is vague.
};

Course CourseOf(const std::vector<Point>& points) {
  std::vector<double> slopes{};
  double time_sum = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    time_sum += points[i].time;
    for (size_t j = i + 1; j < points.size(); ++j) {
      if (points[i].time == points[j].time) continue;
      slopes.push_back((points[j].value - points[i].value) / (points[j].time - points[i].time));
    }
  }
  const auto count = static_cast<double>(points.size());
  const double middle = time_sum / count;
  double spread = 0;
  for (const Point& point : points) spread += (point.time - middle) * (point.time - middle);
  const double slope = slopes.empty() ? 0 : MedianOf(slopes);
  std::vector<double> levels;
  for (const Point& point : points) levels.push_back(point.value - slope * point.time);
  Course course{.value = MedianOf(levels)};
  for (double& level : levels) level = std::abs(level - course.value);
  course.deviation = kMedianToDeviation * MedianOf(levels);
  course.error = std::sqrt(1 + 1 / count + (spread > 0 ? middle * middle / spread : 0));
  return course;
}

}  // namespace

bool SpikeFilter::StandsOutsideOf(const std::vector<Point>& before, const std::vector<Point>& after,
                                  double value, double* expected, double* scale) const {
  const Course from = CourseOf(before);
  const Course to = CourseOf(after);
  // The nearest of each side: `before` begins with its.
  const auto [lo, hi] =
      std::minmax({from.value, to.value, before.front().value, after.front().value});
  const double outside = std::max(lo - value, value - hi);
  const double noise = std::max({from.deviation, to.deviation, kMeanToDeviation * noise_}) *
                       std::min(from.error, to.error);
  const double limit = std::max({config_->deviations * noise, hi - lo, config_->size_min});
  if (outside <= limit) return false;
  *expected = value < lo ? lo : hi;
  *scale = noise;
  return true;
}

bool SpikeFilter::IsPeak(double* expected, double* scale) {
  const Reading& reading = readings_[judged_];
  const int64_t within_us = config_->within.us();
  std::vector<Point> before;
  std::vector<Point> after;
  const auto point = [&reading](const Reading& other) {
    return Point{static_cast<double>(other.time_us - reading.time_us), other.value};
  };
  for (size_t i = judged_; i-- > 0 && before.size() < static_cast<size_t>(config_->before);) {
    if (!readings_[i].is_peak && reading.time_us - readings_[i].time_us <= within_us) {
      before.push_back(point(readings_[i]));
    }
  }
  for (size_t i = judged_ + 1; i < readings_.size(); ++i) {
    if (readings_[i].time_us - reading.time_us <= within_us) {
      after.push_back(point(readings_[i]));
    }
  }
  if (before.size() < static_cast<size_t>(config_->before) ||
      after.size() < static_cast<size_t>(config_->after)) {
    return false;
  }
  // The line from the middle of one side to that of the other; on a step the neighbours themselves
  // are far from it.
  const Point from = MiddleOf(before);
  const Point to = MiddleOf(after);
  const double slope = to.time > from.time ? (to.value - from.value) / (to.time - from.time) : 0;
  *expected = from.value - slope * from.time;
  std::vector<double> distances;
  for (const auto* side : {&before, &after}) {
    for (const Point& other : *side) {
      distances.push_back(std::abs(other.value - *expected - slope * other.time));
    }
  }
  const double deviation = kMedianToDeviation * MedianOf(distances);
  *scale = std::max(deviation, kMeanToDeviation * noise_);
  const double distance = std::abs(reading.value - *expected);
  const bool is_known = noise_count_ >= kNoiseCountMin;
  bool is_peak = is_known && distance > std::max(config_->deviations * *scale, config_->size_min);
  // Where the course bends, the neighbours are far from that line and would hide a peak.
  const bool is_bent = deviation > kBentFrom * kMeanToDeviation * noise_;
  if (is_known && !is_peak && is_bent) {
    is_peak = StandsOutsideOf(before, after, reading.value, expected, scale);
  }
  if (!is_peak) {
    // What is farther than any noise teaches nothing about it.
    const double counted = is_known ? std::min(distance, 4 * *scale + 1e-12) : distance;
    ++noise_count_;
    noise_ += (counted - noise_) / static_cast<double>(std::min(noise_count_, kNoiseMemory));
  }
  return is_peak;
}

void SpikeFilter::Release(std::vector<Reading>* released, std::vector<Finding>* findings) {
  double expected = 0;
  double scale = 0;
  Waiting& waiting = readings_[judged_];
  waiting.is_peak = IsPeak(&expected, &scale);
  const Reading& reading = waiting;
  if (waiting.is_peak && config_->report) {
    findings->push_back(
        {.kind = AlarmKind::kSpike,
         .phase = FindingPhase::kOnce,
         .since_us = reading.time_us,
         .at_us = reading.time_us,
         .value = reading.value,
         .why = ShortNumber(reading.value) + " between neighbours at " + ShortNumber(expected) +
                (scale > 0 ? ", " + ShortNumber(std::abs(reading.value - expected) / scale) +
                                 " standard deviations away"
                           : ", which do not vary") +
                (config_->remove ? "; removed" : "; kept")});
  }
  if (!waiting.is_peak || !config_->remove) released->push_back(reading);
  ++judged_;
  while (judged_ > static_cast<size_t>(config_->before) + 2) {  // Two of them may be peaks.
    readings_.erase(readings_.begin());  // They are few: a deque takes more than they do.
    --judged_;
  }
}

void SpikeFilter::Add(const Reading& reading, std::vector<Reading>* released,
                      std::vector<Finding>* findings) {
  AdvanceTo(reading.time_us, released, findings);
  readings_.reserve(CountMax(*config_));
  readings_.push_back({reading});
  while (readings_.size() - judged_ > static_cast<size_t>(config_->after)) {
    Release(released, findings);
  }
}

void SpikeFilter::AdvanceTo(int64_t now_us, std::vector<Reading>* released,
                            std::vector<Finding>* findings) {
  while (judged_ < readings_.size() && now_us - readings_[judged_].time_us > config_->within.us()) {
    Release(released, findings);
  }
}

void SpikeFilter::Save(StateWriter* state) const {
  state->Put(static_cast<uint64_t>(readings_.size()));
  for (const Waiting& waiting : readings_) {
    state->Put(waiting.time_us);
    state->Put(waiting.value);
    state->Put(waiting.threshold);
    state->Put(waiting.is_active);
    state->Put(waiting.is_peak);
  }
  state->Put(static_cast<uint64_t>(judged_));
  state->Put(noise_);
  state->Put(noise_count_);
}

void SpikeFilter::Load(StateReader* state) {
  readings_.clear();
  for (uint64_t rest = state->GetCount(26); rest > 0; --rest) {
    Waiting& waiting = readings_.emplace_back();
    waiting.time_us = state->Get<int64_t>();
    waiting.value = state->Get<double>();
    waiting.threshold = state->Get<double>();
    waiting.is_active = state->Get<bool>();
    waiting.is_peak = state->Get<bool>();
  }
  judged_ = static_cast<size_t>(state->Get<uint64_t>());
  if (judged_ > readings_.size()) state->Fail();
  judged_ = std::min(judged_, readings_.size());
  noise_ = state->Get<double>();
  noise_count_ = state->Get<int64_t>();
}

}  // namespace catchwater
