/// \file
/// Arrow columns -> the rows of an INSERT ... VALUES, for servers that do not take COPY.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

namespace catchwater {

/// Appends `(1, 'a', 7), (...)` for the rows for which keep is empty or true; the last value counts
/// up from the ordinal. \pre PgTypeOf knows the types of all columns
/// \return how many rows
int64_t AppendValues(const arrow::RecordBatch& rows, const std::vector<bool>& keep,
                     int64_t* ordinal, std::string* sql);

}  // namespace catchwater
