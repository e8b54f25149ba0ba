/// \file
/// The rhythm of a key's readings, learned from the intervals between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace catchwater {

/// Pure. One thread at a time. Bounds: the last 32 intervals.
class Cadence {
 public:
  static constexpr size_t kIntervalsMax = 32;
  static constexpr size_t kIntervalsMin = 6;  ///< Before that nothing is known.

  /// Readings at the same time are one. \pre times do not go back
  void Add(int64_t time_us);
  bool is_known() const { return intervals_us_.size() >= kIntervalsMin; }
  /// Median of the intervals, microseconds. \pre is_known()
  int64_t interval_us() const { return median_us_; }
  /// Share of the intervals that are not within a half of the median. \pre is_known()
  double unstable_share() const;
  bool has_readings() const { return has_readings_; }
  int64_t last_us() const { return last_us_; }

  template <class Self, class Archive>
  static void Fields(Self& self, Archive& archive) {
    archive(self.intervals_us_, self.next_, self.median_us_, self.last_us_, self.has_readings_);
  }

 private:
  std::vector<int64_t> intervals_us_;  // A ring once it is full.
  uint64_t next_ = 0;
  int64_t median_us_ = 0;
  int64_t last_us_ = 0;
  bool has_readings_ = false;
};

}  // namespace catchwater
