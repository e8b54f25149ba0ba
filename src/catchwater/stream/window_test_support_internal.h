/// \file
/// For the tests of windows: readings out of order, and restarts.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/builder.h>
#include <arrow/table_builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater::window_test {

inline constexpr int64_t kSecond = 1'000'000;
inline constexpr int64_t kMinute = 60 * kSecond;

inline std::shared_ptr<arrow::Schema> InputSchema() {
  return arrow::schema({arrow::field("sensor", arrow::utf8()),
                        arrow::field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
                        arrow::field("value", arrow::float64()),
                        arrow::field("n_value", arrow::int64())});
}

struct SensorReading {
  std::string sensor;
  int64_t event_us = 0;
  std::optional<double> value;
  int64_t partition_id = 1;
};

inline Batch MakeBatch(const std::vector<SensorReading>& readings, int64_t receive_us = 0) {
  auto made = arrow::RecordBatchBuilder::Make(InputSchema(), arrow::default_memory_pool());
  auto& builder = **made;
  for (const SensorReading& reading : readings) {
    EXPECT_TRUE(builder.GetFieldAs<arrow::StringBuilder>(0)->Append(reading.sensor).ok());
    EXPECT_TRUE(builder.GetFieldAs<arrow::TimestampBuilder>(1)->Append(reading.event_us).ok());
    auto* value = builder.GetFieldAs<arrow::DoubleBuilder>(2);
    EXPECT_TRUE((reading.value ? value->Append(*reading.value) : value->AppendNull()).ok());
    EXPECT_TRUE(builder.GetFieldAs<arrow::Int64Builder>(3)->Append(7).ok());
  }
  Batch batch;
  batch.rows = builder.Flush().ValueOrDie();
  batch.origin.range.partition_id = readings.empty() ? 1 : readings.front().partition_id;
  batch.origin.receive_us = receive_us;
  return batch;
}

/// Without a window yet.
inline StreamConfig BaseConfig(LateConfig late = {}) {
  StreamConfig config;
  config.name = "test";
  config.key = {"sensor"};
  config.late = late;
  for (const char* text :
       {"count(value)", "sum(value)", "min(value)", "max(value)", "mean(value)"}) {
    Aggregate aggregate = ParseAggregate(text).ValueOrDie();
    aggregate.name = text;
    config.compute.push_back(std::move(aggregate));
  }
  return config;
}

inline std::unique_ptr<TimedStream> MakeStream(const StreamConfig& config) {
  return MakeTimedStream(config, {.schema = InputSchema(), .event_time_column = "ts"}).ValueOrDie();
}

/// Readings of two partitions, each out of order by less than `disorder_us`.
inline std::vector<SensorReading> RandomReadings(Random* random, size_t count,
                                                 int64_t disorder_us) {
  std::vector<SensorReading> readings;
  std::map<int64_t, int64_t> clocks;
  for (size_t i = 0; i < count; ++i) {
    const auto partition_id = static_cast<int64_t>(1 + random->Below(2));
    int64_t& clock_us = clocks[partition_id];
    // Now and then a long silence; times before 1970, too.
    clock_us += static_cast<int64_t>(random->Below(50) == 0 ? random->Below(30) * kMinute
                                                            : random->Below(10 * kSecond));
    SensorReading reading{
        .sensor = "s" + std::to_string(random->Below(9)),
        .event_us = clock_us - 20 * kMinute -
                    static_cast<int64_t>(random->Below(static_cast<uint64_t>(disorder_us))),
        .value = std::nullopt,
        .partition_id = partition_id};
    if (random->Below(8) > 0) reading.value = static_cast<double>(random->Below(100'000)) / 7.0;
    readings.push_back(std::move(reading));
  }
  return readings;
}

inline const OpenPartitions kBoth = {{.partition_id = 1, .is_bounded = true},
                                     {.partition_id = 2, .is_bounded = true}};

/// Rows of one partition at a time, as many as chance wants.
inline std::vector<SensorReading> NextBatch(const std::vector<SensorReading>& readings, size_t* at,
                                            Random* random) {
  std::vector<SensorReading> batch;
  const size_t count_max = 1 + random->Below(60);
  while (*at < readings.size() && batch.size() < count_max &&
         (batch.empty() || batch.front().partition_id == readings[*at].partition_id)) {
    batch.push_back(readings[(*at)++]);
  }
  return batch;
}

/// Saves as the pipeline does, a base or changes, and goes on with what was loaded.
class Restarter {
 public:
  explicit Restarter(StreamConfig config) : config_(std::move(config)) {}

  void Save(TimedStream& stream, bool is_base) {
    std::optional<std::string> changes;
    if (!is_base && !saved_.empty()) changes = stream.SaveChanges().ValueOrDie();
    if (changes) {
      saved_.push_back(*changes);
    } else {
      saved_ = {stream.Save().ValueOrDie()};
    }
    stream.Saved();
  }
  std::unique_ptr<TimedStream> Load() const {
    auto stream = MakeStream(config_);
    for (const std::string& state : saved_) {
      const arrow::Status loaded = stream->Load(state);
      EXPECT_TRUE(loaded.ok()) << loaded;
    }
    return stream;
  }

 private:
  const StreamConfig config_;
  std::vector<std::string> saved_;
};

}  // namespace catchwater::window_test
