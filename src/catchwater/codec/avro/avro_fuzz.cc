// Fuzz target: any bytes as a container file, and as a message. Nothing may crash, what is read is
// accounted for, a cut changes nothing, and a refused record of a file is refused again when it is
// read alone.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/avro/avro_codec.h"

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
  add("id", ColumnType::kInt64);
  add("at", ColumnType::kTimestamp);
  add("device", ColumnType::kString);
  add("device.name", ColumnType::kString);
  add("value", ColumnType::kFloat64);
  return options;
}

struct Told {
  std::string rows;
  std::vector<std::string> dead;

  bool operator==(const Told&) const = default;
};

void Note(const Split& split, Told& told) {
  const arrow::RecordBatch& rows = *split.good.rows;
  CATCHWATER_CHECK(rows.ValidateFull().ok(), "the rows are sound");
  for (int64_t row = 0; row < rows.num_rows(); ++row) {
    told.rows += split.good.frame_ordinals->GetScalar(row).ValueOrDie()->ToString();
    for (const auto& column : rows.columns()) {
      told.rows += "|" + column->GetScalar(row).ValueOrDie()->ToString();
    }
    told.rows += "\n";
  }
  for (const DeadLetter& letter : split.dead) {
    CATCHWATER_CHECK(!letter.reason.empty() && !letter.rule.empty(), "a dead letter says why");
    told.dead.push_back(std::to_string(letter.frame_ordinal) + letter.rule + letter.raw);
  }
  CATCHWATER_CHECK(split.dead_frame_count <= split.frame_count, "dead frames are frames");
}

Told ReadFile(const Codec& codec, std::string_view text, size_t read_bytes) {
  Told told;
  const DecodeOptions options = Options();
  const auto framer = codec.MakeFramer(options).ValueOrDie();
  const auto decoder = codec.MakeDecoder(options).ValueOrDie();
  const auto head = framer->ReadHead(text, /*is_end=*/true);
  if (!head.ok() || head->preamble == nullptr) return told;
  auto offset = static_cast<size_t>(head->byte_count);
  for (size_t end = offset; offset < text.size();) {
    end = std::min(end + read_bytes, text.size());
    const std::string_view bytes = text.substr(offset, end - offset);
    const auto cut = static_cast<size_t>(
        framer->CutAfter(head->preamble.get(), bytes, /*is_end=*/end == text.size()));
    if (cut == 0) continue;
    Block block;
    block.bytes = arrow::Buffer::FromString(std::string(bytes.substr(0, cut)));
    block.preamble = head->preamble;
    block.origin.range.from.ordinal = offset;
    // A beginning of a block that reads as one of a file is a message, not the next block.
    if (bytes.starts_with(AvroHeader::kMagic)) return {};
    Note(decoder->Decode(block).ValueOrDie(), told);
    offset += cut;
  }
  return told;
}

void ReadMessage(const Codec& codec, std::string_view text) {
  const auto decoder = codec.MakeDecoder(Options()).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(text));
  block.frame_ends = {static_cast<int64_t>(text.size())};
  block.frame_ordinals = {0};
  Told told;
  Note(decoder->Decode(block).ValueOrDie(), told);
}

void Run(std::string_view text) {
  if (text.empty() || text.size() > (1 << 14)) return;
  const auto codec = AvroCodec::Make({}).ValueOrDie();
  const Told whole = ReadFile(*codec, text, text.size());
  CATCHWATER_CHECK(whole == ReadFile(*codec, text, 1 + static_cast<uint8_t>(text.back())),
                   "cuts change nothing");
  ReadMessage(*codec, text);
  const auto bare = AvroCodec::Make(
      {.schema = R"({"type": "record", "name": "R", "fields": [{"name": "id", "type": "long"},
        {"name": "device", "type": ["null", {"type": "map", "values": ["int", "string"]}]},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}]})"});
  ReadMessage(**bare, text);
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
