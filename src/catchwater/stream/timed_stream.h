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
#include "catchwater/stream/key_classes.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// Pure. One thread at a time.
class TimedStream {
 public:
  /// An operator for each class of rows, all with the same schema.
  TimedStream(EventTimeOptions time, std::vector<std::unique_ptr<OrderedOperator>> ops,
              KeyClasses classes, bool keeps_late)
      : time_(std::move(time)),
        classes_(std::move(classes)),
        ops_(std::move(ops)),
        keeps_late_(keeps_late) {}

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

  /// Of class 0: its schema and key are those of all.
  const OrderedOperator& op() const { return *ops_.front(); }
  /// As OrderedOperator, of all.
  void Saved();
  void BeginRevisionsAfter(int64_t revision);
  int64_t TakeResultRowCount();
  int64_t watermark_us() const { return time_.watermark_us(); }

  arrow::Result<std::string> Save() const;
  /// Null: the operator saves all of it each time.
  arrow::Result<std::optional<std::string>> SaveChanges();
  arrow::Status Load(std::string_view state);

 private:
  arrow::Status Advance();
  arrow::Status AddInTime(const Batch& rows, StreamTally* tally);
  arrow::Status AddLate(const SortedByTime& sorted, StreamTally* tally);
  arrow::Status KeepLate(const SortedByTime& sorted);
  std::string WithTime(std::string_view state) const;

  EventTime time_;
  const KeyClasses classes_;
  std::vector<std::unique_ptr<OrderedOperator>> ops_;  // By class.
  const bool keeps_late_;
  arrow::RecordBatchVector results_;
  arrow::RecordBatchVector late_;
};

/// The columns of a table of late rows: those of the input, then `watermark` and `late_by_ms`.
std::shared_ptr<arrow::Schema> LateSchema(const arrow::Schema& input);

}  // namespace catchwater
