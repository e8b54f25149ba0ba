/// \file
/// The lines of rows that a step refused: the decoder told where the rows of a block begin.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// Of one block. Costs nothing until a letter is written: lines are counted then. Immutable.
class RowLines {
 public:
  RowLines() = default;
  /// \param decoded what the decoder made of the block, before anything else touched it
  explicit RowLines(const Batch& decoded);

  /// Sets the line of the letters that have none: where the row's text begins, or its frame where
  /// the decoder told no places. Lines stay 0 if the block's are not known.
  /// \param block the one that was decoded
  void Fill(const Block& block, std::vector<DeadLetter>* letters) const;

 private:
  /// Offset of the letter's row in the bytes of the block, or -1.
  int64_t OffsetOf(const Block& block, const DeadLetter& letter) const;

  std::shared_ptr<arrow::UInt64Array> frame_ordinals_;  // Ascending, with row_in_frame_.
  std::shared_ptr<arrow::UInt32Array> row_in_frame_;    // Null: all 0.
  std::shared_ptr<arrow::UInt32Array> raw_begin_;
};

}  // namespace catchwater
