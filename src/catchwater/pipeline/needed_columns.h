/// \file
/// Leaves out the declared columns that nobody looks at: what is not parsed costs nothing.
#pragma once

#include <memory>

#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// The plan with the columns that its streams use, the event time and what is required. As it was
/// if it has a lake or steps, if a window is not the whole input, or if the codec finds columns by
/// their order.
std::shared_ptr<const PipelinePlan> WithNeededColumns(std::shared_ptr<const PipelinePlan> plan);

}  // namespace catchwater
