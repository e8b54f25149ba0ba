/// \file
/// Seam: what a stream app computes over keyed rows in event time.
///
/// Between two commits every lane feeds a part of its own; the committer merges the parts into the
/// whole, which is exactly what every row before the frontier makes. It is saved with the
/// positions.
///
///   NewPart -> part.Add* -> whole.Merge(part) -> AdvanceTo | ResultsOf -> Save
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// What became of the rows that an operator was given: in = used + late + future + filtered.
struct StreamTally {
  int64_t used = 0;
  int64_t late = 0;
  int64_t future = 0;
  int64_t filtered = 0;
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

  /// Moves the watermark forward, never back. \return what it closes, keys ascending
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> AdvanceTo(int64_t watermark_us) = 0;

  /// Results of what is open, as they are now: provisional unless the input has ended.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Current() const = 0;

  /// An operator of the same kind without state, for the rows of one lane between two commits.
  /// The one call that may be made beside others.
  virtual arrow::Result<std::unique_ptr<StreamOperator>> NewPart() const = 0;
  /// Adds the part's state. \pre part was made by NewPart
  virtual arrow::Status Merge(const StreamOperator& part) = 0;
  /// Results so far of the keys that the part has touched, keys ascending.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> ResultsOf(
      const StreamOperator& part) const = 0;
  virtual bool is_empty() const = 0;

  virtual arrow::Result<std::string> Save() const = 0;
  /// Adds a saved state to what is there: a base, then the parts that were saved after it.
  /// \retval kBadData if the bytes are damaged or of another kind
  virtual arrow::Status Load(std::string_view state) = 0;
};

}  // namespace catchwater
