/// \file
/// Which detectors judge which columns of which keys, and those of one key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/config/detect_config.h"
#include "catchwater/stream/detect/detector.h"
#include "catchwater/stream/detect/spike_filter.h"

namespace catchwater {

/// The columns of numbers that the detectors of a stream need, and what each detector takes of
/// them. Immutable.
class DetectorPlan {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  struct Part {
    DetectorConfig config;
    size_t value = kNone;  ///< Places among the numbers of a row.
    size_t threshold = kNone;
    size_t active = kNone;
    const OnlyKeys* only = nullptr;
  };

  /// \retval kConfig if a column is missing or holds no numbers, or two detectors contradict
  static arrow::Result<DetectorPlan> Make(const std::vector<DetectorConfig>& detect,
                                          const std::vector<std::string>& key,
                                          const arrow::Schema& input);

  const std::vector<std::unique_ptr<Part>>& parts() const { return parts_; }
  /// Null: silence is not looked for.
  const MissingConfig* missing() const { return missing_; }
  size_t missing_part() const { return missing_part_; }
  size_t number_count() const { return columns_.size(); }
  const std::string& column_name(size_t number) const { return columns_[number]; }
  /// Something must be told when time passes without readings.
  bool needs_time() const { return needs_time_; }
  /// Row by row the numbers of the columns; NaN: null. Booleans are 0 and 1.
  arrow::Result<std::vector<double>> NumbersOf(const arrow::RecordBatch& rows) const;
  /// Approximate memory of a key.
  int64_t key_bytes() const { return key_bytes_; }

 private:
  arrow::Result<size_t> NumberIndex(const std::string& column, const arrow::Schema& input);
  arrow::Status AddPart(const DetectorConfig& config, const arrow::Schema& input);

  std::vector<std::unique_ptr<Part>> parts_;  // Their configurations do not move.
  std::vector<std::string> columns_;
  const MissingConfig* missing_ = nullptr;
  size_t missing_part_ = 0;
  bool needs_time_ = false;
  int64_t key_bytes_ = 64;
};

/// What was found by which part of the plan.
struct FoundBy {
  size_t part = 0;
  Finding finding;
};

/// The detectors of one key. Pure. One thread at a time.
class DetectorSet {
 public:
  /// \param key_texts the key columns by name, as text
  DetectorSet(const DetectorPlan& plan,
              const std::vector<std::pair<std::string, std::string>>& key_texts);

  void AddOnArrival(int64_t time_us, std::span<const double> numbers, std::vector<FoundBy>* found);
  /// \pre times do not go back
  void Add(int64_t time_us, std::span<const double> numbers, std::vector<FoundBy>* found);
  /// Event time has come so far without a reading.
  void AdvanceTo(int64_t now_us, std::vector<FoundBy>* found);

  void Save(StateWriter* state) const;
  void Load(StateReader* state);

 private:
  /// Through the parts that judge the column, from this one on.
  void Flow(size_t part, size_t value, std::vector<Reading> readings, std::vector<FoundBy>* found);

  /// At most one of both is there; none: the part is not for this key, or is no detector of it.
  struct Stage {
    std::unique_ptr<Detector> detector;
    std::unique_ptr<SpikeFilter> filter;
  };

  std::span<Stage> stages() const { return {stages_.get(), plan_->parts().size()}; }

  const DetectorPlan* plan_;
  std::unique_ptr<Stage[]> stages_;  // By part.
};

}  // namespace catchwater
