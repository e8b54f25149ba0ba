/// \file
/// Event time of one stream app: watermarks by source partition, and which rows are in time.
///
/// Invariants:
/// 1. The watermark of a partition is its newest event time so far, less what is allowed. It moves
///    row by row in the order of the source, so that the cut into batches changes nothing.
/// 2. The watermark of the app is the least over its partitions and never moves back. A partition
///    that has an end holds it back until it is read; one without an end does so unless nothing
///    came from it for `idle` while others went on.
/// 3. A row is late if it is before the watermark of its partition or of the app.
/// 4. Classes of rows differ in what is allowed only: each has watermarks of its own, all from the
///    newest event time of any row.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/stream/state_bytes.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// A partition that the pipeline reads now.
struct OpenPartition {
  int64_t partition_id = 0;
  bool is_bounded = false;  ///< It has an end.

  bool operator==(const OpenPartition&) const = default;
};
using OpenPartitions = std::vector<OpenPartition>;

struct EventTimeOptions {
  /// allow_us: nothing is late and nothing closes before the end of the input.
  static constexpr int64_t kAllowAll = std::numeric_limits<int64_t>::max();

  std::string column;  ///< Empty: there are no event times, and all rows are in time.
  int64_t allow_us = kAllowAll;
  /// The same of other classes of rows, from class 1 on; allow_us is that of class 0.
  std::vector<int64_t> allow_us_of_others{};
  int64_t future_us = 86'400'000'000;  ///< Beyond the time of receipt, where that is known.
  int64_t idle_us = 60'000'000;
  int64_t from_us = std::numeric_limits<int64_t>::min();  ///< Rows before it are left out.
  int64_t rows_per_second_max = 0;  ///< By the time of receipt, where that is known; 0: any number.
};
/// Why a row is left out that is before EventTimeOptions::from_us.
inline constexpr char kBeforeFrom[] = "before_from";

/// What EventTime::Sort makes of a batch.
struct SortedByTime {
  Batch in_time;                    ///< rows null or empty: none.
  Batch late;                       ///< The same.
  std::vector<int64_t> late_by_us;  ///< Of each late row.
  /// Why rows are in neither: kFuture, and kFiltered for rows without an event time, before `from`
  /// or over the rate.
  std::vector<Tally> others;
  /// Of the late rows, by how much: "1m", "10m", "1h", "1d", "more".
  std::vector<Tally> lateness;
};

/// Pure. One thread at a time.
class EventTime {
 public:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

  explicit EventTime(EventTimeOptions options)
      : options_(std::move(options)),
        allow_us_(1, options_.allow_us),
        watermarks_us_(1 + options_.allow_us_of_others.size(), kNone) {
    allow_us_.insert(allow_us_.end(), options_.allow_us_of_others.begin(),
                     options_.allow_us_of_others.end());
  }

  /// Batches come in the order of the source. classes: of each row; empty: all are of class 0.
  arrow::Result<SortedByTime> Sort(const Batch& batch, std::span<const uint8_t> classes = {});

  /// Tells which partitions are read now. Those that are not any more hold nothing back.
  void SetOpen(const OpenPartitions& open);
  /// Nothing before it can come any more; kNone: anything may.
  int64_t watermark_us(size_t of_class = 0) const { return watermarks_us_[of_class]; }
  size_t class_count() const { return allow_us_.size(); }
  /// Stored rows before it were all added: results that they cannot change are out.
  void RaiseStoredTo(int64_t event_us);
  /// The newest event time of all rows in time; kNone: there were none.
  int64_t newest_us() const { return newest_us_; }
  const std::string& column() const { return options_.column; }

  /// Rows of a table that have an event time: they are never late. \pre nothing was sorted yet
  arrow::Result<SortedByTime> SortStored(const Batch& batch);
  void Save(StateWriter* state) const;
  /// Takes the place of what is there.
  void Load(StateReader* state);

 private:
  struct Partition {
    int64_t newest_us = kNone;
    int64_t received_us = 0;  ///< Of its newest block; 0: not asked yet. Not saved.
    bool is_bounded = false;
    bool is_open = true;
  };

  int64_t WatermarkOf(const Partition& partition, size_t of_class) const;
  void RaiseTo(size_t of_class, int64_t watermark_us) {
    watermarks_us_[of_class] = std::max(watermarks_us_[of_class], watermark_us);
  }
  void Advance();
  /// The event times; null: there are none.
  arrow::Result<std::shared_ptr<arrow::TimestampArray>> TimesOf(const Batch& batch) const;
  /// How many rows of the batch, from its first on, the rate allows.
  int64_t TakeAllowed(const Batch& batch);

  const EventTimeOptions options_;
  std::vector<int64_t> allow_us_;       // By class.
  std::vector<int64_t> watermarks_us_;  // The same.
  std::map<int64_t, Partition> partitions_;
  int64_t newest_us_ = kNone;
  int64_t received_us_ = 0;
  int64_t second_ = 0;  // Of receipt, the newest. Not saved.
  int64_t rows_in_second_ = 0;
  std::vector<uint8_t> keep_;  // Scratch, by row.
  std::vector<uint8_t> is_late_;
  std::vector<int64_t> lines_us_;  // Scratch, by class.
};

}  // namespace catchwater
