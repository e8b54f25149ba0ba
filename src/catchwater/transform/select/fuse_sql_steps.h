/// \file
/// Neighbouring `select` and `derive` steps run as one: one prepared statement instead of many, and
/// rows are copied once.
#pragma once

#include <memory>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/component/step.h"

namespace catchwater {

/// Returns the steps with every run of two or more steps that have sql_rules() replaced by one that
/// does the same and counts under the same names. \param input_schema what the first step gets
arrow::Result<std::vector<std::unique_ptr<Step>>> FuseSqlSteps(
    std::vector<std::unique_ptr<Step>> steps, std::shared_ptr<arrow::Schema> input_schema);

}  // namespace catchwater
