/// \file
/// The makers of builders, one a family of types. ColumnBuilder::Make chooses.
#pragma once

#include <memory>

#include <arrow/result.h>

#include "catchwater/batch/column_builder.h"

namespace catchwater {

/// bool, int32, int64, float32, float64, decimal.
arrow::Result<std::unique_ptr<ColumnBuilder>> MakeNumberBuilder(const Column& column);
/// date, timestamp.
arrow::Result<std::unique_ptr<ColumnBuilder>> MakeTimeBuilder(const Column& column);
/// string, enum.
arrow::Result<std::unique_ptr<ColumnBuilder>> MakeStringBuilder(const Column& column);

}  // namespace catchwater
