/// \file
/// Rows a second of sliding windows on one core, and the memory of the process.
///   window_bench KEYS ROWS PERIOD_MS
/// Every key reports once in PERIOD_MS; windows of ten minutes begin every minute: min, max, mean
/// and count by (station, sensor). Prints a JSON object. bench/windows asks DuckDB the same.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <malloc.h>

#include "catchwater/base/clock.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater {
namespace {

constexpr int64_t kBatchRows = 65'536;
constexpr int64_t kBeginUs = 1'767'225'600'000'000;

std::shared_ptr<arrow::Schema> Schema() {
  return arrow::schema({arrow::field("station", arrow::utf8()),
                        arrow::field("sensor", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("value", arrow::float64())});
}

struct Load {
  int64_t key_count;
  int64_t row_count;
  int64_t period_us;
};

std::string Padded(const char* prefix, int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return prefix + std::string(width - std::min(width, digits.size()), '0') + digits;
}

/// The same rows as in bench/windows.
Batch Rows(const Load& load, int64_t first) {
  const int64_t row_count = std::min(kBatchRows, load.row_count - first);
  arrow::StringBuilder stations;
  arrow::StringBuilder sensors;
  arrow::TimestampBuilder times(Schema()->field(2)->type(), arrow::default_memory_pool());
  arrow::DoubleBuilder values;
  for (int64_t row = first; row < first + row_count; ++row) {
    const int64_t key = row % load.key_count;
    (void)stations.Append(Padded("st", key / 20, 6));
    (void)sensors.Append(Padded("s", key % 20, 2));
    (void)times.Append(kBeginUs + row / load.key_count * load.period_us +
                       key * load.period_us / load.key_count);
    (void)values.Append(static_cast<double>(row * 7'919 % 1'000) / 11.0);
  }
  Batch batch;
  batch.rows =
      arrow::RecordBatch::Make(Schema(), row_count,
                               {stations.Finish().ValueOrDie(), sensors.Finish().ValueOrDie(),
                                times.Finish().ValueOrDie(), values.Finish().ValueOrDie()});
  batch.origin.range.partition_id = 1;
  batch.origin.range.from.ordinal = static_cast<uint64_t>(first);
  return batch;
}

std::unique_ptr<TimedStream> MakeStream() {
  StreamConfig config;
  config.name = "bench";
  config.key = {"station", "sensor"};
  config.window.size = Duration::Minutes(10);
  config.window.every = Duration::Minutes(1);
  config.late = LateConfig{.allow = Duration::Seconds(5)};
  config.state_bytes_max = ByteSize::GiB(4);
  for (const auto& [name, text] : {std::pair{"lo", "min(value)"},
                                   {"hi", "max(value)"},
                                   {"mean", "mean(value)"},
                                   {"n", "count()"}}) {
    Aggregate aggregate = ParseAggregate(text).ValueOrDie();
    aggregate.name = name;
    config.compute.push_back(std::move(aggregate));
  }
  return MakeTimedStream(config, {.schema = Schema(), .event_time_column = "ts"}).ValueOrDie();
}

struct Results {
  int64_t row_count = 0;
  int64_t n_sum = 0;
  double mean_sum = 0;

  void Take(const arrow::RecordBatchVector& batches) {
    for (const auto& rows : batches) {
      const auto n = std::static_pointer_cast<arrow::Int64Array>(rows->GetColumnByName("n"));
      const auto mean = std::static_pointer_cast<arrow::DoubleArray>(rows->GetColumnByName("mean"));
      row_count += rows->num_rows();
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        n_sum += n->Value(row);
        mean_sum += mean->Value(row);
      }
    }
  }
};

int64_t PeakKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::strtoll(line.c_str() + 6, nullptr, 10);
  }
  return 0;
}

int Run(const Load& load) {
  const auto stream = MakeStream();
  const SystemClock clock;
  Results results;
  int64_t busy_us = 0;
  for (int64_t first = 0; first < load.row_count; first += kBatchRows) {
    const Batch batch = Rows(load, first);
    const int64_t started_us = clock.MonotonicMicros();
    const auto tally = stream->Add(batch);
    if (!tally.ok() || !tally->others.empty()) {
      std::cerr << "rows were refused: " << tally.status().ToString() << "\n";
      return 1;
    }
    const auto closed = stream->TakeResults();
    busy_us += clock.MonotonicMicros() - started_us;
    results.Take(closed);
  }
  // While rows come: a real stream has no end, at which ten windows a key close at once.
  const int64_t peak_kib = PeakKib();
  const int64_t started_us = clock.MonotonicMicros();
  const auto ended = stream->End();
  const auto closed = stream->TakeResults();
  busy_us += clock.MonotonicMicros() - started_us;
  if (!ended.ok()) return 1;
  results.Take(closed);
  std::printf(
      "{\"seconds\": %.4f, \"results\": %lld, \"n_sum\": %lld, \"mean_sum\": %.6f, "
      "\"peak_kib\": %lld}\n",
      static_cast<double>(busy_us) / 1e6, static_cast<long long>(results.row_count),
      static_cast<long long>(results.n_sum), results.mean_sum, static_cast<long long>(peak_kib));
  return 0;
}

}  // namespace
}  // namespace catchwater

int main(int argc, char** argv) {
  if (argc != 4) {
    std::cerr << "usage: window_bench KEYS ROWS PERIOD_MS\n";
    return 2;
  }
  // As the program sets them: src/catchwater/cli/main.cc.
  setenv("ARROW_DEFAULT_MEMORY_POOL", "system", /*overwrite=*/0);
  mallopt(M_ARENA_MAX, 2);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 256 << 20);
  return catchwater::Run({.key_count = std::strtoll(argv[1], nullptr, 10),
                          .row_count = std::strtoll(argv[2], nullptr, 10),
                          .period_us = std::strtoll(argv[3], nullptr, 10) * 1'000});
}
