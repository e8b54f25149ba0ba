// Fuzz target: any bytes as a JSON partition. The first byte chooses settings and cuts. Routes that
// must agree: with and without learned layouts, whole and split, our reader and simdjson's DOM on
// what is JSON at all.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <simdjson.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/json/json_codec.h"
#include "catchwater/codec/json/json_decoder.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

DecodeOptions Options() {
  DecodeOptions options = MakeOptions({
      MakeColumn("a", ColumnType::kString),
      MakeColumn("b", ColumnType::kInt64, "x.b"),
      MakeColumn("c", ColumnType::kFloat64),
      MakeColumn("t", ColumnType::kTimestamp),
      MakeColumn("e", ColumnType::kString, "$.h"),
  });
  options.frame_bytes_max = 512;
  return options;
}

JsonConfig Config(uint8_t choice) {
  constexpr JsonFormat kFormats[] = {JsonFormat::kAuto, JsonFormat::kNdjson, JsonFormat::kArray,
                                     JsonFormat::kDocument};
  constexpr std::string_view kPaths[] = {"", "d[*]", "d[*].r", "d[*].r[*]"};
  JsonConfig config;
  config.format = kFormats[choice % 4];
  config.path = kPaths[(choice / 4) % 4];
  config.depth_max = 16;
  return config;
}

std::string Read(const JsonConfig& config, std::string_view text, int64_t read_bytes) {
  const auto codec = JsonCodec::Make(config).ValueOrDie();
  ReadSchedule schedule;
  for (int64_t end = read_bytes; end < static_cast<int64_t>(text.size()); end += read_bytes) {
    schedule.read_ends.push_back(end);
  }
  const auto decoded = DecodePartition(*codec, Options(), text, schedule);
  return decoded.ok() ? Describe(*decoded) : decoded.status().ToString();
}

std::string ReadLines(std::string_view text, JsonReader::Learning learning) {
  const auto decoder = JsonDecoder::Make({}, Options(), learning).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString(std::string(text) + "\n" + std::string(text));
  const Split split = decoder->Decode(block).ValueOrDie();
  CATCHWATER_CHECK(split.good.rows->ValidateFull().ok(), "the rows are sound");
  DecodedPartition partition;
  partition.rows = arrow::Table::FromRecordBatches({split.good.rows}).ValueOrDie();
  partition.dead = split.dead;
  partition.frame_count = split.frame_count;
  return Describe(partition);
}

// Long records are told by the source in one case and by the decoder in the other.
bool HasLongRecord(const std::string& described) {
  return described.find("frame_bytes_max") != std::string::npos;
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
  parser.allocate(1 << 16, 64);
  const simdjson::error_code error = parser.parse(copy).error();
  // Numbers that it cannot hold and depth are judged otherwise there.
  if (error == simdjson::NUMBER_ERROR || error == simdjson::DEPTH_ERROR) return;
  if (reader.fault().fault == JsonFault::kTooDeep) return;
  CATCHWATER_CHECK(is_json == (error == simdjson::SUCCESS), "two parsers agree on what is JSON");
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<uint8_t>(input.front());
  const std::string_view text = input.substr(1);
  CompareWithPeer(text);
  CATCHWATER_CHECK(ReadLines(text, JsonReader::Learning::kOn) ==
                       ReadLines(text, JsonReader::Learning::kOff),
                   "layouts change nothing");
  const JsonConfig config = Config(choice);
  const std::string whole = Read(config, text, 1 << 20);
  const std::string split = Read(config, text, 1 + choice / 16);
  CATCHWATER_CHECK(whole == split || HasLongRecord(whole) || HasLongRecord(split),
                   "cuts change nothing");
}

}  // namespace
}  // namespace catchwater

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t byte_count) {
  catchwater::Run({reinterpret_cast<const char*>(bytes), byte_count});
  return 0;
}
