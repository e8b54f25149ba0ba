#include <algorithm>
#include <cstring>
#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include "catchwater/base/error.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/codec/csv/csv_decoder_internal.h"

namespace catchwater {
namespace {

// Small enough that text and index stay in the first two caches while all columns are read.
constexpr size_t kStretchBytes = 32 << 10;
// After so many lines that open a quote which never closes, the rest of the input is one of them:
// each costs a search to the end.
constexpr int64_t kOpenQuotesMax = 16;

constexpr const char* kRuleFieldCount = "csv.field_count";
constexpr const char* kRuleQuote = "csv.quote";
constexpr const char* kRuleFrameBytes = "csv.frame_bytes";

template <typename ArrayType, typename Value>
std::shared_ptr<arrow::Array> TakeArray(std::vector<Value>& values) {
  const auto count = static_cast<int64_t>(values.size());
  auto array = std::make_shared<ArrayType>(count, arrow::Buffer::FromVector(std::move(values)));
  values.clear();
  return array;
}

}  // namespace

arrow::Result<std::unique_ptr<CsvDecoder>> CsvDecoder::Make(
    const CsvDialect& dialect, const std::vector<std::string>& null_tokens,
    const DecodeOptions& options) {
  std::vector<ColumnReader> columns;
  for (const Column& column : options.columns) {
    ARROW_ASSIGN_OR_RAISE(auto builder, ColumnBuilder::Make(column));
    columns.push_back(
        {.name = column.name,
         .builder = std::move(builder),
         .null_tokens = NullTokens(column.null_tokens.empty() ? null_tokens : column.null_tokens)});
  }
  auto decoder = std::unique_ptr<CsvDecoder>(new CsvDecoder(dialect, options, std::move(columns)));
  if (!dialect.has_header) {
    ARROW_ASSIGN_OR_RAISE(decoder->layout_of_order_, LayoutOfOrder(options.columns, 0));
    decoder->has_layout_of_order_ = true;
  }
  return decoder;
}

CsvDecoder::CsvDecoder(const CsvDialect& dialect, const DecodeOptions& options,
                       std::vector<ColumnReader> columns)
    : dialect_(dialect),
      options_(options),
      schema_(ArrowSchema(options.columns)),
      columns_(std::move(columns)),
      ends_(kStretchBytes + 65),
      table_(dialect, columns_.size()) {
  ends_[0] = static_cast<uint32_t>(-1);
}

arrow::Result<Split> CsvDecoder::Decode(const Block& block) {
  ARROW_ASSIGN_OR_RAISE(layout_, LayoutOf(block));
  ARROW_RETURN_NOT_OK(Begin(block));
  if (!block.reject_reason.empty()) {
    Reject(block);
    return Finish(block);
  }
  if (block.frame_ends.empty()) {
    ReadStream();
  } else {
    ReadFrames(block);
  }
  return Finish(block);
}

arrow::Result<const CsvLayout*> CsvDecoder::LayoutOf(const Block& block) const {
  if (block.preamble != nullptr) {
    const auto* layout = static_cast<const CsvLayout*>(block.preamble.get());
    const bool is_empty_file = layout->fields.empty() && !columns_.empty();
    CATCHWATER_CHECK(!is_empty_file || block.bytes->size() == 0,
                     "a partition without a header has no blocks");
    return layout;
  }
  if (has_layout_of_order_) return &layout_of_order_;
  return BadData("CSV messages have no header line, set `header: false` in the codec");
}

arrow::Status CsvDecoder::Begin(const Block& block) {
  block_ = &block;
  text_ = std::string_view(*block.bytes);
  row_count_ = 0;
  record_count_ = 0;
  open_quote_count_ = 0;
  dead_.clear();
  bad_rows_.clear();
  records_of_frame_.assign(block.frame_ends.size(), 0);
  const auto rows = static_cast<int64_t>(text_.size()) / bytes_per_row_;
  for (ColumnReader& column : columns_) {
    ARROW_RETURN_NOT_OK(column.builder->Reserve(rows + rows / 16 + 16));
  }
  if (options_.row_origins) {
    const auto row_capacity = static_cast<size_t>(rows + rows / 16 + 16);
    ordinals_.reserve(row_capacity);
    raw_begins_.reserve(row_capacity);
    raw_lengths_.reserve(row_capacity);
  }
  return arrow::Status::OK();
}

// The source could not deliver the record whole: what is there is its beginning.
void CsvDecoder::Reject(const Block& block) {
  ++record_count_;
  AddDead({.begin = 0, .end = text_.size()}, kRuleFrameBytes, "", block.reject_reason);
  dead_.back().letter.raw_bytes = block.reject_bytes;
}

void CsvDecoder::ReadStream() {
  CsvRowText place;
  size_t at = 0;
  while (at < text_.size()) {
    const size_t length = std::min(kStretchBytes, text_.size() - at);
    if (dialect_.has_comment()) {
      at = ReadRecords(at, at + length, text_.size(), place);
      continue;
    }
    const CsvIndex index =
        IndexCsv(text_.data() + at, length, dialect_.delimiter, dialect_.quote, ends_.data() + 1);
    if (!index.is_regular) {
      at = ReadRecords(at, at + length, text_.size(), place);
    } else if (index.byte_count == 0) {
      at = ReadRecords(at, at + 1, text_.size(), place);  // The one record that does not end.
    } else {
      if (!ReadTable(at, index)) ReadIndexed(at, index);
      at += index.byte_count;
    }
  }
}

void CsvDecoder::ReadFrames(const Block& block) {
  size_t begin = 0;
  for (size_t frame = 0; frame < block.frame_ends.size(); ++frame) {
    const auto end = static_cast<size_t>(block.frame_ends[frame]);
    CsvRowText place{.frame = frame};
    if (begin < end) ReadRecords(begin, end, end, place);
    records_of_frame_[frame] = place.row_in_frame;
    begin = end;
    if (table_.byte_count() >= kStretchBytes) FlushRows();
  }
  FlushRows();
}

// Whether the stretch is a table: all records have as many fields as they should, all lines end
// alike, and no line is empty.
bool CsvDecoder::IsTable(const char* text, const CsvIndex& index, bool& has_returns) const {
  const size_t field_count = layout_->field_count;
  const bool is_candidate = !index.has_quotes && !dialect_.trims && field_count > 0 &&
                            index.end_count == index.line_count * field_count &&
                            options_.frame_bytes_max >= static_cast<int64_t>(kStretchBytes);
  if (!is_candidate) return false;
  const uint32_t* line_end = ends_.data() + field_count;
  if (text[*line_end] != '\n' || *line_end == 0) return false;
  const size_t last = index.line_count * field_count;
  size_t return_count = 0;
  size_t wrong_count = 0;
  uint32_t before = ends_[0];
  for (size_t i = field_count; i <= last; i += field_count) {
    const uint32_t end = ends_[i];
    const bool has_return = text[end - 1] == '\r';
    return_count += static_cast<size_t>(has_return);
    wrong_count += static_cast<size_t>(text[end] != '\n');
    // Only with one field a record may be empty.
    wrong_count += static_cast<size_t>(end - before <= 1u + static_cast<unsigned>(has_return));
    before = end;
  }
  has_returns = return_count != 0;
  return wrong_count == 0 && (return_count == 0 || return_count == index.line_count);
}

bool CsvDecoder::ReadTable(size_t begin, const CsvIndex& index) {
  const char* text = text_.data() + begin;
  bool has_returns = false;
  if (!IsTable(text, index, has_returns)) return false;
  const size_t field_count = layout_->field_count;
  const auto row_at = [&](int64_t row) {
    const size_t before = static_cast<size_t>(row) * field_count;
    // Offsets wrap around at "before the stretch".
    return CsvRowText{
        .begin = begin + static_cast<uint32_t>(ends_[before] + 1),
        .end = begin + ends_[before + field_count] - static_cast<size_t>(has_returns)};
  };
  for (size_t i = 0; i < columns_.size(); ++i) {
    const size_t field = layout_->fields[i];
    const bool is_last = field + 1 == field_count;
    TextRun run{.base = text,
                .readable_end = text_.data() + text_.size(),
                .begins = ends_.data() + field,
                .ends = ends_.data() + field + 1,
                .stride = field_count,
                .begin_shift = 1,
                .end_shift = is_last && has_returns ? 1u : 0u,
                .row_count = static_cast<int64_t>(index.line_count),
                .byte_count_max = static_cast<int64_t>(index.byte_count)};
    run.is_ascii = index.is_ascii;
    Append(run, i, row_at);
  }
  if (options_.row_origins) AddPlaces(begin, index, has_returns);
  row_count_ += static_cast<int64_t>(index.line_count);
  record_count_ += static_cast<int64_t>(index.line_count);
  return true;
}

// Sorts the records of an indexed stretch into rows.
void CsvDecoder::ReadIndexed(size_t begin, const CsvIndex& index) {
  const std::string_view text = text_.substr(begin, index.byte_count);
  if (index.has_quotes) {
    table_.Copy(text);
  } else {
    table_.Borrow(text);
  }
  table_.set_is_ascii(index.is_ascii);
  const uint32_t* const ends = ends_.data() + 1;
  size_t first = 0;
  size_t record_begin = 0;
  for (size_t i = 0; i < index.end_count; ++i) {
    if (text[ends[i]] != '\n') continue;
    size_t record_end = ends[i];
    if (record_end > record_begin && text[record_end - 1] == '\r') --record_end;
    const size_t field_count = i - first + 1;
    const CsvRowText row{.begin = begin + record_begin, .end = begin + record_end};
    const auto field_at = [&](size_t field) {
      CsvField found{.begin = field == 0 ? record_begin : size_t{ends[first + field - 1]} + 1,
                     .end = field + 1 == field_count ? record_end : ends[first + field]};
      const bool is_quoted =
          index.has_quotes && found.begin < found.end && text[found.begin] == dialect_.quote;
      if (is_quoted) {
        return CsvField{.begin = found.begin + 1,
                        .end = found.end - 1,
                        .is_quoted = true,
                        .has_doubled_quotes = index.has_doubled_quotes};
      }
      if (dialect_.trims) TrimCsvField(text, found);
      return found;
    };
    if (record_begin != record_end && !Refuses(row, field_count)) {
      table_.AddRow(row, *layout_, field_count, field_at);
    }
    first = i + 1;
    record_begin = size_t{ends[i]} + 1;
  }
  FlushRows();
}

// Reads records one by one while they begin before `limit`. \return where the next one begins
size_t CsvDecoder::ReadRecords(size_t begin, size_t limit, size_t end, CsvRowText& place) {
  const bool has_frames = !block_->frame_ends.empty();
  const std::string_view text = text_.substr(0, end);
  size_t at = begin;
  while (at < std::min(limit, end)) {
    ScanCsvRecord(text, at, dialect_, /*is_end=*/true, record_);
    const size_t record_begin = at;
    at = record_.end;
    if (record_.kind == CsvRecord::Kind::kSkipped) continue;
    const CsvRowText row{.begin = record_begin,
                         .end = record_.text_end,
                         .frame = place.frame,
                         .row_in_frame = place.row_in_frame};
    if (has_frames) ++place.row_in_frame;
    if (record_.kind == CsvRecord::Kind::kOpenQuote) {
      at = ReadOpenQuote(record_begin, end, row);
    } else if (record_.kind == CsvRecord::Kind::kStrayQuote) {
      ++record_count_;
      AddDead(row, kRuleQuote, "",
              "a quote stands inside an unquoted field or behind a quoted one");
    } else if (!Refuses(row, record_.fields.size())) {
      const size_t offset = table_.Copy(text.substr(record_begin, at - record_begin));
      table_.AddRow(row, *layout_, record_.fields.size(), [&](size_t field) {
        CsvField moved = record_.fields[field];
        moved.begin = moved.begin - record_begin + offset;
        moved.end = moved.end - record_begin + offset;
        return moved;
      });
    }
  }
  if (!has_frames) FlushRows();
  return at;
}

// A quote opens that never closes: its line is dead, the lines behind it are read anew.
size_t CsvDecoder::ReadOpenQuote(size_t begin, size_t end, const CsvRowText& place) {
  ++record_count_;
  const std::string_view text = text_.substr(0, end);
  const size_t next = ++open_quote_count_ <= kOpenQuotesMax ? NextCsvLine(text, begin) : end;
  CsvRowText row = place;
  row.end = next;
  if (row.end > begin && text[row.end - 1] == '\n') --row.end;
  if (row.end > begin && text[row.end - 1] == '\r') --row.end;
  AddDead(row, kRuleQuote, "", "a quoted field is never closed");
  return next;
}

std::string CsvDecoder::CountFault(size_t field_count) const {
  const size_t wanted = layout_->field_count;
  const size_t least = wanted > 0 ? wanted : layout_->field_max + 1;
  const bool is_short = field_count < least && !dialect_.takes_missing_as_null;
  const bool is_long = wanted > 0 && field_count > wanted && !dialect_.ignores_extra;
  if (!is_short && !is_long) return "";
  return "record has " + std::to_string(field_count) + (field_count == 1 ? " field" : " fields") +
         " instead of " + (wanted > 0 ? "" : "at least ") + std::to_string(least);
}

// Buries the record if its shape is wrong. Counts it in any case.
bool CsvDecoder::Refuses(const CsvRowText& row, size_t field_count) {
  ++record_count_;
  if (static_cast<int64_t>(row.end - row.begin) > options_.frame_bytes_max) {
    AddDead(row, kRuleFrameBytes, "",
            "record is longer than frame_bytes_max, bytes: " + std::to_string(row.end - row.begin));
    return true;
  }
  std::string fault = CountFault(field_count);
  if (fault.empty()) return false;
  AddDead(row, kRuleFieldCount, "", std::move(fault));
  return true;
}

void CsvDecoder::FlushRows() {
  const std::vector<CsvRowText>& rows = table_.rows();
  if (!rows.empty()) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      Append(table_.Run(i), i, [&](int64_t row) { return rows[static_cast<size_t>(row)]; });
    }
    if (options_.row_origins) {
      for (const CsvRowText& row : rows) AddPlace(row);
    }
    row_count_ += static_cast<int64_t>(rows.size());
  }
  table_.Clear();
}

