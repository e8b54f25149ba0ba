/// \file
/// The reference of `enrich`: a CSV or Parquet file, or a lake table, as one record batch.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/component/table_reader.h"
#include "catchwater/io/files.h"

namespace catchwater {

/// What is wanted of a reference.
struct ReferenceRequest {
  /// Types that columns must have: CSV text is read as them, others are cast without loss.
  std::vector<std::shared_ptr<arrow::Field>> typed;
  /// Further columns, of the type that they have; empty: all there are, unless is_closed.
  std::vector<std::string> others;
  bool is_closed = false;
  int64_t row_count_max = 0;
};

/// One thread at a time.
class ReferenceReader {
 public:
  virtual ~ReferenceReader() = default;

  /// Returns the columns: typed, then others; other columns have one of the types of a declared
  /// column (component/column.h): times are timestamp(us, UTC), integers int32 or int64.
  /// \retval kConfig a column is not there, a value is not of its type, or too many rows
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Read(
      const ReferenceRequest& request) = 0;
  /// A text that changes when the rows change. Cheap.
  virtual arrow::Result<std::string> Version() = 0;
  /// For messages: "sensors.csv".
  virtual const std::string& name() const = 0;
};

/// A file whose name ends in .csv (a header line, commas), .tsv, or .parquet.
/// \retval kConfig another ending
arrow::Result<std::unique_ptr<ReferenceReader>> MakeFileReference(const std::string& path,
                                                                  const std::string& name,
                                                                  Files& files);
std::unique_ptr<ReferenceReader> MakeTableReference(const std::string& table_key,
                                                    TableReader& tables);

}  // namespace catchwater
