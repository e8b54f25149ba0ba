/// \file
/// Text and native values -> one Arrow column of the declared type. Shared by all codecs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "catchwater/batch/column.h"
#include "catchwater/batch/text_run.h"

namespace catchwater {

/// Builds one column. One thread at a time. Appends never throw away: a value that cannot be read
/// appends null and returns false, and `reason()` then says why; the caller marks the row as dead
/// and filters it out at the end, so that all columns keep the same length.
class ColumnBuilder {
 public:
  virtual ~ColumnBuilder() = default;

  /// \retval kConfig if the column's format, zone, values or precision make no sense
  static arrow::Result<std::unique_ptr<ColumnBuilder>> Make(const Column& column);

  virtual arrow::Status Reserve(int64_t row_count) = 0;
  /// Appends the text of a value; surrounding blanks of numbers are not accepted. Strings must be
  /// valid UTF-8. A timestamp without an offset is in the column's zone; a local time that does
  /// not exist (DST gap) is refused, one that exists twice is the first of the two.
  [[nodiscard]] virtual bool AppendText(std::string_view text) = 0;
  /// Appends a run of texts, as many AppendText would, without a call a row. Null tokens and absent
  /// texts become null. \return the rows that could not be read, ascending; usually none
  virtual std::vector<TextFailure> AppendTexts(const TextRun& run) = 0;
  virtual void AppendNull() = 0;
  /// Native values of formats that have types. A number for a string column becomes its shortest
  /// text; a number for a timestamp column needs an epoch format.
  [[nodiscard]] virtual bool AppendBool(bool value) = 0;
  [[nodiscard]] virtual bool AppendInt64(int64_t value) = 0;
  [[nodiscard]] virtual bool AppendDouble(double value) = 0;

  /// Why the last append returned false: "not an int64: 12x". Valid until the next append.
  virtual const std::string& reason() const = 0;
  virtual int64_t row_count() const = 0;
  virtual arrow::Result<std::shared_ptr<arrow::Array>> Finish() = 0;
};

}  // namespace catchwater
