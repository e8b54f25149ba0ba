/// \file
/// Rows a second of each step on one core, on batches of 100,000 sensor readings.
///   step_bench [--benchmark_filter=...]
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <benchmark/benchmark.h>

#include "catchwater/batch/recent_keys.h"
#include "catchwater/batch/row_hash.h"
#include "catchwater/batch/select_rows.h"
#include "catchwater/config/environment.h"
#include "catchwater/sql/sql_rules.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/transform/deduplicate/deduplicate_step.h"
#include "catchwater/transform/derive/derive_step.h"
#include "catchwater/transform/enrich/enrich_step.h"
#include "catchwater/transform/select/select_step.h"
#include "catchwater/transform/validate/validate_step.h"

namespace catchwater {
namespace {

constexpr int64_t kBatchRows = 100'000;
constexpr int64_t kSensorCount = 1'000;

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("sensor_id", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("temperature", arrow::float64()),
                        arrow::field("humidity", arrow::float64())});
}

/// Readings of all sensors in turn, a second apart; a tenth has no temperature, a tenth is hot.
Batch Readings(int64_t first_row, int64_t row_count) {
  arrow::StringBuilder ids;
  arrow::TimestampBuilder times(Schema()->field(1)->type(), arrow::default_memory_pool());
  arrow::DoubleBuilder temperatures;
  arrow::DoubleBuilder humidities;
  arrow::UInt64Builder ordinals;
  for (int64_t row = first_row; row < first_row + row_count; ++row) {
    const int64_t mixed = row * 7'919 % 1'000;
    (void)ids.Append("sensor_" + std::to_string(row % kSensorCount));
    (void)times.Append(1'700'000'000'000'000 + row / kSensorCount * 1'000'000);
    (void)(mixed < 100 ? temperatures.AppendNull()
                       : temperatures.Append(static_cast<double>(mixed) / 11.0));
    (void)humidities.Append(static_cast<double>(mixed) / 10.0);
    (void)ordinals.Append(static_cast<uint64_t>(row));
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(
      Schema(), row_count,
      {ids.Finish().ValueOrDie(), times.Finish().ValueOrDie(), temperatures.Finish().ValueOrDie(),
       humidities.Finish().ValueOrDie()});
  batch.frame_ordinals = ordinals.Finish().ValueOrDie();
  return batch;
}

struct Room {
  Room() {
    for (auto* add : {RegisterSelectStep, RegisterDeriveStep, RegisterValidateStep,
                      RegisterEnrichStep, RegisterDeduplicateStep}) {
      (void)add(registry);
    }
    std::string csv = "sensor_id,site,room\n";
    for (int64_t i = 0; i < kSensorCount; ++i) {
      csv += "sensor_" + std::to_string(i) + ",site_" + std::to_string(i % 20) + "," +
             std::to_string(i % 100) + "\n";
    }
    files.Put("sensors.csv", csv);
  }
  std::unique_ptr<Step> Make(const std::string& yaml) {
    Diagnostics diagnostics;
    const auto node = ParseYamlText("bench.yaml", yaml, Environment::FromMap({}), diagnostics);
    const auto chosen = registry.ChooseStep(node, diagnostics);
    Column event_time;
    event_time.name = "ts";
    event_time.is_event_time = true;
    return chosen
        ->make(StepContext{.input_schema = Schema(),
                           .columns = {event_time},
                           .name = chosen->name + "[0]",
                           .files = files,
                           .clock = clock,
                           .project_folder = "",
                           .table_reader = nullptr})
        .ValueOrDie();
  }
  Registry registry;
  MemoryFiles files;
  FakeClock clock;
};

void RunStep(benchmark::State& state, const std::string& yaml, int64_t batch_rows = kBatchRows) {
  Room room;
  auto step = room.Make(yaml);
  const Batch batch = Readings(0, batch_rows);
  for (auto _ : state) {
    auto split = step->Apply(batch);
    if (!split.ok()) state.SkipWithError(split.status().ToString().c_str());
    benchmark::DoNotOptimize(split);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * batch_rows);
}

constexpr const char* kCondition = "temperature IS NOT NULL AND temperature < 80";

void SelectSimple(benchmark::State& state) { RunStep(state, std::string("select: ") + kCondition); }
void SelectKeepsAll(benchmark::State& state) { RunStep(state, "select: humidity >= 0"); }
void SelectByDuckDb(benchmark::State& state) {
  RunStep(state, "select: temperature IS NOT NULL AND temperature + 0 < 80");
}
void SelectByDuckDbOneRow(benchmark::State& state) {
  RunStep(state, "select: temperature + 0 < 80", 1);
}
void DeriveNumber(benchmark::State& state) {
  RunStep(state, "derive: {f: temperature * 1.8 + 32}");
}
void DeriveText(benchmark::State& state) { RunStep(state, "derive: {name: upper(sensor_id)}"); }
void ValidateRange(benchmark::State& state) {
  RunStep(state, "validate: {temperature: {range: [0, 200]}}");
}
void ValidateRegex(benchmark::State& state) {
  RunStep(state, "validate: {sensor_id: {regex: '^sensor_[0-9]+$'}}");
}
void EnrichFromCsv(benchmark::State& state) {
  RunStep(state, "enrich: {with: sensors.csv, key: sensor_id}");
}
BENCHMARK(SelectSimple)->Unit(benchmark::kMillisecond);
BENCHMARK(SelectKeepsAll)->Unit(benchmark::kMillisecond);
BENCHMARK(SelectByDuckDb)->Unit(benchmark::kMillisecond);
BENCHMARK(SelectByDuckDbOneRow)->Unit(benchmark::kMillisecond);
BENCHMARK(DeriveNumber)->Unit(benchmark::kMillisecond);
BENCHMARK(DeriveText)->Unit(benchmark::kMillisecond);
BENCHMARK(ValidateRange)->Unit(benchmark::kMillisecond);
BENCHMARK(ValidateRegex)->Unit(benchmark::kMillisecond);
BENCHMARK(EnrichFromCsv)->Unit(benchmark::kMillisecond);

/// New keys all the time, an hour (3.6 M keys) remembered.
void Deduplicate(benchmark::State& state) {
  Room room;
  auto step = room.Make("deduplicate: {key: [sensor_id, ts], within: 1h}");
  constexpr int64_t kBatches = 100;
  std::vector<Batch> batches;
  for (int64_t i = 0; i < kBatches; ++i) batches.push_back(Readings(i * kBatchRows, kBatchRows));
  size_t next = 0;
  for (auto _ : state) {
    if (next == batches.size()) {
      state.PauseTiming();
      step = room.Make("deduplicate: {key: [sensor_id, ts], within: 1h}");
      next = 0;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(step->Apply(batches[next++]));
    step->Committed();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatchRows);
}
BENCHMARK(Deduplicate)->Unit(benchmark::kMillisecond)->Iterations(300);

void HashKeys(benchmark::State& state) {
  const Batch batch = Readings(0, kBatchRows);
  auto hasher = RowHasher::Make(*Schema(), {"sensor_id", "ts"}).ValueOrDie();
  std::vector<Hash128> hashes;
  for (auto _ : state) hasher.Hash(*batch.rows, hashes);
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatchRows);
}
BENCHMARK(HashKeys)->Unit(benchmark::kMillisecond);

void FilterHalf(benchmark::State& state) {
  const Batch batch = Readings(0, kBatchRows);
  std::vector<uint8_t> keep(kBatchRows);
  for (size_t i = 0; i < keep.size(); ++i) keep[i] = i * 7'919 % 10 < 5 ? 1 : 0;
  for (auto _ : state) benchmark::DoNotOptimize(FilterBatch(batch, keep));
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatchRows);
}
BENCHMARK(FilterHalf)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace catchwater

BENCHMARK_MAIN();
