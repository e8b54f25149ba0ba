// Fuzz target: any bytes as a CSV file. Nothing may crash or read beyond its bytes; however the
// file is cut, the rows and the dead letters are the same; every record is accounted for; and where
// Arrow's reader and ours both take a file, they read the same texts.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>
#include <arrow/csv/api.h>
#include <arrow/io/memory.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/csv/csv_decoder_internal.h"
#include "catchwater/codec/csv/csv_framer_internal.h"

namespace catchwater {
namespace {

struct Outcome {
  std::string text;  // Rows and dead letters with their places.
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  int64_t dead_count = 0;
};

DecodeOptions Options() {
  DecodeOptions options;
  options.columns.resize(2);
  options.columns[0].name = "a";
  options.columns[1].name = "b";
  options.row_origins = true;
  return options;
}

void Note(const Split& split, Outcome& outcome) {
  const arrow::RecordBatch& rows = *split.good.rows;
  CATCHWATER_CHECK(rows.ValidateFull().ok(), "batches are valid");
  const auto& ordinals = static_cast<const arrow::UInt64Array&>(*split.good.frame_ordinals);
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    outcome.text += std::to_string(ordinals.Value(row));
    for (const auto& column : rows.columns()) {
      outcome.text += " | " + column->GetScalar(row).ValueOrDie()->ToString();
    }
    outcome.text += "\n";
  }
  std::string dead;
  for (const DeadLetter& letter : split.dead) {
    CATCHWATER_CHECK(!letter.reason.empty() && !letter.rule.empty(), "a dead letter says why");
    dead += "!" + std::to_string(letter.frame_ordinal) + " line " + std::to_string(letter.line) +
            " " + letter.rule + " " + letter.raw + "\n";
  }
  outcome.text += dead;
  outcome.dead_count += static_cast<int64_t>(split.dead.size());
  CATCHWATER_CHECK(split.frame_count == rows.num_rows() + split.dead_frame_count,
                   "a frame is a row or a dead letter");
  outcome.batches.push_back(split.good.rows);
}

// Decodes [begin, end) from a buffer of exactly that size, so that sanitizers see reads beyond it.
Split Decode(Decoder& decoder, const Framer::Head& head, std::string_view text, size_t begin,
             size_t end) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(text.substr(begin, end - begin)));
  block.origin.range.from.ordinal = begin;
  block.preamble = head.preamble;
  block.line_first = 1;
  for (const char letter : text.substr(0, begin)) block.line_first += letter == '\n' ? 1 : 0;
  return decoder.Decode(block).ValueOrDie();
}

// Reads the file in two parts, or whole if the cut is at its end. \return false if it has no header
bool Read(const CsvDialect& dialect, std::string_view text, size_t cut, Outcome& outcome) {
  const DecodeOptions options = Options();
  CsvFramer framer(dialect, options.columns, options.frame_bytes_max);
  const auto decoder = CsvDecoder::Make(dialect, {}, options).ValueOrDie();
  const auto head = framer.ReadHead(text, /*is_end=*/true);
  if (!head.ok()) return false;
  const auto begin = static_cast<size_t>(head->byte_count);
  size_t middle = begin;
  if (cut > begin) {
    middle += static_cast<size_t>(framer.Cut(text.substr(begin, cut - begin), /*is_end=*/false));
  }
  if (middle > begin) Note(Decode(*decoder, *head, text, begin, middle), outcome);
  if (middle < text.size()) Note(Decode(*decoder, *head, text, middle, text.size()), outcome);
  return true;
}

// Rows come before dead letters within a part, so lines are compared as a set.
std::string Sorted(const std::string& text) {
  std::vector<std::string> lines;
  size_t begin = 0;
  for (size_t end = text.find('\n'); end != text.npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const std::string& line : lines) sorted += line + "\n";
  return sorted;
}

// Arrow takes a lone carriage return as a line end; else the grammars agree on clean files.
void CompareWithArrow(const CsvDialect& dialect, std::string_view text, const Outcome& ours) {
  const bool is_comparable = !dialect.has_comment() && !dialect.trims && ours.dead_count == 0 &&
                             !ours.batches.empty() && text.find('\r') == text.npos &&
                             text.find('\0') == text.npos;
  if (!is_comparable) return;
  auto parse = arrow::csv::ParseOptions::Defaults();
  parse.delimiter = dialect.delimiter;
  parse.quoting = dialect.has_quote();
  parse.newlines_in_values = true;
  auto convert = arrow::csv::ConvertOptions::Defaults();
  convert.column_types = {{"a", arrow::utf8()}, {"b", arrow::utf8()}};
  convert.strings_can_be_null = false;
  const auto input =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::string(text)));
  const auto reader = arrow::csv::TableReader::Make(
      arrow::io::default_io_context(), input, arrow::csv::ReadOptions::Defaults(), parse, convert);
  if (!reader.ok()) return;
  const auto theirs = (*reader)->Read();
  if (!theirs.ok()) return;
  const auto table = arrow::Table::FromRecordBatches(ours.batches).ValueOrDie();
  if ((*theirs)->num_columns() != 2 || table->num_rows() == 0) return;
  for (int i = 0; i < 2; ++i) {
    CATCHWATER_CHECK(table->column(i)->Equals(*(*theirs)->column(i)), "both read the same");
  }
}

void Run(uint8_t setting, uint8_t place, std::string_view body) {
  CsvDialect dialect;
  if ((setting & 1) != 0) dialect.delimiter = ';';
  if ((setting & 2) != 0) dialect.quote = '\0';
  if ((setting & 4) != 0) dialect.comment = '#';
  dialect.trims = (setting & 8) != 0;
  dialect.takes_missing_as_null = (setting & 16) != 0;
  dialect.ignores_extra = (setting & 32) != 0;
  const std::string header =
      (setting & 64) != 0 ? "" : std::string("a") + dialect.delimiter + "b\n";
  const std::string text = header + std::string(body);

  Outcome whole;
  if (!Read(dialect, text, text.size(), whole)) return;
  for (size_t cut : {header.size() + place % (body.size() + 1), text.size() / 2}) {
    Outcome parts;
    CATCHWATER_CHECK(Read(dialect, text, cut, parts), "the header is still there");
    CATCHWATER_CHECK(Sorted(whole.text) == Sorted(parts.text), "a cut changes nothing");
  }
  CompareWithArrow(dialect, text, whole);
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  if (byte_count < 2 || byte_count > 1 << 16) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes), byte_count);
  catchwater::Run(bytes[0], bytes[1], text.substr(2));
  return 0;
}
