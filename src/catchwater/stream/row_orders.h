/// \file
/// Where each row of a batch stands in the order that `first` and `last` mean.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>

#include "catchwater/batch/batch.h"
#include "catchwater/stream/accumulator.h"

namespace catchwater {

/// event_time_column empty: the order of the input.
inline void FillRowOrders(const Batch& batch, const std::string& event_time_column,
                          std::vector<RowOrder>* orders) {
  const int64_t row_count = batch.rows->num_rows();
  orders->resize(static_cast<size_t>(row_count));
  std::shared_ptr<arrow::Array> times;
  if (!event_time_column.empty()) times = batch.rows->GetColumnByName(event_time_column);
  const bool has_times = times != nullptr && times->type_id() == arrow::Type::TIMESTAMP;
  const Range& range = batch.origin.range;
  for (int64_t row = 0; row < row_count; ++row) {
    RowOrder& order = (*orders)[static_cast<size_t>(row)];
    order.partition_id = range.partition_id;
    // Frames of a block are at least one position apart, so this orders rows over all blocks.
    order.ordinal = range.from.ordinal + static_cast<uint64_t>(row);
    order.event_us = 0;
    if (has_times && times->IsValid(row)) {
      order.event_us = static_cast<const arrow::TimestampArray&>(*times).Value(row);
    }
  }
}

}  // namespace catchwater
