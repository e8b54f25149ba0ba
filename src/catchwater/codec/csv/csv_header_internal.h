/// \file
/// Which field of a record belongs to which column: by the header, by `#3`, or by order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"
#include "catchwater/codec/csv/csv_dialect_internal.h"

namespace catchwater {

/// What the head of a CSV partition tells. Immutable.
struct CsvLayout final : Preamble {
  /// How many fields a record must have; 0: unknown, any number that has all the columns.
  size_t field_count = 0;
  /// Per column of DecodeOptions: its field.
  std::vector<size_t> fields;
  size_t field_max = 0;              ///< The last of them.
  std::vector<std::string> names{};  ///< Of all fields, as the header has them; empty without one.
};

/// Finds each column's name (`from`, or the column's own) in the header, exactly.
/// \retval kBadData if a column is not there or its name stands there twice
arrow::Result<CsvLayout> LayoutOfHeader(const std::vector<std::string>& names,
                                        const std::vector<Column>& columns);

/// Places columns without a header: `#3` is the third field; else all in their order.
/// `field_count`: of the first record, 0 if not known. Counts when places are given.
/// \retval kConfig if only some columns have a place, or a place is not #1 to #1000000
arrow::Result<CsvLayout> LayoutOfOrder(const std::vector<Column>& columns, size_t field_count);

}  // namespace catchwater
