/// \file
/// SQL over the project's tables, as `query` and `dlq` ask it.
#pragma once

#include <memory>
#include <string>

#include <arrow/result.h>

#include "catchwater/cli/workspace.h"
#include "catchwater/query/lake_query.h"

namespace catchwater {

/// Opens the tables as they are now, with the rows that a running program has not flushed, or as
/// they were at a time (ISO 8601) if `at` is not empty.
arrow::Result<std::unique_ptr<LakeQuery>> OpenLakeSession(Workspace& workspace,
                                                          const std::string& at);

}  // namespace catchwater
