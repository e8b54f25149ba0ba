/// \file
/// A text with values of a row in it: `results/{room}/{site}`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

/// Immutable; any thread.
class RowTemplate {
 public:
  /// \param option for messages, e.g. "topic"
  /// \param forbidden characters that neither the text nor a value may have, e.g. wildcards
  /// \retval kConfig braces that do not match, a forbidden character, or no such column
  static arrow::Result<RowTemplate> Parse(std::string option, const std::string& text,
                                          const arrow::Schema& schema, std::string_view forbidden);

  /// \retval kBadData a value is null or empty, or has a forbidden character
  arrow::Result<std::string> Of(const arrow::RecordBatch& rows, int64_t row) const;
  /// The same for all rows.
  bool is_constant() const;

 private:
  struct Part {
    std::string text;
    int column = -1;  // Of the schema, behind the text; -1: none.
  };
  std::string option_;
  std::string forbidden_;
  std::vector<Part> parts_;
};

}  // namespace catchwater
