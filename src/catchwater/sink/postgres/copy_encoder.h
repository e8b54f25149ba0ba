/// \file
/// Arrow columns -> rows of COPY ... (FORMAT binary).
/// Source: PostgreSQL 15 documentation, COPY, "Binary Format"; numeric: src/backend/utils/adt/
/// numeric.c, numeric_recv.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

/// The PostgreSQL type of a column: `text`, `bigint`, `numeric(12,3)`, `timestamp with time zone`.
/// \retval kConfig for a type that has none
arrow::Result<std::string> PgTypeOf(const arrow::DataType& type);

/// Stateless but for the header; one thread at a time.
class CopyEncoder {
 public:
  /// \retval kConfig for a type that cannot be sent
  static arrow::Result<CopyEncoder> Make(const std::shared_ptr<arrow::Schema>& schema);

  static void AppendHeader(std::string* bytes);
  static void AppendTrailer(std::string* bytes);
  /// Appends the rows for which keep is empty or true. With `ordinal` each gets one more column,
  /// a bigint that counts up from it. NUL characters, which PostgreSQL's text cannot hold, are left
  /// out. \return how many rows
  int64_t AppendRows(const arrow::RecordBatch& rows, const std::vector<bool>& keep,
                     int64_t* ordinal, std::string* bytes) const;

 private:
  using AppendValue = void (*)(const arrow::Array& array, int64_t row, std::string* bytes);
  std::vector<AppendValue> appends_;  // By column.
};

}  // namespace catchwater
