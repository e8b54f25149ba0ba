// Fuzz target: any bytes as a JSON partition. The first byte chooses settings and cuts. Routes that
// must agree: with and without learned layouts, whole and split, our reader and simdjson's DOM on
// what is JSON at all.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/table.h>
#include <simdjson.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_decoder.h"
#include "catchwater/codec/json/json_framer.h"

namespace catchwater {
namespace {

Column MakeColumn(std::string name, ColumnType type, std::string from = "") {
  Column column;
  column.name = std::move(name);
  column.type = type;
  column.from = std::move(from);
  return column;
}

DecodeOptions Options() {
  DecodeOptions options;
  options.columns = {
      MakeColumn("a", ColumnType::kString),        MakeColumn("b", ColumnType::kInt64, "x.b"),
      MakeColumn("c", ColumnType::kFloat64),       MakeColumn("t", ColumnType::kTimestamp),
      MakeColumn("e", ColumnType::kString, "$.h"),
  };
  options.row_origins = true;
  return options;
}

JsonOptions Settings(uint8_t choice) {
  constexpr JsonFormat kFormats[] = {JsonFormat::kAuto, JsonFormat::kNdjson, JsonFormat::kArray,
                                     JsonFormat::kDocument};
  constexpr std::string_view kPaths[] = {"", "d[*]", "d[*].r", "d[*].r[*]"};
  JsonOptions options{.format = kFormats[choice % 4], .depth_max = 16};
  options.path = ParseJsonPath(kPaths[(choice / 4) % 4]).ValueOrDie();
  return options;
}

/// Everything that a decoder said of a partition.
struct Told {
  arrow::RecordBatchVector rows;
  std::string places;
  std::string dead;
  int64_t frame_count = 0;
  int64_t dead_frame_count = 0;

  bool operator==(const Told& other) const {
    const auto table = [](const Told& told) {
      const auto schema = ArrowSchema(Options().columns);
      return arrow::Table::FromRecordBatches(schema, told.rows)
          .ValueOrDie()
          ->CombineChunksToBatch()
          .ValueOrDie();
    };
    return places == other.places && dead == other.dead && frame_count == other.frame_count &&
           dead_frame_count == other.dead_frame_count && table(*this)->Equals(*table(other));
  }
};

void Decode(JsonDecoder& decoder, const Framer::Head& head, std::string_view bytes,
            uint64_t ordinal, Told& told) {
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(bytes));
  block.preamble = head.preamble;
  block.origin.range.from.ordinal = ordinal;
  const Split split = decoder.Decode(block).ValueOrDie();
  CATCHWATER_CHECK(split.good.rows->ValidateFull().ok(), "the rows are sound");
  told.rows.push_back(split.good.rows);
  for (int64_t i = 0; i < split.good.rows->num_rows(); ++i) {
    told.places += split.good.frame_ordinals->GetScalar(i).ValueOrDie()->ToString() + ":" +
                   split.good.row_in_frame->GetScalar(i).ValueOrDie()->ToString() + " ";
  }
  for (const DeadLetter& letter : split.dead) {
    told.dead += std::to_string(letter.frame_ordinal) + ":" + std::to_string(letter.row_in_frame) +
                 letter.rule + letter.field + letter.reason + letter.raw + "\n";
  }
  told.frame_count += split.frame_count;
  told.dead_frame_count += split.dead_frame_count;
}

Told Read(const JsonOptions& settings, std::string_view text, size_t read_bytes,
          JsonReader::Learning learning) {
  const DecodeOptions options = Options();
  JsonFramer framer(settings, JsonPlans::Make(settings, options.columns).ValueOrDie(), 1 << 20);
  const auto decoder = JsonDecoder::Make(settings, options, learning).ValueOrDie();
  const Framer::Head head = framer.ReadHead(text, /*is_end=*/true).ValueOrDie();
  Told told;
  auto offset = static_cast<size_t>(head.byte_count);
  for (size_t end = offset; offset < text.size();) {
    end = end + read_bytes < text.size() ? end + read_bytes : text.size();
    const std::string_view bytes = text.substr(offset, end - offset);
    const auto cut = static_cast<size_t>(
        framer.CutAfter(head.preamble.get(), bytes, /*is_end=*/end == text.size()));
    if (cut > 0) Decode(*decoder, head, bytes.substr(0, cut), offset, told);
    offset += cut;
  }
  return told;
}

void CompareWithPeer(std::string_view text) {
  JsonReader reader(FieldTree(), 64, JsonReader::Learning::kOff);
  const std::string copy(text);
  const char* const end = copy.data() + copy.size();
  const char* const begin = SkipJsonBlanks(copy.data(), end);
  const char* const behind = reader.Read(begin, begin, end, nullptr);
  const bool is_json = behind != nullptr && SkipJsonBlanks(behind, end) == end &&
                       ValidUtf8Prefix(copy) == static_cast<int64_t>(copy.size());
  simdjson::dom::parser parser;
  CATCHWATER_CHECK(parser.allocate(1 << 16, 64) == simdjson::SUCCESS, "there is memory");
  const simdjson::error_code error = parser.parse(copy).error();
  // Numbers that it cannot hold and depth are judged otherwise there.
  if (error == simdjson::NUMBER_ERROR || error == simdjson::DEPTH_ERROR) return;
  if (reader.fault().fault == JsonFault::kTooDeep) return;
  CATCHWATER_CHECK(is_json == (error == simdjson::SUCCESS), "two parsers agree on what is JSON");
}

void Run(std::string_view input) {
  if (input.empty() || input.size() > (1 << 16)) return;
  const auto choice = static_cast<uint8_t>(input.front());
  const std::string_view text = input.substr(1);
  CompareWithPeer(text);
  const JsonOptions settings = Settings(choice);
  // Twice the same, so that what is learned from the first half is used in the second.
  const std::string twice = std::string(text) + "\n" + std::string(text);
  const Told whole = Read(settings, twice, twice.size(), JsonReader::Learning::kOn);
  CATCHWATER_CHECK(whole == Read(settings, twice, twice.size(), JsonReader::Learning::kOff),
                   "layouts change nothing");
  CATCHWATER_CHECK(whole == Read(settings, twice, 1 + choice / 16, JsonReader::Learning::kOn),
                   "cuts change nothing");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
