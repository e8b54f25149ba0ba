#include "catchwater/stream/detect/anomaly.h"

#include <algorithm>
#include <cmath>

#include "catchwater/stream/detect/robust.h"

namespace catchwater {
namespace {

// One setting for all series, found over the Numenta corpus as a whole (bench/nab).
constexpr int kPairSteps = 10;
constexpr int kLevelSteps = 8;
constexpr double kLevelLeftOut = 0.01;
constexpr double kSeasonWeight = 0.5;
constexpr double kToldReadings = 250;  // What was told fades in so many.
constexpr int64_t kLongSeasons = 7;
constexpr double kMuchEvidence = 3;  // Of the least score.

}  // namespace

AnomalyParts AnomalyScore::PartsOf(int64_t time_us, double value) {
  AnomalyParts parts;
  parts.pair = evidence_[0].Add(pair_.Add(pair_levels_.Of(value), kPairSteps), is_judging_);
  parts.level = evidence_[1].Add(level_.Add(levels_.Of(value), kLevelSteps), is_judging_);
  parts.season = kSeasonWeight * evidence_[2].Add(season_.Add(time_us, value), is_judging_);
  parts.long_season = evidence_[3].Add(long_season_.Add(time_us, value), is_judging_);
  return parts;
}

void AnomalyScore::BeginToJudge() {
  std::vector<int64_t> intervals_us;
  for (size_t i = 1; i < first_times_us_.size(); ++i) {
    intervals_us.push_back(first_times_us_[i] - first_times_us_[i - 1]);
  }
  const auto middle = intervals_us.begin() + static_cast<std::ptrdiff_t>(intervals_us.size() / 2);
  std::nth_element(intervals_us.begin(), middle, intervals_us.end());
  pair_levels_.Learn(first_values_, kPairSteps, /*left_out=*/0);
  levels_.Learn(first_values_, kLevelSteps, kLevelLeftOut);
  season_.Begin(config_->season.us(), *middle);
  long_season_.Begin(config_->season.us() * kLongSeasons, *middle);
  for (size_t i = 0; i < first_values_.size(); ++i) PartsOf(first_times_us_[i], first_values_[i]);
  is_judging_ = true;
  first_times_us_ = {};
  first_values_ = {};
}

double AnomalyScore::Add(int64_t time_us, double value) {
  if (!is_judging_) {
    first_times_us_.push_back(time_us);
    first_values_.push_back(value);
    if (first_values_.size() >= static_cast<size_t>(config_->learn)) BeginToJudge();
    return 0;
  }
  static const double kFade = std::exp(-1 / kToldReadings);
  parts_ = PartsOf(time_us, value);
  const double sum = parts_.sum();
  told_ *= kFade;
  const double score = std::max(0.0, sum - told_);
  told_ = std::max(told_, sum);
  return score;
}

std::string Anomaly::Why(double score, double value) const {
  const AnomalyParts& parts = score_.parts();
  std::string why = "score " + ShortNumber(score) + ": ";
  const double most = std::max({parts.pair, parts.level, parts.season, parts.long_season});
  if (most == parts.level) {
    why += "such values as " + ShortNumber(value) + " were seldom seen";
  } else if (most == parts.pair) {
    why += "values followed each other as they seldom did, now " + ShortNumber(value);
  } else {
    why += std::string(most == parts.season ? "unlike this time of the season"
                                            : "unlike this time of seven seasons") +
           ", now " + ShortNumber(value) + ", usual " + ShortNumber(score_.usual());
  }
  return why + " (level " + ShortNumber(parts.level) + ", sequence " + ShortNumber(parts.pair) +
         ", season " + ShortNumber(parts.season) + ", long season " +
         ShortNumber(parts.long_season) + ")";
}

void Anomaly::Add(const Reading& reading, std::vector<Finding>* findings) {
  const double score = score_.Add(reading.time_us, reading.value);
  const bool is_above = score_.parts().sum() >= config_->score_min;
  if (is_above) above_us_ = reading.time_us;
  if (!is_raised_) {
    // What grows slowly is never news by itself; much evidence is an anomaly all the same.
    const bool is_much = score_.parts().sum() >= kMuchEvidence * config_->score_min;
    if (score < config_->score_min && !is_much) return;
    is_raised_ = true;
    since_us_ = reading.time_us;
  } else if (!is_above && reading.time_us - above_us_ >= config_->hold.us()) {
    is_raised_ = false;
    findings->push_back({.kind = AlarmKind::kAnomaly,
                         .phase = FindingPhase::kOver,
                         .since_us = since_us_,
                         .at_us = reading.time_us,
                         .value = reading.value,
                         .why = "as usual again, since " +
                                ShortTime(static_cast<double>(reading.time_us - above_us_) / 1e6)});
    return;
  }
  if (!is_above) return;
  findings->push_back({.kind = AlarmKind::kAnomaly,
                       .phase = FindingPhase::kHolds,
                       .since_us = since_us_,
                       .at_us = reading.time_us,
                       .value = reading.value,
                       .why = Why(score, reading.value)});
}

}  // namespace catchwater
