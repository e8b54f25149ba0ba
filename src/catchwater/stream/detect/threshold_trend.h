/// \file
/// `trend_to_threshold`: a value on its way to its threshold, and how long until it is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"
#include "catchwater/stream/detect/reading_history.h"

namespace catchwater {

/// Fits a robust line to the readings of the last `over`, and to the newer half of them, so that
/// what turns is noticed soon. Pure. One thread at a time. Bounds: the newest
/// readings, as many as a ReadingHistory holds.
class ThresholdTrend final : public Detector {
 public:
  explicit ThresholdTrend(const ThresholdTrendConfig& config) : config_(&config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;

  void Save(StateWriter* state) const override;
  void Load(StateReader* state) override;

 private:
  struct Forecast {
    bool is_imminent = false;
    double slope = 0, level = 0;  ///< A second; at the last reading.
    double lead_seconds = 0, tolerance_seconds = 0;
  };

  /// By the newest readings, from this one on.
  Forecast PredictFrom(const ReadingHistory::Unpacked& readings, size_t first,
                       double threshold) const;
  /// Imminent if all readings or the newer half of them say so; the surer of both.
  Forecast Predict(double threshold) const;
  void End(const Reading& reading, const std::string& why, std::vector<Finding>* findings);

  const ThresholdTrendConfig* config_;
  ReadingHistory history_;
  bool is_raised_ = false;
  int64_t since_us_ = 0;
  int64_t agreed_ = 0;  // Readings in a row that say the contrary of is_raised_.
};

}  // namespace catchwater
