// Fuzz target: the first line is a format string of an access log, the rest is its lines. Nothing
// may crash, every line is accounted for, and a cut changes nothing.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/regex/log_format.h"
#include "catchwater/codec/regex/pattern_decoder.h"

namespace catchwater {
namespace {

constexpr size_t kFormatBytesMax = 500;

std::string Decode(Decoder& decoder, std::string_view text, uint64_t ordinal, int64_t* counted) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(text));
  block.origin.range.from.ordinal = ordinal;
  const Split split = decoder.Decode(block).ValueOrDie();
  const arrow::RecordBatch& rows = *split.good.rows;
  CATCHWATER_CHECK(rows.ValidateFull().ok(), "the rows are sound");
  std::string told;
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    told += split.good.frame_ordinals->GetScalar(row).ValueOrDie()->ToString();
    for (const auto& column : rows.columns()) {
      told += "|" + column->GetScalar(row).ValueOrDie()->ToString();
    }
    told += "\n";
  }
  for (const DeadLetter& letter : split.dead) {
    CATCHWATER_CHECK(!letter.reason.empty() && !letter.rule.empty(), "a dead letter says why");
  }
  CATCHWATER_CHECK(split.frame_count == rows.num_rows() + static_cast<int64_t>(split.dead.size()),
                   "a line is a row, a dead letter, or empty");
  *counted += split.frame_count;
  return told;
}

void Run(std::string_view input) {
  const size_t format_end = std::min(input.find('\n'), input.size());
  const auto format = ParseLogFormat(input.substr(0, format_end));
  if (!format.ok() || format_end > kFormatBytesMax) return;
  auto regex = CompilePattern(format->pattern, /*is_latin1=*/true);
  if (!regex.ok()) return;  // Non-ASCII names and the like.
  const auto pattern =
      std::make_shared<const LinePattern>(LinePattern{.format = "access_log",
                                                      .regex = *regex,
                                                      .skip_empty = true,
                                                      .null_tokens = {"-"},
                                                      .time_formats = format->time_formats,
                                                      .escaped_groups = format->escaped_groups});
  DecodeOptions options;
  options.row_origins = true;
  for (const auto& [name, group] : (*regex)->NamedCapturingGroups()) {
    Column column;
    column.name = name;
    options.columns.push_back(std::move(column));
  }
  const auto decoder = PatternDecoder::Make(pattern, options).ValueOrDie();
  const std::string_view text = input.substr(std::min(format_end + 1, input.size()));
  int64_t whole_count = 0;
  const std::string whole = Decode(*decoder, text, 0, &whole_count);
  const size_t cut = std::min(text.find('\n', text.size() / 2), text.size() - 1) + 1;
  if (text.empty()) return;
  int64_t part_count = 0;
  std::string parts = Decode(*decoder, text.substr(0, cut), 0, &part_count);
  parts += Decode(*decoder, text.substr(cut), cut, &part_count);
  CATCHWATER_CHECK(whole == parts && whole_count == part_count, "cuts change nothing");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
