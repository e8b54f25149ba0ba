/// \file
/// `trend_to_threshold`: a value on its way to its threshold, and how long until it is there.
#pragma once

#include <cstdint>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Fits a robust line to the readings of the last `over`, and to the newer half of them, so that
/// what turns is noticed soon. Pure. One thread at a time. Bounds: the newest 240 readings.
class ThresholdTrend final : public SavedDetector<ThresholdTrend> {
 public:
  explicit ThresholdTrend(const ThresholdTrendConfig& config) : config_(&config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.times_us_, self.values_, self.is_raised_, self.since_us_, self.agreed_);
  }

 private:
  struct Forecast {
    bool is_imminent = false;
    double slope = 0, level = 0;  ///< A second; at the last reading.
    double lead_seconds = 0, tolerance_seconds = 0;
  };

  void Keep(const Reading& reading);
  /// By the newest readings, from this one on.
  Forecast PredictFrom(size_t first, double threshold) const;
  /// Imminent if all readings or the newer half of them say so; the surer of both.
  Forecast Predict(double threshold) const;
  void End(const Reading& reading, const std::string& why, std::vector<Finding>* findings);

  const ThresholdTrendConfig* config_;
  std::vector<int64_t> times_us_;
  std::vector<double> values_;
  bool is_raised_ = false;
  int64_t since_us_ = 0;
  int64_t agreed_ = 0;  // Readings in a row that say the contrary of is_raised_.
};

}  // namespace catchwater
