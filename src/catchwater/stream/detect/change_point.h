/// \file
/// `change_point`: from some time on the level is another one (two-sided cumulative sums).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Learns a level, sums up what is beyond it by more than the drift, and when the sum passes the
/// limit says since when, and learns the new level. Pure. One thread at a time.
/// Source: E. S. Page, Continuous inspection schemes, 1954.
class ChangePoint final : public SavedDetector<ChangePoint> {
 public:
  explicit ChangePoint(const ChangePointConfig& config) : config_(&config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.learned_, self.level_, self.deviation_, self.up_, self.down_, self.up_since_us_,
            self.down_since_us_, self.beyond_);
  }

 private:
  void Learn(double value);

  const ChangePointConfig* config_;
  std::vector<double> learned_;  // Until there are `learn`; then empty.
  double level_ = 0;
  double deviation_ = -1;  // Negative: not learned yet.
  double up_ = 0, down_ = 0;
  int64_t up_since_us_ = 0, down_since_us_ = 0;
  std::vector<double> beyond_;  // Values since a sum began to grow; at most 256.
};

}  // namespace catchwater
