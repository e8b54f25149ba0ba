// How fast JSON becomes columns, on one core. Bytes per second are of the JSON text.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <benchmark/benchmark.h>

#include "catchwater/base/random.h"
#include "catchwater/codec/json/json_decoder.h"
#include "catchwater/codec/json/json_framer.h"

namespace catchwater {
namespace {

constexpr size_t kBlockBytes = 1 << 20;

Column MakeColumn(std::string name, ColumnType type) {
  Column column;
  column.name = std::move(name);
  column.type = type;
  return column;
}

DecodeOptions ReadingOptions(bool row_origins) {
  DecodeOptions options;
  options.columns = {
      MakeColumn("ts", ColumnType::kTimestamp), MakeColumn("sensor_id", ColumnType::kString),
      MakeColumn("temperature", ColumnType::kFloat64), MakeColumn("humidity", ColumnType::kInt64),
      MakeColumn("status", ColumnType::kString)};
  options.row_origins = row_origins;
  return options;
}

std::string TwoDigits(uint64_t number) {
  return std::string(number < 10 ? "0" : "") + std::to_string(number);
}

/// What a sensor sends. \param optional_percent how many records lack the field `status`
std::string Reading(Random& random, uint64_t optional_percent) {
  std::string record =
      "{\"ts\":\"2026-01-" + TwoDigits(1 + random.Below(28)) + "T" + TwoDigits(random.Below(24)) +
      ":" + TwoDigits(random.Below(60)) + ":" + TwoDigits(random.Below(60)) +
      "Z\",\"sensor_id\":\"S0" + TwoDigits(random.Below(58)) +
      "\",\"temperature\":" + std::to_string(random.Below(40)) + "." +
      TwoDigits(random.Below(100)) + ",\"humidity\":" + std::to_string(random.Below(101));
  if (random.Below(100) >= optional_percent) record += ",\"status\":\"ok\"";
  return record + "}";
}

std::string Lines(uint64_t optional_percent) {
  Random random(1);
  std::string text;
  while (text.size() < kBlockBytes) text += Reading(random, optional_percent) + "\n";
  return text;
}

std::string ArrayOverManyLines() {
  Random random(1);
  std::string text = "[\n";
  while (text.size() < kBlockBytes) {
    std::string record = Reading(random, 0);
    for (size_t at = record.find(",\""); at != record.npos; at = record.find(",\"", at + 5)) {
      record.insert(at + 1, "\n    ");
    }
    text += "  " + record + ",\n";
  }
  return text + "  " + Reading(random, 0) + "\n]\n";
}

void DecodeText(benchmark::State& state, const std::string& text, bool row_origins,
                JsonReader::Learning learning) {
  const DecodeOptions options = ReadingOptions(row_origins);
  JsonFramer framer({}, JsonPlans::Make({}, options.columns).ValueOrDie(), 16 << 20);
  const Framer::Head head = framer.ReadHead(text, /*is_end=*/true).ValueOrDie();
  Block block;
  block.bytes = arrow::Buffer::FromString(text.substr(static_cast<size_t>(head.byte_count)));
  block.preamble = head.preamble;
  block.origin.range.from.ordinal = static_cast<uint64_t>(head.byte_count);
  const auto decoder = JsonDecoder::Make({}, options, learning).ValueOrDie();
  int64_t row_count = 0;
  for (auto _ : state) {
    const Split split = decoder->Decode(block).ValueOrDie();
    if (!split.dead.empty()) state.SkipWithError("a record is dead");
    row_count += split.good.rows->num_rows();
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * block.bytes->size());
  state.SetItemsProcessed(row_count);
}

void BM_Lines(benchmark::State& state) {
  DecodeText(state, Lines(0), false, JsonReader::Learning::kOn);
}
void BM_LinesWithOrigins(benchmark::State& state) {
  DecodeText(state, Lines(0), true, JsonReader::Learning::kOn);
}
void BM_LinesWithAnOptionalField(benchmark::State& state) {
  DecodeText(state, Lines(30), false, JsonReader::Learning::kOn);
}
void BM_LinesWithoutLayouts(benchmark::State& state) {
  DecodeText(state, Lines(0), false, JsonReader::Learning::kOff);
}
void BM_ArrayOverManyLines(benchmark::State& state) {
  DecodeText(state, ArrayOverManyLines(), false, JsonReader::Learning::kOn);
}
BENCHMARK(BM_Lines);
BENCHMARK(BM_LinesWithOrigins);
BENCHMARK(BM_LinesWithAnOptionalField);
BENCHMARK(BM_LinesWithoutLayouts);
BENCHMARK(BM_ArrayOverManyLines);

void BM_CutElements(benchmark::State& state) {
  const std::string text = ArrayOverManyLines();
  JsonFramer framer({}, JsonPlans::Make({}, ReadingOptions(false).columns).ValueOrDie(), 16 << 20);
  const Framer::Head head = framer.ReadHead(text, /*is_end=*/true).ValueOrDie();
  const std::string_view elements = std::string_view(text).substr(2);
  for (auto _ : state) {
    benchmark::DoNotOptimize(framer.CutAfter(head.preamble.get(), elements, /*is_end=*/false));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * elements.size()));
}
BENCHMARK(BM_CutElements);

}  // namespace
}  // namespace catchwater

BENCHMARK_MAIN();
