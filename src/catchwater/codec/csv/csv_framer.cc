#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/codec/csv/csv_framer_internal.h"
#include "catchwater/codec/csv/csv_header_internal.h"
#include "catchwater/codec/csv/csv_index_internal.h"

namespace catchwater {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool IsUtf16(std::string_view bytes) {
  return bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF");
}

Framer::Head MakeHead(std::string_view bytes, size_t byte_count, CsvLayout layout) {
  const std::string_view head = bytes.substr(0, byte_count);
  return {.byte_count = static_cast<int64_t>(byte_count),
          .line_count = std::count(head.begin(), head.end(), '\n'),
          .preamble = std::make_shared<const CsvLayout>(std::move(layout))};
}

// Returns where the stream begins behind a mark and the lines to skip; nothing: more is needed.
std::optional<size_t> SkipToHeader(std::string_view bytes, bool is_end, int64_t line_count) {
  if (!is_end && bytes.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(bytes)) {
    return std::nullopt;
  }
  size_t begin = bytes.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  for (int64_t line = 0; line < line_count; ++line) {
    const size_t line_feed = bytes.find('\n', begin);
    if (line_feed == std::string_view::npos) {
      if (!is_end) return std::nullopt;
      return bytes.size();
    }
    begin = line_feed + 1;
  }
  return begin;
}

}  // namespace

CsvFramer::CsvFramer(const CsvDialect& dialect, std::vector<Column> columns, int64_t head_bytes_max)
    : dialect_(dialect), columns_(std::move(columns)), head_bytes_max_(head_bytes_max) {}

arrow::Result<Framer::Head> CsvFramer::ReadHead(std::string_view bytes, bool is_end) {
  if (IsUtf16(bytes)) return BadData("CSV is in UTF-16; it must be UTF-8");
  const std::optional<size_t> begin = SkipToHeader(bytes, is_end, dialect_.skip_row_count);
  if (!begin) return NeedsMore(bytes);
  return dialect_.has_header ? ReadHeader(bytes, *begin, is_end)
                             : PeekAtFirstRecord(bytes, *begin, is_end);
}

arrow::Result<Framer::Head> CsvFramer::NeedsMore(std::string_view bytes) const {
  if (static_cast<int64_t>(bytes.size()) > head_bytes_max_) {
    return BadData("CSV header is longer than frame_bytes_max: ", head_bytes_max_);
  }
  Head head;
  head.needs_more = true;
  return head;
}

arrow::Result<Framer::Head> CsvFramer::ReadHeader(std::string_view bytes, size_t begin,
                                                  bool is_end) {
  do {
    if (begin >= bytes.size()) {
      if (!is_end) return NeedsMore(bytes);
      return MakeHead(bytes, bytes.size(), {});  // Nothing in it: no header, no rows.
    }
    ScanCsvRecord(bytes, begin, dialect_, is_end, record_);
    const bool is_cut =
        record_.kind == CsvRecord::Kind::kUnfinished || record_.kind == CsvRecord::Kind::kOpenQuote;
    if (is_cut && !is_end) return NeedsMore(bytes);
    if (record_.kind != CsvRecord::Kind::kSkipped) break;
    begin = record_.end;
  } while (true);
  if (record_.kind != CsvRecord::Kind::kRecord) {
    return BadData("CSV header has a quote that is stray or never closed");
  }
  std::vector<std::string> names;
  names.reserve(record_.fields.size());
  for (const CsvField& field : record_.fields) {
    names.push_back(CsvFieldText(bytes, field, dialect_.quote));
  }
  ARROW_ASSIGN_OR_RAISE(CsvLayout layout, LayoutOfHeader(names, columns_));
  return MakeHead(bytes, record_.end, std::move(layout));
}

arrow::Result<Framer::Head> CsvFramer::PeekAtFirstRecord(std::string_view bytes, size_t begin,
                                                         bool is_end) {
  size_t field_count = 0;
  for (size_t at = begin; at < bytes.size() || !is_end; at = record_.end) {
    if (at >= bytes.size()) return NeedsMore(bytes);
    ScanCsvRecord(bytes, at, dialect_, is_end, record_);
    const bool is_cut =
        record_.kind == CsvRecord::Kind::kUnfinished || record_.kind == CsvRecord::Kind::kOpenQuote;
    if (is_cut && !is_end) {
      // A first record beyond all bounds is the source's matter; its fields stay unknown.
      if (static_cast<int64_t>(bytes.size()) <= head_bytes_max_) return NeedsMore(bytes);
      break;
    }
    if (record_.kind == CsvRecord::Kind::kSkipped) continue;
    if (record_.kind == CsvRecord::Kind::kRecord) field_count = record_.fields.size();
    break;
  }
  ARROW_ASSIGN_OR_RAISE(CsvLayout layout, LayoutOfOrder(columns_, field_count));
  return MakeHead(bytes, begin, std::move(layout));
}

int64_t CsvFramer::Cut(std::string_view bytes, bool is_end) {
  if (is_end || bytes.empty()) return static_cast<int64_t>(bytes.size());
  if (dialect_.has_comment()) return CutSlowly(bytes);
  if (!dialect_.has_quote() || std::memchr(bytes.data(), dialect_.quote, bytes.size()) == nullptr) {
    const size_t last = bytes.rfind('\n');
    return last == std::string_view::npos ? 0 : static_cast<int64_t>(last) + 1;
  }
  const int64_t end = LastRecordEnd(bytes.data(), bytes.size(), dialect_.delimiter, dialect_.quote);
  return end >= 0 ? end : CutSlowly(bytes);
}

int64_t CsvFramer::CutSlowly(std::string_view bytes) {
  size_t end = 0;
  while (end < bytes.size()) {
    ScanCsvRecord(bytes, end, dialect_, /*is_end=*/false, record_);
    if (record_.kind == CsvRecord::Kind::kUnfinished ||
        record_.kind == CsvRecord::Kind::kOpenQuote) {
      break;
    }
    end = record_.end;
  }
  return static_cast<int64_t>(end);
}

int64_t CsvFramer::Resync(std::string_view bytes) {
  const size_t line_feed = bytes.find('\n');
  return line_feed == std::string_view::npos ? -1 : static_cast<int64_t>(line_feed) + 1;
}

}  // namespace catchwater
