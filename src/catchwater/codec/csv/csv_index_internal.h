/// \file
/// Finds delimiters and line ends 64 bytes at a time. Pure; any thread.
/// Source: G. Langdale and D. Lemire, "Parsing Gigabytes of JSON per Second" (2019), section 3.
#pragma once

#include <cstddef>
#include <cstdint>

namespace catchwater {

/// What a stretch of text has in it. The stretch begins at a record.
struct CsvIndex {
  /// Delimiters and line feeds outside quotes, as offsets, up to the last line feed, ascending.
  size_t end_count = 0;
  size_t line_count = 0;  ///< Line feeds among them.
  size_t byte_count = 0;  ///< Up to behind the last of these line feeds; 0: there is none.
  bool has_quotes = false;
  bool has_doubled_quotes = false;  ///< Two quotes stand side by side; also those of `""`.
  /// False: a quote stands where none may be, so inside and outside cannot be told: read the
  /// records one by one.
  bool is_regular = true;
  bool is_ascii = true;
};

/// Indexes `length` bytes. \pre `ends` has room for length + 64 offsets; length < 2^32
CsvIndex IndexCsv(const char* text, size_t length, char delimiter, char quote, uint32_t* ends);

/// Returns the offset just behind the last line feed outside quotes, 0 if there is none, or -1 if
/// quotes are irregular.
int64_t LastRecordEnd(const char* text, size_t length, char delimiter, char quote);

/// The same without the instructions that not all processors have: for tests.
CsvIndex IndexCsvPortably(const char* text, size_t length, char delimiter, char quote,
                          uint32_t* ends);
int64_t LastRecordEndPortably(const char* text, size_t length, char delimiter, char quote);

}  // namespace catchwater