template <typename RowAt>
void CsvDecoder::Append(const TextRun& run, size_t column, RowAt&& row_at) {
  ColumnReader& reader = columns_[column];
  TextRun own_run = run;
  own_run.null_tokens = &reader.null_tokens;
  for (TextFailure& failure : reader.builder->AppendTexts(own_run)) {
    bad_rows_.push_back(row_count_ + failure.row);
    AddDead(row_at(failure.row),
            std::string(failure.is_missing ? kRuleColumnRequired : kRuleColumnType), reader.name,
            std::move(failure.reason));
  }
}

void CsvDecoder::AddPlace(const CsvRowText& row) {
  const bool has_frames = !block_->frame_ends.empty();
  ordinals_.push_back(has_frames ? block_->frame_ordinals[row.frame]
                                 : block_->origin.range.from.ordinal + row.begin);
  if (has_frames) rows_in_frame_.push_back(row.row_in_frame);
  raw_begins_.push_back(static_cast<uint32_t>(row.begin));
  raw_lengths_.push_back(static_cast<uint32_t>(row.end - row.begin));
}

// As AddPlace for all lines of a stretch that is a table, a column at a time.
void CsvDecoder::AddPlaces(size_t begin, const CsvIndex& index, bool has_returns) {
  const size_t before = ordinals_.size();
  const size_t count = index.line_count;
  ordinals_.resize(before + count);
  raw_begins_.resize(before + count);
  raw_lengths_.resize(before + count);
  uint64_t* ordinals = ordinals_.data() + before;
  uint32_t* begins = raw_begins_.data() + before;
  uint32_t* lengths = raw_lengths_.data() + before;
  const uint64_t ordinal = block_->origin.range.from.ordinal;
  const auto first = static_cast<uint32_t>(begin);
  const auto return_count = static_cast<uint32_t>(has_returns);
  const uint32_t* end = ends_.data();
  uint32_t line_begin = *end + 1;  // Offsets wrap around at "before the stretch".
  for (size_t row = 0; row < count; ++row) {
    end += layout_->field_count;
    begins[row] = first + line_begin;
    lengths[row] = *end - return_count - line_begin;
    ordinals[row] = ordinal + begins[row];
    line_begin = *end + 1;
  }
}

