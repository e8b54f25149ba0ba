/// \file
/// Bound configuration -> plan: tables named, codec made, limits set.
#pragma once

#include <string>

#include <arrow/result.h>

#include "catchwater/component/bind_pipeline.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// `sensors.readings` -> `sensors.readings__dead_letters`.
std::string DeadLetterTableKey(const std::string& table_key);

/// \retval kConfig if the pipeline asks for what this program cannot run, naming it
arrow::Result<PipelinePlan> BuildPlan(const BoundPipeline& bound, const std::string& folder);

}  // namespace catchwater
