/// \file
/// Are the steps of a pipeline well formed? What `validate`, `run` and a reload ask before anything
/// is started.
#pragma once

#include <string>

#include <arrow/status.h>

#include "catchwater/component/table_reader.h"
#include "catchwater/config/diagnostic.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// What the steps are made of. Borrowed.
struct StepSurroundings {
  Files& files;
  const Clock& clock;
  /// Null: a pipeline without a lake. Asked for tables of the lake.
  TableReader* table_reader = nullptr;
};

/// Makes each step over the columns that reach it, as a run does before the first row, and reports
/// the one that refuses at its place in the file: SQL at the word that is wrong. What comes behind
/// it is not looked at, for its columns are not known.
/// \return OK, whether there were errors or not; else why the rest cannot be looked at now: a table
/// that is not there yet, a store that does not answer
arrow::Status CheckSteps(const PipelinePlan& plan, const StepSurroundings& surroundings,
                         Diagnostics& diagnostics);

/// Reports why a step cannot be made.
void ReportStepFailure(const ChosenStep& step, const arrow::Status& failure,
                       Diagnostics& diagnostics);

}  // namespace catchwater
