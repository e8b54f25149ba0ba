// Fuzz target: any bytes as points. Nothing may crash, every line is accounted for, a cut changes
// nothing, and a point that is read says the same when it is written and read again.
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
#include "catchwater/codec/influx_line/influx_line_codec.h"

namespace catchwater {
namespace {

DecodeOptions Options() {
  DecodeOptions options;
  options.row_origins = true;
  const auto add = [&](std::string name, ColumnType type) {
    Column column;
    column.name = std::move(name);
    column.type = type;
    options.columns.push_back(std::move(column));
  };
  add("tag.a", ColumnType::kString);
  add("n", ColumnType::kInt64);
  add("x", ColumnType::kFloat64);
  add("s", ColumnType::kString);
  add("b", ColumnType::kBool);
  add("time", ColumnType::kTimestamp);
  return options;
}

Split Decode(Decoder& decoder, std::string_view text, uint64_t ordinal) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(text));
  block.origin.range.from.ordinal = ordinal;
  Split split = decoder.Decode(block).ValueOrDie();
  CATCHWATER_CHECK(split.good.rows->ValidateFull().ok(), "the rows are sound");
  CATCHWATER_CHECK(
      split.frame_count == split.good.rows->num_rows() + static_cast<int64_t>(split.dead.size()),
      "a line is a row, a dead letter, or none");
  for (const DeadLetter& letter : split.dead) {
    CATCHWATER_CHECK(!letter.reason.empty() && !letter.rule.empty(), "a dead letter says why");
  }
  return split;
}

std::string Told(const Split& split) {
  std::string told;
  for (int64_t row = 0; row < split.good.rows->num_rows(); ++row) {
    for (const auto& column : split.good.rows->columns()) {
      told += "|" + column->GetScalar(row).ValueOrDie()->ToString();
    }
    told += "\n";
  }
  return told;
}

// Rows without any field, and strings that a writer must change, do not come back.
void WriteAndReadAgain(const InfluxLineCodec& codec, Decoder& decoder, const Split& split) {
  const auto encoder = codec.MakeEncoder(split.good.rows->schema()).ValueOrDie();
  for (int64_t row = 0; row < split.good.rows->num_rows(); ++row) {
    std::string written;
    const auto one = split.good.rows->Slice(row, 1);
    CATCHWATER_CHECK(encoder->Encode(*one, &written).ok(), "points can be written");
    if (written.empty()) continue;
    const Split again = Decode(decoder, written, 0);
    CATCHWATER_CHECK(again.good.rows->num_rows() <= 1, "a point is one line");
    if (again.good.rows->num_rows() == 0) continue;
    for (const char* name : {"n", "b"}) {
      CATCHWATER_CHECK(again.good.rows->GetColumnByName(name)->Equals(one->GetColumnByName(name)),
                       "a point that is written says the same");
    }
  }
}

void Run(std::string_view text) {
  if (text.empty() || text.size() > (1 << 14)) return;
  const InfluxLineCodec codec(
      {.measurement = "m", .time = "time", .tags = {}, .fields = {"n", "x", "s", "b"}});
  const auto decoder = codec.MakeDecoder(Options()).ValueOrDie();
  const Split whole = Decode(*decoder, text, 0);
  const size_t cut = std::min(text.find('\n', text.size() / 2), text.size() - 1) + 1;
  const std::string parts = Told(Decode(*decoder, text.substr(0, cut), 0)) +
                            Told(Decode(*decoder, text.substr(cut), cut));
  CATCHWATER_CHECK(Told(whole) == parts, "cuts change nothing");
  WriteAndReadAgain(codec, *decoder, whole);
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
