/// \file
/// Rebuilds what steps remember (the keys of `deduplicate`) from the rows that are committed.
#pragma once

#include <string>

#include <arrow/status.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/pipeline/row_path.h"

namespace catchwater {

/// Reads the newest rows of the table as far as the steps ask for them. Call with the pipeline's
/// lease held: then they are the rows of the very commit that the positions belong to.
/// \retval kConfig if a step needs a column that the table does not keep
arrow::Status SeedSteps(Lake& lake, const std::string& table_key, StatefulTail& tail);

}  // namespace catchwater
