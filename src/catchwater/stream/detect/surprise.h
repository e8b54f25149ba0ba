/// \file
/// The parts of the anomaly score: how surprising a value is for each of several simple models, and
/// how unlikely so much surprise is by the model's own past.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Values as few levels: equal steps over the range that was learned from, ever wider ones beyond.
class Levels {
 public:
  static constexpr int kCount = 65;

  /// \param left_out share of the values at each end that the range leaves out
  void Learn(std::vector<double> values, int step_count, double left_out);
  /// Within [0, kCount).
  int Of(double value) const;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.low_, self.step_, self.half_);
  }

 private:
  double low_ = 0, step_ = 1, half_ = 1;
};

/// Bits of surprise at a level, after the level before it or alone. Bounds: kCount rows of kCount.
class Novelty {
 public:
  explicit Novelty(bool is_pairs) : is_pairs_(is_pairs) {}

  double Add(int level, int step_count);

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.alone_, self.alone_total_, self.last_);
    if (!self.is_pairs_) return;
    for (auto& row : self.after_) archive(row);
  }

 private:
  bool is_pairs_;
  std::vector<uint32_t> alone_;
  uint32_t alone_total_ = 0;
  int32_t last_ = -1;
  std::array<std::vector<uint32_t>, Levels::kCount> after_;  // [level] the sum stands last.
};

/// Distance to what was usual at this time of the season.
class Season {
 public:
  static constexpr int64_t kSlotsMax = 2'016;  ///< Five minutes of a week.

  void Begin(int64_t season_us, int64_t cadence_us);
  double Add(int64_t time_us, double value);
  /// The usual value there. \pre something was added
  double usual() const { return usual_; }

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.season_us_, self.means_, self.counts_);
  }

 private:
  int64_t season_us_ = 1;
  std::vector<float> means_;
  std::vector<uint8_t> counts_;
  double usual_ = 0;
};

/// Turns surprise into evidence: the negative decimal logarithm of the chance of a short-term mean
/// as large as this one, by the long-term distribution. Source: A. Lavin and S. Ahmad, Evaluating
/// real-time anomaly detection algorithms, 2015, section 4 (anomaly likelihood).
class Evidence {
 public:
  Evidence(int short_count, double power)
      : short_count_(short_count), power_(power), full_power_(std::pow(short_count, power)) {}

  /// \param is_judging else only learns, and gives 0
  double Add(double surprise, bool is_judging);

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.recent_, self.next_, self.mean_, self.squares_, self.count_);
  }

 private:
  int short_count_;
  double power_;
  double full_power_;
  std::vector<double> recent_;
  uint64_t next_ = 0;
  double mean_ = 0, squares_ = 0, count_ = 0;
};

}  // namespace catchwater
