/// \file
/// What is wrong with the steps and control queues of a project's pipelines: said before anything
/// is started.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/cli/workspace.h"

namespace catchwater {

struct StepFindings {
  Diagnostics diagnostics;
  std::vector<std::string> valid;      ///< Names of pipelines without an error.
  std::vector<std::string> unchecked;  ///< Sentences: which steps cannot be looked at now, and why.
};

/// Makes every step once (pipeline/check_steps.h) and reads `control`. Tables of the lake are read
/// if there are some. \retval kConfig a pipeline is not whole, e.g. it has no codec
arrow::Result<StepFindings> FindBadSteps(Workspace& workspace, const GlobalOptions& globals,
                                         const std::vector<BoundPipeline>& pipelines);

/// The same of all pipelines of the project; errors are printed.
/// \return the exit code to end with, if there were errors
std::optional<ExitCode> RefuseBadSteps(Workspace& workspace, const GlobalOptions& globals);

}  // namespace catchwater
