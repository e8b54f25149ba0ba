/// \file
/// Builds the steps of a pipeline for its lanes.
#pragma once

#include <memory>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/component/table_reader.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/row_path.h"

namespace catchwater {

struct StepChain {
  std::vector<std::vector<std::unique_ptr<Step>>> lanes;  ///< Steps of each lane.
  std::shared_ptr<StatefulTail> tail;                     ///< Null: no step keeps state.
  std::shared_ptr<arrow::Schema> output_schema;
  bool needs_row_origins = false;
};

/// Makes the step over the columns that reach it. The failure is the step's own.
arrow::Result<std::unique_ptr<Step>> BuildStep(const PipelinePlan& plan, size_t index,
                                               std::shared_ptr<arrow::Schema> input_schema,
                                               Files& files, const Clock& clock,
                                               TableReader* table_reader);

/// From the first step that keeps state over batches on, all steps are shared by the lanes.
/// \retval kConfig if a step does not fit its input
arrow::Result<StepChain> BuildStepChain(const PipelinePlan& plan, int lane_count, Files& files,
                                        const Clock& clock, TableReader* table_reader);

}  // namespace catchwater
