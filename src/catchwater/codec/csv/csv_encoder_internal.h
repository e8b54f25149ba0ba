/// \file
/// Rows -> CSV.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/batch/text_run.h"
#include "catchwater/codec/csv/csv_dialect_internal.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// Writes so that a decoder of the same dialect reads the same values: a text is quoted if it would
/// be read as something else (a delimiter, a quote, a line end, a null token, a comment). Numbers
/// are the shortest that read back, times are ISO with Z, nulls are empty. Lines end with a line
/// feed.
class CsvEncoder final : public Encoder {
 public:
  /// \retval kConfig if a column has a type that CSV has no text for (lists, structs, binary)
  static arrow::Result<std::unique_ptr<CsvEncoder>> Make(
      const CsvDialect& dialect, const NullTokens& null_tokens,
      const std::shared_ptr<arrow::Schema>& schema);

  /// \retval kBadData if a text needs quotes and the dialect has none
  arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) override;
  arrow::Status Finish(std::string* bytes) override;

 private:
  CsvEncoder(const CsvDialect& dialect, const NullTokens& null_tokens,
             std::shared_ptr<arrow::Schema> schema);

  arrow::Status WriteHeader(std::string* bytes);
  arrow::Status WriteCell(const arrow::Array& column, int64_t row, bool is_first,
                          std::string* bytes) const;
  arrow::Status WriteText(std::string_view text, bool is_first, std::string* bytes) const;
  bool NeedsQuotes(std::string_view text, bool is_first) const;

  const CsvDialect dialect_;
  const NullTokens null_tokens_;
  const std::shared_ptr<arrow::Schema> schema_;
  std::string null_text_;
  std::string special_;  // Characters that a text without quotes must not have.
  bool has_header_to_write_;
};

}  // namespace catchwater
