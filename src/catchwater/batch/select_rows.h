/// \file
/// Rows out of a Batch: a subset that keeps its origins in step, or one row as a dead letter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// Returns the rows i with keep[i] != 0, in order, with their origins; the batch itself if that is
/// all of them, without copying if they lie together. The range of the origin stays: the rows that
/// went are accounted for by the caller. \pre keep.size() == batch.rows->num_rows()
arrow::Result<Batch> FilterBatch(Batch batch, std::span<const uint8_t> keep);

/// Returns the rows [row, row + row_count) without copying.
Batch SliceBatch(const Batch& batch, int64_t row, int64_t row_count);

/// Why a row was refused.
struct RowFault {
  std::string_view rule;   ///< Stable short word: "validate.range".
  std::string_view field;  ///< The column, or empty.
  std::string reason;      ///< A sentence, the value last.
};
/// Returns the row as a dead letter: its place from the origins, its text from Batch::raw. Without
/// row origins the place is the row's number in the batch, without raw text the row's values are
/// written as JSON.
DeadLetter MakeDeadLetter(const Batch& batch, int64_t row, RowFault fault);

}  // namespace catchwater
