/// \file
/// Rows as a table of text for people.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>

namespace catchwater {

/// Appends a value as people read it: shortest numbers, ISO times with Z, `true`; nothing for null.
/// Control characters of texts are escaped, so that data cannot move the cursor.
void AppendCell(const arrow::Array& column, int64_t row, std::string* text);

struct TextTableOptions {
  int64_t rows_max = 40;   ///< More are counted in the last line.
  int64_t width_max = 60;  ///< Of a column, in characters; longer texts end in `…`.
};

/// Draws the rows in a box, numbers to the right:
///   ┌───────────┬───────┐
///   │ sensor_id │ total │
///   ├───────────┼───────┤
///   │ S001      │    42 │
///   └───────────┴───────┘
std::string DrawTable(const arrow::Schema& schema,
                      const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
                      const TextTableOptions& options = {});

}  // namespace catchwater