void CsvDecoder::AddDead(const CsvRowText& row, std::string rule, std::string field,
                         std::string reason) {
  const bool has_frames = !block_->frame_ends.empty();
  const std::string_view raw = text_.substr(row.begin, row.end - row.begin);
  DeadLetter letter;
  letter.frame_ordinal = has_frames ? block_->frame_ordinals[row.frame]
                                    : block_->origin.range.from.ordinal + row.begin;
  letter.row_in_frame = row.row_in_frame;
  letter.raw = raw.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax));
  letter.raw_bytes = static_cast<int64_t>(raw.size());
  letter.reason = std::move(reason);
  letter.rule = std::move(rule);
  letter.field = std::move(field);
  dead_.push_back({.letter = std::move(letter), .row = row});
}

arrow::Result<Split> CsvDecoder::Finish(const Block& block) {
  Split split;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (ColumnReader& column : columns_) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), column.builder->Finish());
  }
  split.good.rows = arrow::RecordBatch::Make(schema_, row_count_, std::move(arrays));
  split.good.origin = block.origin;
  if (options_.row_origins) {
    split.good.frame_ordinals = TakeArray<arrow::UInt64Array>(ordinals_);
    if (!block.frame_ends.empty()) {
      split.good.row_in_frame = TakeArray<arrow::UInt32Array>(rows_in_frame_);
    }
    split.good.raw_begin = TakeArray<arrow::UInt32Array>(raw_begins_);
    split.good.raw_length = TakeArray<arrow::UInt32Array>(raw_lengths_);
    split.good.raw = block.bytes;
  }
  if (!bad_rows_.empty()) {
    std::vector<uint8_t> keep(static_cast<size_t>(row_count_), 1);
    for (const int64_t row : bad_rows_) keep[static_cast<size_t>(row)] = 0;
    ARROW_ASSIGN_OR_RAISE(split.good, FilterBatch(std::move(split.good), keep));
  }
  if (record_count_ > 0) {
    bytes_per_row_ = std::max<int64_t>(1, static_cast<int64_t>(text_.size()) / record_count_);
  }
  BuryDead(block, split);
  return split;
}

