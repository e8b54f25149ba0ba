/// \file
/// How the sinks of a pipeline and of its stream apps stand: from a running program, else from the
/// ledger.
#pragma once

#include <string>

#include <arrow/result.h>
#include <nlohmann/json.hpp>

#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// One object a sink, in the order of the file: sink, kind, state, lag_ms, rows_behind,
/// files_behind, delivered_seq, last_error; with what the running program (`live`, may be null)
/// says of it. A pipeline without sinks: an empty list.
arrow::Result<nlohmann::ordered_json> SinkStatus(Ledger& ledger, const PipelinePlan& plan,
                                                 const nlohmann::ordered_json& live,
                                                 int64_t now_us);
/// One line a sink.
std::string RenderSinks(const nlohmann::ordered_json& sinks);

}  // namespace catchwater
