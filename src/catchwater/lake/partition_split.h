/// \file
/// Cuts a batch into the rows of each partition.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/lake/iceberg/spec.h"

namespace catchwater {

/// Rows [offset, offset + length) of `rows`, all of one partition.
struct PartitionSlice {
  std::shared_ptr<arrow::RecordBatch> rows;
  int64_t offset = 0;
  int64_t length = 0;
  PartitionValues values;
};

/// `columns[i]` is the position of the source column of spec.fields[i], or -1 if the batch lacks it
/// (all null). Rows keep their order within a partition. A batch of one partition and long runs are
/// not copied.
arrow::Result<std::vector<PartitionSlice>> SplitByPartition(
    const std::shared_ptr<arrow::RecordBatch>& rows, const PartitionSpec& spec,
    const std::vector<int>& columns);

}  // namespace catchwater
