/// \file
/// Columns from the `k=v` parts of paths.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/crawl/found_files.h"
#include "catchwater/lake/iceberg/literal.h"

namespace catchwater {

/// The partition columns of the files, in the order of their paths: int32, int64 or date32 if all
/// values read as that and stay the same written back, else utf8.
/// \retval kConfig naming a file if not all files have the same ones
arrow::Result<std::vector<std::shared_ptr<arrow::Field>>> PathColumnsOf(
    const std::vector<CrawledFile>& files);

/// One value as the type. \retval kConfig if it is none
arrow::Result<Literal> PathValue(const std::optional<std::string>& text, const IcebergType& type);

}  // namespace catchwater
