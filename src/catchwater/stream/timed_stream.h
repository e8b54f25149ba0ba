/// \file
/// One app whose rows come in the order of the source: event time before its operator.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/stream/event_time.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// Pure. One thread at a time.
class TimedStream {
 public:
  TimedStream(EventTimeOptions time, std::unique_ptr<OrderedOperator> op, bool keeps_late = false)
      : time_(std::move(time)), op_(std::move(op)), keeps_late_(keeps_late) {}

  void SetOpen(const OpenPartitions& open) { time_.SetOpen(open); }
  /// Batches come in the order of the source. Results wait for TakeResults.
  arrow::Result<StreamTally> Add(const Batch& batch);
  /// No row comes any more, for now: puts out everything.
  arrow::Status End();

  /// Rows of a table, in any order: nothing is late. \pre no partition was read yet
  arrow::Result<StreamTally> AddStored(const Batch& batch);
  /// All stored rows before it were added: closes what rows after them cannot change.
  arrow::Status StoredUpTo(int64_t event_us);

  arrow::RecordBatchVector TakeResults() { return std::exchange(results_, {}); }
  /// The late rows since the last call, with `watermark` and `late_by_ms`, if keeps_late.
  arrow::RecordBatchVector TakeLate() { return std::exchange(late_, {}); }

  OrderedOperator& op() { return *op_; }
  const OrderedOperator& op() const { return *op_; }
  int64_t watermark_us() const { return time_.watermark_us(); }

  arrow::Result<std::string> Save() const;
  /// Null: the operator saves all of it each time.
  arrow::Result<std::optional<std::string>> SaveChanges();
  arrow::Status Load(std::string_view state);

 private:
  arrow::Status Advance(int64_t watermark_us);
  arrow::Status KeepLate(const SortedByTime& sorted);
  std::string WithTime(std::string_view state) const;

  EventTime time_;
  std::unique_ptr<OrderedOperator> op_;
  const bool keeps_late_;
  arrow::RecordBatchVector results_;
  arrow::RecordBatchVector late_;
};

/// The columns of a table of late rows: those of the input, then `watermark` and `late_by_ms`.
std::shared_ptr<arrow::Schema> LateSchema(const arrow::Schema& input);

}  // namespace catchwater
