/// \file
/// `anomaly`: a streaming score with one setting for all series. It adds up the evidence of four
/// models (level, step from level to level, time of the day, time of the week) and subtracts what
/// was told of late, so that one anomaly is told once.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"
#include "catchwater/stream/detect/surprise.h"

namespace catchwater {

struct AnomalyParts {
  double pair = 0, level = 0, season = 0, long_season = 0;  ///< Evidence, weighted.
  double sum() const { return pair + level + season + long_season; }
};

/// Nothing is looked up ahead: the score of a reading depends on it and what came before.
/// Pure. One thread at a time. Bounds: about 25 KiB.
class AnomalyScore {
 public:
  explicit AnomalyScore(const AnomalyConfig& config) : config_(&config) {}

  /// 0 while it learns, else 0 (as ever) to about 100.
  double Add(int64_t time_us, double value);
  const AnomalyParts& parts() const { return parts_; }
  double usual() const { return season_.usual(); }

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.is_judging_, self.first_times_us_, self.first_values_, self.told_);
    Levels::Fields(self.pair_levels_, archive);
    Levels::Fields(self.levels_, archive);
    Novelty::Fields(self.pair_, archive);
    Novelty::Fields(self.level_, archive);
    Season::Fields(self.season_, archive);
    Season::Fields(self.long_season_, archive);
    for (auto& evidence : self.evidence_) Evidence::Fields(evidence, archive);
  }

 private:
  void BeginToJudge();
  AnomalyParts PartsOf(int64_t time_us, double value);

  const AnomalyConfig* config_;
  bool is_judging_ = false;
  std::vector<int64_t> first_times_us_;  // Until it judges; `learn` of them.
  std::vector<double> first_values_;
  Levels pair_levels_, levels_;
  Novelty pair_{/*is_pairs=*/true};
  Novelty level_{/*is_pairs=*/false};
  Season season_, long_season_;
  std::array<Evidence, 4> evidence_{Evidence(5, 0.25), Evidence(1, 0.5), Evidence(10, 0.5),
                                    Evidence(10, 0.5)};
  double told_ = 0;
  AnomalyParts parts_;
};

class Anomaly final : public SavedDetector<Anomaly> {
 public:
  explicit Anomaly(const AnomalyConfig& config) : config_(&config), score_(config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    AnomalyScore::Fields(self.score_, archive);
    archive(self.is_raised_, self.since_us_, self.above_us_);
  }

 private:
  std::string Why(double score, double value) const;

  const AnomalyConfig* config_;
  AnomalyScore score_;
  bool is_raised_ = false;
  int64_t since_us_ = 0;
  int64_t above_us_ = 0;  // When it last was as surprising as an alarm.
};

}  // namespace catchwater
