/// \file
/// `spike`: a peak between stable neighbours that are close in time (Hampel's identifier with the
/// noise of the key). Readings pass it delayed by the neighbours that come after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"

namespace catchwater {

/// Pure. One thread at a time. Bounds: before + after + 1 readings.
/// Invariants:
/// 1. Every reading leaves once, in order, unless it is a peak that is removed.
/// 2. A peak has `before` and `after` neighbours within `within`, and it is farther from the line
///    between the middles of both sides than `deviations` of their own distances to it and of the
///    noise. Peaks are no neighbours.
/// 3. Where the neighbours are far from that line (the course bends), a peak is what is outside of
///    both sides' own lines, each continued to the reading, and of the nearest neighbours: by
///    `deviations`, and by more than those are apart. So a step, and the end of a rise, is none.
class SpikeFilter {
 public:
  struct Point {
    double time = 0;  ///< Microseconds since the reading that is judged.
    double value = 0;
  };

  explicit SpikeFilter(const SpikeConfig& config) : config_(&config) {}
  /// Memory of one that has seen enough readings.
  static int64_t BytesOf(const SpikeConfig& config) {
    return static_cast<int64_t>(sizeof(SpikeFilter) + CountMax(config) * sizeof(Waiting));
  }

  /// \return in `released` what flows on now
  void Add(const Reading& reading, std::vector<Reading>* released, std::vector<Finding>* findings);
  /// Lets go of what has waited longer than `within`.
  void AdvanceTo(int64_t now_us, std::vector<Reading>* released, std::vector<Finding>* findings);

  void Save(StateWriter* state) const;
  void Load(StateReader* state);

 private:
  struct Waiting : Reading {
    bool is_peak = false;
  };

  /// Two of those that have left may be peaks, and one comes before another leaves.
  static size_t CountMax(const SpikeConfig& config) {
    return static_cast<size_t>(config.before + config.after) + 3;
  }
  void Release(std::vector<Reading>* released, std::vector<Finding>* findings);
  bool IsPeak(double* expected, double* scale);
  /// \return in `expected` and `scale` what it was judged by, if it does
  bool StandsOutsideOf(const std::vector<Point>& before, const std::vector<Point>& after,
                       double value, double* expected, double* scale) const;

  const SpikeConfig* config_;
  std::vector<Waiting> readings_;  // [0, judged_) have left and serve as neighbours.
  size_t judged_ = 0;
  double noise_ = 0;  // Mean distance to the neighbours' line; learned.
  int64_t noise_count_ = 0;
};

}  // namespace catchwater
