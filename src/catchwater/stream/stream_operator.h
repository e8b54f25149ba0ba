/// \file
/// Seam: what a stream app computes over keyed rows in event time. Two kinds:
///
/// MergingOperator: rows in any order. Between two commits every lane feeds a part of its own; the
/// committer merges the parts into the whole, which is exactly what every row before the frontier
/// makes.
///   NewPart -> part.Add* -> whole.Merge(part) -> AdvanceTo | ResultsOf -> Save
///
/// OrderedOperator: rows in the order of the source, only those that are in time (stream/
/// event_time.h); a new one is made in stream/make_operator.cc.
///   Load* -> (Add | AddLate | AdvanceTo)* -> Save | SaveChanges
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// What became of the rows that an operator was given: in = used + late + future + filtered.
struct StreamTally {
  int64_t used = 0;
  /// kLate, kFuture and kFiltered, each with its reason: a bounded set of words.
  std::vector<Tally> others{};

  /// Adds to others, unless there are none.
  void Count(Bucket bucket, std::string reason, int64_t row_count) {
    if (row_count == 0) return;
    others.push_back({.bucket = bucket, .reason = std::move(reason), .row_count = row_count});
  }
};

/// Pure: no thread, no clock, no I/O. One thread at a time.
class StreamOperator {
 public:
  /// The watermark of an input that has ended.
  static constexpr int64_t kEndOfInputUs = std::numeric_limits<int64_t>::max();

  virtual ~StreamOperator() = default;

  /// Of results: the key columns first.
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  virtual int key_column_count() const = 0;

  /// Takes rows. \retval kBadData if the state grows beyond its bound
  virtual arrow::Result<StreamTally> Add(const Batch& batch) = 0;

  /// Moves the watermark forward, never back: no row before it comes any more.
  /// \return what it closes, and other results since the last call
  virtual arrow::Result<arrow::RecordBatchVector> AdvanceTo(int64_t watermark_us) = 0;

  virtual arrow::Result<std::string> Save() const = 0;
  /// Adds a saved state to what is there: a base, then the parts that were saved after it.
  /// \retval kBadData if the bytes are damaged or of another kind
  virtual arrow::Status Load(std::string_view state) = 0;
};

class MergingOperator : public StreamOperator {
 public:
  /// Results of what is open, as they are now: provisional unless the input has ended.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Current() const = 0;

  /// An operator of the same kind without state, for the rows of one lane between two commits.
  /// The one call that may be made beside others.
  virtual arrow::Result<std::unique_ptr<MergingOperator>> NewPart() const = 0;
  /// Adds the part's state. \pre part was made by NewPart
  virtual arrow::Status Merge(const MergingOperator& part) = 0;
  /// Results so far of the keys that the part has touched, keys ascending.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> ResultsOf(
      const MergingOperator& part) const = 0;
  virtual bool is_empty() const = 0;
};

/// Its schema is that of its result table: it has `revision` (int64) and `retracted` (bool) where
/// result_key is not empty.
class OrderedOperator : public StreamOperator {
 public:
  /// The columns that tell one result from another: of those that agree in them the one with the
  /// greatest revision holds. Empty: every result is an event and stays.
  virtual std::vector<std::string> result_key() const = 0;

  /// Rows behind the watermark of an app with `late: {then: correct}`. Such that cannot be taken
  /// any more are tallied as kLate with the reason that is given.
  virtual bool takes_late_rows() const { return false; }
  virtual arrow::Result<StreamTally> AddLate(const Batch& batch) {
    return StreamTally{
        .others = {
            {.bucket = Bucket::kLate, .reason = "late", .row_count = batch.rows->num_rows()}}};
  }

  /// The input has ended, for now. \return what is open, as it is: a later run may go on and change
  /// it, which gives the next revision
  virtual arrow::Result<arrow::RecordBatchVector> End() { return AdvanceTo(kEndOfInputUs); }

  /// What changed since the last Save, SaveChanges or Load; Load takes it after those before it.
  /// Null: this kind saves all of it each time.
  virtual arrow::Result<std::optional<std::string>> SaveChanges() { return std::nullopt; }
  /// Save or SaveChanges were called: later changes count from here.
  virtual void Saved() {}
  /// Revisions of new results begin above this one: a table may have older ones.
  virtual void BeginRevisionsAfter(int64_t revision) { static_cast<void>(revision); }
  /// Approximate memory held.
  virtual int64_t byte_count() const = 0;

  /// Rows that led to a result since the last call: a row is counted with the first result that it
  /// is in, or when it raises, updates or clears an alarm. Not a part of the state.
  int64_t TakeResultRowCount() { return std::exchange(result_row_count_, 0); }

 protected:
  void CountResultRows(int64_t row_count) { result_row_count_ += row_count; }

 private:
  int64_t result_row_count_ = 0;
};

}  // namespace catchwater
