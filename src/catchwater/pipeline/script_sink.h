/// \file
/// A stream app that is a program of its own: it follows the pipeline's table as a sink does, so
/// that whatever it does neither stops the pipeline nor costs it rows.
///
///   data file -> batches of rows -> script -> results -> one commit: results, mark, state, account
///
/// Invariants:
/// 1. Results are in their tables exactly once: with them the mark moves that says which rows they
///    are of, and the state that the script gave.
/// 2. After a failure, or when the app was off, a new program goes on at that mark with that state.
/// 3. If it is not known any more what the script was given, all results are retracted and it gets
///    the whole table.
/// Source: docs/formats/script.md.
#pragma once

#include <memory>
#include <stop_token>

#include <arrow/result.h>

#include "catchwater/component/sink.h"
#include "catchwater/ledger/commit_plan.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/runner.h"

namespace catchwater {

struct ScriptSinkContext {
  std::shared_ptr<const PipelinePlan> plan;
  std::string stream;  ///< One with a script.
  const RunnerContext& runner;
  Fence fence;
  std::stop_token stop;                   ///< Ends the program at once.
  std::shared_ptr<arrow::Schema> schema;  ///< Of the pipeline's table.
};

arrow::Result<std::unique_ptr<Sink>> MakeScriptSink(ScriptSinkContext context);

}  // namespace catchwater
