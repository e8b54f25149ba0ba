/// \file
/// How fast CSV text becomes columns, on one core: MB/s of text, per workload.
///   build/release/csv_decode_bench --benchmark_counters_tabular=true
#include <charconv>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <benchmark/benchmark.h>

#include "catchwater/base/error.h"
#include "catchwater/base/number.h"
#include "catchwater/base/random.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/codec/csv/csv_codec.h"

namespace catchwater {
namespace {

constexpr size_t kTextBytes = 200 << 20;
constexpr size_t kBlockBytes = 1 << 20;

struct Workload {
  std::string text;
  std::vector<Column> columns;
};

Column MakeColumn(std::string name, ColumnType type) {
  Column column;
  column.name = std::move(name);
  column.type = type;
  return column;
}

void AppendTime(int64_t row, std::string* text) {
  const size_t begin = text->size();
  AppendTimestamp(1'767'323'045'000'000 + row * 1'000'000, /*with_z=*/false, text);
  (*text)[begin + 10] = ' ';
}

/// 2026-01-02 03:04:05,S017,42
Workload Passengers() {
  Workload work;
  work.columns = {MakeColumn("timestamp", ColumnType::kTimestamp),
                  MakeColumn("sensor_id", ColumnType::kString),
                  MakeColumn("passengers", ColumnType::kInt64)};
  Random random(1);
  work.text = "timestamp,sensor_id,passengers\n";
  for (int64_t row = 0; work.text.size() < kTextBytes; ++row) {
    AppendTime(row / 58, &work.text);
    const uint64_t sensor = 1 + random.Below(58);
    work.text += sensor < 10 ? ",S00" : ",S0";
    AppendNumber(sensor, &work.text);
    work.text += ',';
    AppendNumber(random.Below(1200), &work.text);
    work.text += '\n';
  }
  return work;
}

/// 2014-04-01 00:00:00,18.324918539200002
Workload Readings() {
  Workload work;
  work.columns = {MakeColumn("timestamp", ColumnType::kTimestamp),
                  MakeColumn("value", ColumnType::kFloat64)};
  Random random(2);
  work.text = "timestamp,value\n";
  for (int64_t row = 0; work.text.size() < kTextBytes; ++row) {
    AppendTime(row * 300, &work.text);
    work.text += ',';
    AppendNumber(random.Uniform() * 100, &work.text);
    work.text += '\n';
  }
  return work;
}

/// "Goroka Airport","GKA",-6.0816898,145.39,1 : every text quoted, one of them with a quote in it.
Workload Quoted() {
  Workload work;
  work.columns = {MakeColumn("name", ColumnType::kString), MakeColumn("code", ColumnType::kString),
                  MakeColumn("latitude", ColumnType::kFloat64),
                  MakeColumn("longitude", ColumnType::kFloat64),
                  MakeColumn("id", ColumnType::kInt64)};
  Random random(3);
  work.text = "name,code,latitude,longitude,id\n";
  for (int64_t row = 0; work.text.size() < kTextBytes; ++row) {
    work.text += row % 100 == 0 ? "\"The \"\"Old\"\" Airport\",\"" : "\"Goroka Airport\",\"";
    for (int i = 0; i < 3; ++i) work.text += static_cast<char>('A' + random.Below(26));
    work.text += "\",";
    AppendNumber(static_cast<double>(random.Below(180'000'000)) / 1e6 - 90, &work.text);
    work.text += ',';
    AppendNumber(static_cast<double>(random.Below(360'000)) / 1e3 - 180, &work.text);
    work.text += ',';
    AppendNumber(row, &work.text);
    work.text += '\n';
  }
  return work;
}

std::unique_ptr<Codec> MakeCsv() {
  Registry registry;
  CATCHWATER_CHECK(RegisterCsvCodec(registry).ok(), "the codec registers");
  return registry.MakeCodec("csv").ValueOrDie();
}

std::vector<Block> CutIntoBlocks(const Workload& work, Framer& framer) {
  const std::string_view text = work.text;
  const Framer::Head head = framer.ReadHead(text.substr(0, kBlockBytes), false).ValueOrDie();
  const auto whole = arrow::Buffer::Wrap(text.data(), static_cast<size_t>(text.size()));
  std::vector<Block> blocks;
  auto at = static_cast<size_t>(head.byte_count);
  while (at < text.size()) {
    const bool is_end = at + kBlockBytes >= text.size();
    const int64_t length = framer.Cut(text.substr(at, kBlockBytes), is_end);
    Block block;
    block.bytes = arrow::SliceBuffer(whole, static_cast<int64_t>(at), length);
    block.origin.range.from.ordinal = at;
    block.preamble = head.preamble;
    blocks.push_back(std::move(block));
    at += static_cast<size_t>(length);
  }
  return blocks;
}

template <Workload (*kMake)()>
const Workload& TheWorkload() {
  static const Workload work = kMake();
  return work;
}

template <Workload (*kMake)()>
void Decode(benchmark::State& state) {
  const Workload& work = TheWorkload<kMake>();
  const auto codec = MakeCsv();
  const DecodeOptions options{.columns = work.columns, .row_origins = state.range(0) != 0};
  const auto framer = codec->MakeFramer(options).ValueOrDie();
  const auto decoder = codec->MakeDecoder(options).ValueOrDie();
  const std::vector<Block> blocks = CutIntoBlocks(work, *framer);
  int64_t row_count = 0;
  for (auto _ : state) {
    for (const Block& block : blocks) {
      const Split split = decoder->Decode(block).ValueOrDie();
      CATCHWATER_CHECK(split.dead.empty(), "the text is clean");
      row_count += split.good.rows->num_rows();
    }
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(work.text.size()));
  state.SetItemsProcessed(row_count);
}

template <Workload (*kMake)()>
void Cut(benchmark::State& state) {
  const Workload& work = TheWorkload<kMake>();
  const auto codec = MakeCsv();
  const auto framer = codec->MakeFramer({.columns = work.columns}).ValueOrDie();
  for (auto _ : state) benchmark::DoNotOptimize(CutIntoBlocks(work, *framer).size());
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(work.text.size()));
}

BENCHMARK(Decode<Passengers>)->ArgName("origins")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);
BENCHMARK(Decode<Readings>)->ArgName("origins")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(Decode<Quoted>)->ArgName("origins")->Arg(0)->Unit(benchmark::kMillisecond);
BENCHMARK(Cut<Passengers>)->Unit(benchmark::kMillisecond);
BENCHMARK(Cut<Quoted>)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace catchwater

BENCHMARK_MAIN();
