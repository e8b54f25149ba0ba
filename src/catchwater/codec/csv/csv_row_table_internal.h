/// \file
/// Rows that wait for the column builders: where their fields stand, and in which memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "catchwater/batch/text_run.h"
#include "catchwater/codec/csv/csv_dialect_internal.h"
#include "catchwater/codec/csv/csv_header_internal.h"
#include "catchwater/codec/csv/csv_record_internal.h"

namespace catchwater {

/// Where a record stands in its block.
struct CsvRowText {
  size_t begin = 0;
  size_t end = 0;    ///< Before the line end.
  size_t frame = 0;  ///< Index of its frame; 0 if the records are the frames.
  uint32_t row_in_frame = 0;
};

/// One thread at a time. Use: Open | Append a text, then AddRow for its records; read; Clear.
class CsvRowTable {
 public:
  CsvRowTable(const CsvDialect& dialect, size_t column_count)
      : dialect_(dialect), column_count_(column_count) {}

  /// Fields stand in this text, which outlives the rows and has no quotes.
  void Borrow(std::string_view text);
  /// Fields stand in a copy of the text, which is appended to what was copied before.
  /// \return the offset of the copy: to be added to the fields' offsets
  size_t Copy(std::string_view text);

  /// Adds a row. `field(i)` returns the i-th of `field_count` fields as a CsvField; those that are
  /// not there are absent.
  template <typename FieldAt>
  void AddRow(const CsvRowText& row, const CsvLayout& layout, size_t field_count,
              FieldAt&& field_at) {
    rows_.push_back(row);
    const size_t span_count = spans_.size();
    spans_.resize(span_count + 2 * column_count_);
    uint32_t* span = spans_.data() + span_count;
    for (const size_t field : layout.fields) {
      if (field < field_count) {
        CsvField found = field_at(field);
        if (found.has_doubled_quotes) Undouble(found);
        begin_last_ = static_cast<uint32_t>(found.begin);
        span[0] = begin_last_;
        span[1] = static_cast<uint32_t>(found.end);
      } else {
        span[0] = begin_last_;
        span[1] = begin_last_ + TextRun::kAbsent;
      }
      span += 2;
    }
  }

  /// Says that all bytes of the texts are below 0x80. Until Clear.
  void set_is_ascii(bool is_ascii) { is_ascii_ = is_ascii; }

  /// The texts of one column, for all rows.
  TextRun Run(size_t column) const;
  const std::vector<CsvRowText>& rows() const { return rows_; }
  size_t byte_count() const { return is_copy_ ? copy_size_ : borrowed_.size(); }
  void Clear();

 private:
  void Undouble(CsvField& field);
  char* copied() { return copy_.data(); }

  const CsvDialect dialect_;
  const size_t column_count_;
  std::vector<CsvRowText> rows_;
  std::vector<uint32_t> spans_;  // Begin and end of each column of each row.
  uint32_t begin_last_ = 0;      // Begins must ascend, those of absent fields too.
  std::string_view borrowed_;
  std::vector<char> copy_;  // With padding behind copy_size_.
  size_t copy_size_ = 0;
  bool is_copy_ = false;
  bool is_ascii_ = false;
};

}  // namespace catchwater
