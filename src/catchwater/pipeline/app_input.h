/// \file
/// What comes in for the stream apps of a pipeline, as metrics of each app that is on: bytes, what
/// could not be read, and how long it waits behind the newest that is known.
///
///   source thread: Read(block) -> lane: Decoded(block, faults)
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/clock.h"
#include "catchwater/batch/batch.h"
#include "catchwater/pipeline/app_report.h"
#include "catchwater/pipeline/app_switches.h"
#include "catchwater/telemetry/metrics.h"

namespace catchwater {

/// What a codec could not read of a block.
struct InputFaults {
  int64_t frame_count = 0;  ///< Frames of which nothing could be decoded.
  int64_t value_count = 0;  ///< Values that are missing or not of their column's type.
};

/// One of a pipeline and attempt: what an attempt that failed has read comes again. Any thread.
class AppInput {
 public:
  /// The part of a message that says when it was put into its queue.
  static constexpr const char* kEnqueueTime = "timestamp";

  AppInput(Metrics& metrics, const Clock& clock, const std::string& pipeline,
           const std::vector<std::string>& apps, const AppSwitches& switches);

  /// The source delivered it.
  void Read(const Block& block);
  /// A lane works on it.
  void Decoded(const Block& block, const InputFaults& faults);

  /// Fills in the delay in the queue, by the better way that there is.
  static void AddQueueDelay(const Metrics& metrics, const std::string& pipeline, AppReport* report);

 private:
  struct Series {
    std::string app;
    Counter& bytes;
    Counter& frames;
    Counter& values;
    std::array<Gauge*, 2> delay{};      // By way of telling; null: not told yet. By mutex_.
    std::array<Gauge*, 2> delay_max{};  // The same.
  };
  /// How long the rows of the block have waited, and the number of the way in which it is told;
  /// nullopt: it cannot be told yet.
  std::optional<std::pair<double, size_t>> DelayOf(const Block& block);
  std::optional<double> DepthOverRate(int64_t byte_count);

  Metrics& metrics_;
  const Clock& clock_;
  const std::string pipeline_;
  const AppSwitches& switches_;
  std::vector<Series> series_;
  std::atomic<int64_t> newest_us_ = 0;      // The time of the newest message; 0: none had one.
  std::atomic<int64_t> bytes_waiting_ = 0;  // Read and not decoded.
  std::mutex mutex_;
  int64_t rate_from_us_ = 0;  // Guarded by mutex_, as below. Monotonic; 0: not begun.
  int64_t rate_bytes_ = 0;
  double bytes_per_second_ = 0;
};

}  // namespace catchwater
