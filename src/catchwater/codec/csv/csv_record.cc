#include <algorithm>
#include <cstring>

#include "catchwater/codec/csv/csv_record_internal.h"

namespace catchwater {
namespace {

constexpr size_t kNone = std::string_view::npos;

class RecordScanner {
 public:
  RecordScanner(std::string_view text, size_t begin, const CsvDialect& dialect, bool is_end,
                CsvRecord& record)
      : text_(text), at_(begin), dialect_(dialect), is_end_(is_end), record_(record) {}

  void Run() {
    record_.fields.clear();
    record_.kind = CsvRecord::Kind::kRecord;
    if (dialect_.has_comment() && text_[at_] == dialect_.comment) return SkipLine();
    const size_t begin = at_;
    while (TakeField()) {
    }
    const bool is_blank = record_.kind == CsvRecord::Kind::kRecord && record_.text_end == begin;
    if (is_blank) record_.kind = CsvRecord::Kind::kSkipped;
  }

 private:
  void SkipLine() {
    const size_t line_feed = text_.find('\n', at_);
    record_.kind = CsvRecord::Kind::kSkipped;
    if (line_feed == kNone && !is_end_) record_.kind = CsvRecord::Kind::kUnfinished;
    record_.end = line_feed == kNone ? text_.size() : line_feed + 1;
    record_.text_end = record_.end;
  }

  // Takes one field and the delimiter or line end behind it. \return true if another one follows
  bool TakeField() {
    if (dialect_.has_quote() && at_ < text_.size() && text_[at_] == dialect_.quote) {
      return TakeQuotedField();
    }
    return TakeUnquotedField({.begin = at_});
  }

  bool TakeQuotedField() {
    CsvField field{.begin = at_ + 1, .is_quoted = true};
    size_t next = at_ + 1;
    while (true) {
      const void* found = std::memchr(text_.data() + next, dialect_.quote, text_.size() - next);
      if (found == nullptr) return EndInside(CsvRecord::Kind::kOpenQuote);
      next = static_cast<size_t>(static_cast<const char*>(found) - text_.data()) + 1;
      if (next < text_.size() && text_[next] == dialect_.quote) {
        field.has_doubled_quotes = true;
        ++next;
        continue;
      }
      // More may come, and the first of it may be a quote.
      if (next == text_.size() && !is_end_) return EndInside(CsvRecord::Kind::kUnfinished);
      break;
    }
    field.end = next - 1;
    at_ = next;
    if (at_ == text_.size() || IsSeparator(text_[at_]) || IsReturnBeforeLineFeed(at_)) {
      record_.fields.push_back(field);
      return TakeSeparator();
    }
    if (text_[at_] == '\r' && at_ + 1 == text_.size()) {
      // A carriage return as the very last byte stands for a line end.
      if (!is_end_) return EndInside(CsvRecord::Kind::kUnfinished);
      record_.fields.push_back(field);
      return TakeSeparator();
    }
    record_.kind = CsvRecord::Kind::kStrayQuote;
    return TakeUnquotedField(field);
  }

  // Takes what is left up to the next separator.
  bool TakeUnquotedField(CsvField field) {
    const size_t begin = at_;
    while (at_ < text_.size() && !IsSeparator(text_[at_])) ++at_;
    field.end = at_;
    const std::string_view taken = text_.substr(begin, at_ - begin);
    if (dialect_.has_quote() && taken.find(dialect_.quote) != kNone) {
      record_.kind = CsvRecord::Kind::kStrayQuote;
    }
    const bool is_last = at_ == text_.size() || text_[at_] == '\n';
    if (is_last && field.end > begin && text_[field.end - 1] == '\r') --field.end;
    if (dialect_.trims && !field.is_quoted) TrimCsvField(text_, field);
    record_.fields.push_back(field);
    return TakeSeparator();
  }

  bool TakeSeparator() {
    if (at_ < text_.size() && text_[at_] == dialect_.delimiter) {
      ++at_;
      return true;
    }
    if (at_ == text_.size() || (text_[at_] == '\r' && at_ + 1 == text_.size())) {
      record_.text_end = at_;
      if (at_ > 0 && at_ == text_.size() && text_[at_ - 1] == '\r') --record_.text_end;
      at_ = text_.size();
      record_.end = at_;
      if (!is_end_) record_.kind = CsvRecord::Kind::kUnfinished;
      return false;
    }
    const size_t line_feed = text_[at_] == '\r' ? at_ + 1 : at_;
    record_.text_end = line_feed;
    if (line_feed > 0 && text_[line_feed - 1] == '\r') --record_.text_end;
    record_.end = line_feed + 1;
    return false;
  }

  bool EndInside(CsvRecord::Kind kind) {
    record_.kind = kind;
    record_.end = text_.size();
    record_.text_end = text_.size();
    return false;
  }

  bool IsSeparator(char letter) const { return letter == dialect_.delimiter || letter == '\n'; }
  bool IsReturnBeforeLineFeed(size_t at) const {
    return text_[at] == '\r' && at + 1 < text_.size() && text_[at + 1] == '\n';
  }

  const std::string_view text_;
  size_t at_;
  const CsvDialect& dialect_;
  const bool is_end_;
  CsvRecord& record_;
};

}  // namespace

void ScanCsvRecord(std::string_view text, size_t begin, const CsvDialect& dialect, bool is_end,
                   CsvRecord& record) {
  RecordScanner(text, begin, dialect, is_end, record).Run();
}

size_t NextCsvLine(std::string_view text, size_t begin) {
  const size_t line_feed = text.find('\n', begin);
  return line_feed == kNone ? text.size() : line_feed + 1;
}

void TrimCsvField(std::string_view text, CsvField& field) {
  const auto is_blank = [&](size_t i) { return text[i] == ' ' || text[i] == '\t'; };
  while (field.begin < field.end && is_blank(field.begin)) ++field.begin;
  while (field.begin < field.end && is_blank(field.end - 1)) --field.end;
}

size_t UndoubleQuotes(char* text, size_t length, char quote) {
  size_t kept = 0;
  for (size_t i = 0; i < length; ++i) {
    text[kept++] = text[i];
    if (text[i] == quote && i + 1 < length && text[i + 1] == quote) ++i;
  }
  return kept;
}

std::string CsvFieldText(std::string_view text, const CsvField& field, char quote) {
  std::string result(text.substr(field.begin, field.end - field.begin));
  if (field.has_doubled_quotes) result.resize(UndoubleQuotes(result.data(), result.size(), quote));
  return result;
}

}  // namespace catchwater
