/// \file
/// Reads one record, byte by byte where it must: the meaning of the grammar
/// (csv_dialect_internal.h) that the index is a quick way to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/codec/csv/csv_dialect_internal.h"

namespace catchwater {

/// A field, as offsets into the text that was scanned. For a quoted field without the quotes.
struct CsvField {
  size_t begin = 0;
  size_t end = 0;
  bool is_quoted = false;
  bool has_doubled_quotes = false;
};

struct CsvRecord {
  enum class Kind {
    kRecord,
    kSkipped,     ///< An empty line or a comment: no record.
    kStrayQuote,  ///< A record with a quote where none may be.
    kUnfinished,  ///< The text ends before the record does: no line end.
    kOpenQuote,   ///< The text ends inside quotes.
  };
  Kind kind = Kind::kRecord;
  size_t end = 0;       ///< Behind the line end.
  size_t text_end = 0;  ///< Before the line end.
  std::vector<CsvField> fields;
};

/// Reads the record that begins at `begin` into `record`, of which the memory is used again.
/// With is_end the end of the text ends a record too. \pre begin < text.size()
void ScanCsvRecord(std::string_view text, size_t begin, const CsvDialect& dialect, bool is_end,
                   CsvRecord& record);

/// Returns the offset behind the line end at or after `begin`, or the text's size.
size_t NextCsvLine(std::string_view text, size_t begin);

/// Takes blanks and tabs away from both sides of the field.
void TrimCsvField(std::string_view text, CsvField& field);

/// Takes one of each two quotes away, in place. \return the length that is left
size_t UndoubleQuotes(char* text, size_t length, char quote);

/// Returns the field's text without doubled quotes.
std::string CsvFieldText(std::string_view text, const CsvField& field, char quote);

}  // namespace catchwater
