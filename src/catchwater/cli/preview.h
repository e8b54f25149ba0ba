/// \file
/// `run --preview N`: the first rows as the pipeline makes them, and what it refuses. Writes
/// nothing and moves no position.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/io/files.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

struct Preview {
  std::shared_ptr<arrow::Schema> schema;
  std::vector<std::shared_ptr<arrow::RecordBatch>> rows;
  int64_t row_count = 0;               ///< Of `rows`; at most what was asked for.
  std::vector<std::string> rejects;    ///< "path:line: reason (rule)"; the first few.
  std::vector<std::string> taken_out;  ///< "select[0]: 17 rows"
};

/// Reads from the source's beginning until there are enough rows, or it has no more.
arrow::Result<Preview> MakePreview(const PipelinePlan& plan, Files& files, const Clock& clock,
                                   int64_t row_count_max);

/// As text for people, with where the rows would go.
std::string Render(const PipelinePlan& plan, const Preview& preview);

}  // namespace catchwater
