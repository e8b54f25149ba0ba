#include "catchwater/stream/detect/spike_filter.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

constexpr int64_t kNoiseMemory = 64;    // Readings; the noise of a day is another at night.
constexpr int64_t kNoiseCountMin = 12;  // Before that the noise is not known.
constexpr double kMeanToDeviation = 1.2533;

}  // namespace

bool SpikeFilter::IsPeak(double* median, double* scale) {
  const Reading& reading = readings_[judged_].reading;
  const int64_t within_us = config_->within.us();
  std::vector<double> before;
  std::vector<double> after;
  for (size_t i = judged_; i-- > 0 && before.size() < static_cast<size_t>(config_->before);) {
    if (!readings_[i].is_peak && reading.time_us - readings_[i].reading.time_us <= within_us) {
      before.push_back(readings_[i].reading.value);
    }
  }
  for (size_t i = judged_ + 1; i < readings_.size(); ++i) {
    if (readings_[i].reading.time_us - reading.time_us <= within_us) {
      after.push_back(readings_[i].reading.value);
    }
  }
  if (before.size() < static_cast<size_t>(config_->before) ||
      after.size() < static_cast<size_t>(config_->after)) {
    return false;
  }
  std::vector<double> all = before;
  all.insert(all.end(), after.begin(), after.end());
  *median = MedianOf(all);
  const double shift = std::abs(MedianOf(before) - MedianOf(after));
  const double spread = DeviationOf(all, *median);
  const double learned = kMeanToDeviation * noise_;
  *scale = std::max(spread, learned);
  const double distance = std::abs(reading.value - *median);
  const double limit = std::max(config_->deviations * *scale, config_->size_min);
  const bool is_known = noise_count_ >= kNoiseCountMin;
  const bool is_peak = is_known && distance > limit && shift * 2 < distance;
  if (!is_peak) {
    // What is farther than any noise teaches nothing about it.
    const double counted = is_known ? std::min(distance, 4 * *scale + 1e-12) : distance;
    ++noise_count_;
    noise_ += (counted - noise_) / static_cast<double>(std::min(noise_count_, kNoiseMemory));
  }
  return is_peak;
}

void SpikeFilter::Release(std::vector<Reading>* released, std::vector<Finding>* findings) {
  double median = 0;
  double scale = 0;
  Waiting& waiting = readings_[judged_];
  waiting.is_peak = IsPeak(&median, &scale);
  const Reading& reading = waiting.reading;
  if (waiting.is_peak && config_->report) {
    findings->push_back(
        {.kind = AlarmKind::kSpike,
         .phase = FindingPhase::kOnce,
         .since_us = reading.time_us,
         .at_us = reading.time_us,
         .value = reading.value,
         .why = ShortNumber(reading.value) + " between neighbours at " + ShortNumber(median) +
                (scale > 0 ? ", " + ShortNumber(std::abs(reading.value - median) / scale) +
                                 " standard deviations away"
                           : ", which do not vary") +
                (config_->remove ? "; removed" : "; kept")});
  }
  if (!waiting.is_peak || !config_->remove) released->push_back(reading);
  ++judged_;
  while (judged_ > static_cast<size_t>(config_->before) + 2) {  // Two of them may be peaks.
    readings_.pop_front();
    --judged_;
  }
}

void SpikeFilter::Add(const Reading& reading, std::vector<Reading>* released,
                      std::vector<Finding>* findings) {
  AdvanceTo(reading.time_us, released, findings);
  readings_.push_back({.reading = reading});
  while (readings_.size() - judged_ > static_cast<size_t>(config_->after)) {
    Release(released, findings);
  }
}

void SpikeFilter::AdvanceTo(int64_t now_us, std::vector<Reading>* released,
                            std::vector<Finding>* findings) {
  while (judged_ < readings_.size() &&
         now_us - readings_[judged_].reading.time_us > config_->within.us()) {
    Release(released, findings);
  }
}

void SpikeFilter::Save(StateWriter* state) const {
  state->Put(static_cast<uint64_t>(readings_.size()));
  for (const Waiting& waiting : readings_) {
    state->Put(waiting.reading.time_us);
    state->Put(waiting.reading.value);
    state->Put(waiting.reading.threshold);
    state->Put(waiting.reading.is_active);
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
    waiting.reading.time_us = state->Get<int64_t>();
    waiting.reading.value = state->Get<double>();
    waiting.reading.threshold = state->Get<double>();
    waiting.reading.is_active = state->Get<bool>();
    waiting.is_peak = state->Get<bool>();
  }
  judged_ = static_cast<size_t>(state->Get<uint64_t>());
  if (judged_ > readings_.size()) state->Fail();
  judged_ = std::min(judged_, readings_.size());
  noise_ = state->Get<double>();
  noise_count_ = state->Get<int64_t>();
}

}  // namespace catchwater
