/// \file
/// `frequency`: readings that do not come in the rhythm that was learned: gaps, bursts, silence,
/// and a rhythm that is none.
#pragma once

#include <cstdint>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/cadence.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Pure. One thread at a time.
class Frequency final : public SavedDetector<Frequency> {
 public:
  explicit Frequency(const FrequencyConfig& config) : config_(&config) {}

  void Add(const Reading& reading, std::vector<Finding>* findings) override;
  void AdvanceTo(int64_t now_us, std::vector<Finding>* findings) override;

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    Cadence::Fields(self.cadence_, archive);
    archive(self.recent_us_, self.is_silent_, self.is_unstable_, self.is_burst_,
            self.state_since_us_, self.normal_us_);
  }

 private:
  void CheckBurst(int64_t time_us, std::vector<Finding>* findings);
  void CheckStability(int64_t time_us, std::vector<Finding>* findings);

  const FrequencyConfig* config_;
  Cadence cadence_;
  std::vector<int64_t> recent_us_;  // The newest times, oldest first; 9 of them.
  bool is_silent_ = false;
  bool is_unstable_ = false;
  bool is_burst_ = false;
  int64_t state_since_us_ = 0;  // Of the silence.
  int64_t normal_us_ = 0;       // The cadence before a burst.
};

}  // namespace catchwater
