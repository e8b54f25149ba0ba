#include <algorithm>
#include <cstring>

#include "catchwater/codec/csv/csv_row_table_internal.h"

namespace catchwater {
namespace {

// What is kept from one use to the next; a single huge record is let go.
constexpr size_t kCopyBytesKept = 1 << 20;

}  // namespace

void CsvRowTable::Borrow(std::string_view text) {
  borrowed_ = text;
  is_copy_ = false;
}

size_t CsvRowTable::Copy(std::string_view text) {
  is_copy_ = true;
  const size_t offset = copy_size_;
  copy_size_ += text.size();
  if (copy_.size() < copy_size_ + kTextPaddingBytes) {
    copy_.resize(std::max(copy_size_ + kTextPaddingBytes, copy_.size() * 2));
  }
  std::memcpy(copied() + offset, text.data(), text.size());
  return offset;
}

void CsvRowTable::Undouble(CsvField& field) {
  char* const begin = copied() + field.begin;
  if (std::memchr(begin, dialect_.quote, field.end - field.begin) == nullptr) return;
  field.end = field.begin + UndoubleQuotes(begin, field.end - field.begin, dialect_.quote);
}

TextRun CsvRowTable::Run(size_t column) const {
  const char* base = is_copy_ ? copy_.data() : borrowed_.data();
  return {.base = base,
          .readable_end = is_copy_ ? base + copy_.size() : base + borrowed_.size(),
          .begins = spans_.data() + 2 * column,
          .ends = spans_.data() + 2 * column + 1,
          .stride = 2 * column_count_,
          .row_count = static_cast<int64_t>(rows_.size()),
          .byte_count_max = static_cast<int64_t>(byte_count()),
          .is_ascii = is_ascii_,
          .quote = dialect_.quote};
}

void CsvRowTable::Clear() {
  rows_.clear();
  spans_.clear();
  begin_last_ = 0;
  borrowed_ = {};
  copy_size_ = 0;
  is_ascii_ = false;
  if (copy_.size() > kCopyBytesKept) copy_ = std::vector<char>();
}

}  // namespace catchwater
