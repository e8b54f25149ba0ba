/// \file
/// The declared type that columns of an Arrow type have.
#pragma once

#include <string>

#include <arrow/type.h>

#include "catchwater/batch/column.h"

namespace catchwater {

/// A type that no column can be declared with is taken for a string.
Column ColumnOfType(std::string name, const arrow::DataType& type);

}  // namespace catchwater
