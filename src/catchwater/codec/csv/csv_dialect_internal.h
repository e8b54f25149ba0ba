/// \file
/// How records and fields stand in the bytes: CsvConfig, checked and in single characters.
///
/// The grammar, which framer and decoder share (RFC 4180, and what it leaves open):
///   - Outside quotes a line feed ends a record; a carriage return before it belongs to the end.
///   - A field is quoted if its first character is the quote. In it a doubled quote is one quote; a
///     single one closes it. Any other quote is stray: the record is dead (csv.quote), and the
///     field goes on, unquoted, to the next delimiter or line end.
///   - An empty line is no record, nor is one that begins with the comment character.
///   - A quoted field that is open at the end of the input makes its first line a dead record; the
///     lines behind it are read anew.
#pragma once

#include <cstdint>

namespace catchwater {

struct CsvDialect {
  char delimiter = ',';
  char quote = '"';     // '\0': no character quotes.
  char comment = '\0';  // '\0': no character begins a comment.
  bool has_header = true;
  bool trims = false;
  bool takes_missing_as_null = false;
  bool ignores_extra = false;
  int64_t skip_row_count = 0;

  bool has_quote() const { return quote != '\0'; }
  bool has_comment() const { return comment != '\0'; }
};

}  // namespace catchwater
