#include "catchwater/stream/detect/surprise.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace catchwater {
namespace {

constexpr double kBeyond = 4;          // Levels for each doubling beyond the range.
constexpr double kLongMemory = 4'000;  // Readings.
constexpr double kSeasonShare = 0.5;   // Of a new value in what is usual.
constexpr double kEvidenceMax = 30;

/// -log10 of the upper tail of the normal distribution.
double TailDigits(double z) {
  if (z <= 0) return 0;
  // From here on the asymptotic series is exact to four digits, and erfc is slow.
  if (z > 6) {
    const double z2 = z * z;
    const double series = std::log1p((-1 + 3 / z2) / z2);
    return (z2 / 2 + std::log(z) + 0.5 * std::log(2 * std::numbers::pi) - series) /
           std::numbers::ln10;
  }
  return -std::log10(0.5 * std::erfc(z / std::numbers::sqrt2));
}

}  // namespace

void Levels::Learn(std::vector<double> values, int step_count, double left_out) {
  std::ranges::sort(values);
  const auto at = [&values](double share) {
    const auto index = static_cast<size_t>(share * static_cast<double>(values.size()));
    return values[std::min(index, values.size() - 1)];
  };
  low_ = at(left_out);
  double high = at(1 - left_out);
  if (high <= low_) high = low_ + 1;
  step_ = (high - low_) / step_count;
  half_ = step_count / 2.0;
}

int Levels::Of(double value) const {
  const double offset = (value - low_) / step_ - half_;
  double distance = std::abs(offset);
  if (distance > half_) distance = half_ + kBeyond * std::log2(1 + (distance - half_) / half_);
  const double level = std::floor(offset < 0 ? -distance : distance);
  return static_cast<int>(std::clamp(level + kCount / 2, 0.0, static_cast<double>(kCount - 1)));
}

double Novelty::Add(int level, int step_count) {
  if (alone_.empty()) alone_.resize(Levels::kCount);
  const auto at = static_cast<size_t>(level);
  double chance = 1.0 / (2.0 * step_count);
  chance = (alone_[at] + chance) / (alone_total_ + 1.0);
  ++alone_[at];
  ++alone_total_;
  if (is_pairs_ && last_ >= 0) {
    auto& row = after_[static_cast<size_t>(last_)];
    if (row.empty()) row.resize(Levels::kCount + 1);
    chance = (row[at] + chance) / (row[Levels::kCount] + 1.0);
    ++row[at];
    ++row[Levels::kCount];
  }
  last_ = level;
  return -std::log2(chance);
}

void Season::Begin(int64_t season_us, int64_t cadence_us) {
  season_us_ = season_us;
  const int64_t slots =
      std::clamp<int64_t>(season_us / std::max<int64_t>(cadence_us, 1), 1, kSlotsMax);
  means_.assign(static_cast<size_t>(slots), 0);
  counts_.assign(static_cast<size_t>(slots), 0);
}

double Season::Add(int64_t time_us, double value) {
  const auto slots = static_cast<int64_t>(means_.size());
  const int64_t rest_us = time_us % season_us_;
  const int64_t since_us = rest_us < 0 ? rest_us + season_us_ : rest_us;
  // In floating point: the product may not fit.
  const auto slot = std::min(slots - 1, static_cast<int64_t>(static_cast<double>(since_us) /
                                                             static_cast<double>(season_us_) *
                                                             static_cast<double>(slots)));
  double distance = -1;
  for (int64_t other = slot - 1; other <= slot + 1; ++other) {
    const auto near = static_cast<size_t>((other + slots) % slots);
    if (counts_[near] == 0) continue;
    const double here = std::abs(value - means_[near]);
    if (distance >= 0 && here >= distance) continue;
    distance = here;
    usual_ = means_[near];
  }
  const auto at = static_cast<size_t>(slot);
  if (counts_[at] < 255) ++counts_[at];
  const double share = std::max(1.0 / counts_[at], kSeasonShare);
  means_[at] = static_cast<float>(means_[at] + share * (value - means_[at]));
  return std::max(distance, 0.0);
}

double Evidence::Add(double surprise, bool is_judging) {
  if (recent_.size() < static_cast<size_t>(short_count_)) {
    recent_.push_back(surprise);
  } else {
    recent_[next_ % recent_.size()] = surprise;
  }
  ++next_;
  double evidence = 0;
  if (is_judging) {
    double sum = 0;
    for (const double value : recent_) sum += value;
    const auto width = static_cast<double>(recent_.size());
    const double above = sum / width - mean_;
    if (above > 0) {
      const double deviation = std::sqrt(std::max(1e-12, squares_ / count_));
      // Nearly always the window is full.
      const bool is_full = recent_.size() == static_cast<size_t>(short_count_);
      const double z = above / deviation * (is_full ? full_power_ : std::pow(width, power_));
      evidence = std::min(TailDigits(std::min(z, 37.0)), kEvidenceMax);
    }
  }
  count_ += 1;
  const double distance = surprise - mean_;
  mean_ += distance / count_;
  squares_ += distance * (surprise - mean_);
  if (count_ > kLongMemory) {
    squares_ *= kLongMemory / count_;
    count_ = kLongMemory;
  }
  return evidence;
}

}  // namespace catchwater