// Fills in what only the whole block tells: lines, and whether a frame is dead.
void CsvDecoder::BuryDead(const Block& block, Split& split) {
  const bool has_frames = !block.frame_ends.empty();
  std::stable_sort(dead_.begin(), dead_.end(),
                   [](const Dead& a, const Dead& b) { return a.row.begin < b.row.begin; });
  // Of a row that failed in several columns the first one is told: columns came in their order.
  const auto is_same = [](const Dead& a, const Dead& b) { return a.row.begin == b.row.begin; };
  dead_.erase(std::unique(dead_.begin(), dead_.end(), is_same), dead_.end());
  const char* counted = text_.data();
  int64_t line = block.line_first;
  split.dead.reserve(dead_.size());
  for (Dead& dead : dead_) {
    if (line > 0) {
      const char* const begin = text_.data() + dead.row.begin;
      line += std::count(counted, begin, '\n');
      counted = begin;
    }
    dead.letter.line = line;
    dead.letter.is_frame = !has_frames || records_of_frame_[dead.row.frame] == 1;
    split.dead_frame_count += static_cast<int64_t>(dead.letter.is_frame);
    split.dead.push_back(std::move(dead.letter));
  }
  split.frame_count = has_frames ? static_cast<int64_t>(block.frame_ends.size()) : record_count_;
}

}  // namespace catchwater
