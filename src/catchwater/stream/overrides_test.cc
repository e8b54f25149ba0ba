// Windows and lateness of their own for some keys, and windows of a single row.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_reader_test_support_internal.h"
#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

OverrideConfig For(std::vector<std::string> sensors) {
  return {.only = {{"sensor", KeyValues{.values = std::move(sensors)}}}};
}

/// A minute; five for s1 and s2, which may be three times as late; s3 slides. s1 is named again.
StreamConfig Config(LateConfig late) {
  StreamConfig config = BaseConfig(late);
  config.window.size = Duration::Minutes(1);
  OverrideConfig longer = For({"s1", "s2"});
  longer.size = Duration::Minutes(5);
  longer.allow = Duration::Millis(late.allow.ms * 3);
  OverrideConfig sliding = For({"s3", "s1"});
  sliding.size = Duration::Minutes(4);
  sliding.every = Duration::Minutes(2);
  config.overrides = {longer, sliding};
  return config;
}

bool IsLonger(const std::string& sensor) { return sensor == "s1" || sensor == "s2"; }

Windows Oracle(const std::vector<SensorReading>& readings) {
  Windows windows;
  for (const SensorReading& reading : readings) {
    const int64_t size_us = IsLonger(reading.sensor) ? 5 * kMinute
                            : reading.sensor == "s3" ? 4 * kMinute
                                                     : kMinute;
    const int64_t every_us = reading.sensor == "s3" ? 2 * kMinute : size_us;
    const int64_t last = reading.event_us - ((reading.event_us % every_us) + every_us) % every_us;
    for (int64_t begin_us = last; begin_us > reading.event_us - size_us; begin_us -= every_us) {
      windows[{reading.sensor, begin_us}].Add(reading);
    }
  }
  return windows;
}

// Property: each kind of key has the windows that batch SQL gives over its rows that are in time.
TEST(Overrides, EqualBatchSqlForAnyCutAndRestart) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto readings = RandomReadings(&random, 500, 5 * kMinute);
    for (SensorReading& reading : readings) reading.partition_id = 1;
    const StreamConfig config = Config({.allow = Duration::Minutes(1)});
    std::vector<SensorReading> in_time;
    int64_t newest_us = INT64_MIN + 3 * kMinute;
    for (const SensorReading& reading : readings) {
      const int64_t allow_us = IsLonger(reading.sensor) ? 3 * kMinute : kMinute;
      if (reading.event_us >= newest_us - allow_us) in_time.push_back(reading);
      newest_us = std::max(newest_us, reading.event_us);
    }
    auto stream = MakeStream(config);
    Restarter restarter(config);
    Reader reader;
    int64_t late = 0;
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      for (const Tally& other : tally.others) late += other.row_count;
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(3) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_EQ(late, static_cast<int64_t>(readings.size() - in_time.size()));
    EXPECT_GT(late, 0);
    EXPECT_EQ(reader.retraction_count(), 0);
    ExpectEqual(reader.windows(), Oracle(in_time));
  }
}

// Property: built anew from the table the windows are those of all rows, and what was read is out.
TEST(Overrides, AreTheSameFromStoredRows) {
  Random random(7);
  auto readings = RandomReadings(&random, 400, 5 * kMinute);
  auto stream = MakeStream(Config({.allow = Duration::Minutes(1)}));
  Reader reader;
  std::ranges::stable_sort(readings, {}, &SensorReading::event_us);
  const auto half = readings.begin() + 200;
  ASSERT_TRUE(stream->AddStored(MakeBatch({readings.begin(), half})).ok());
  ASSERT_TRUE(stream->StoredUpTo(half->event_us).ok());
  reader.Take(stream->TakeResults());
  ASSERT_TRUE(stream->AddStored(MakeBatch({half, readings.end()})).ok());
  ASSERT_TRUE(stream->StoredUpTo(INT64_MAX).ok());
  ASSERT_TRUE(stream->End().ok());
  reader.Take(stream->TakeResults());
  ExpectEqual(reader.windows(), Oracle(readings));
}

TEST(Overrides, LateRowsHaveTheWatermarkOfTheirKey) {
  StreamConfig config = Config({.allow = Duration::Minutes(1), .then = LateAction::kSideTable});
  auto stream = MakeStream(config);
  const int64_t now_us = 100 * kMinute;
  ASSERT_TRUE(stream->Add(MakeBatch({{"s0", now_us, 1.0}})).ok());
  const StreamTally tally = stream
                                ->Add(MakeBatch({{"s0", now_us - 2 * kMinute, 1.0},
                                                 {"s1", now_us - 2 * kMinute, 1.0},
                                                 {"s1", now_us - 4 * kMinute, 1.0}}))
                                .ValueOrDie();
  EXPECT_EQ(tally.used, 1);
  const auto late = stream->TakeLate();
  ASSERT_EQ(late.size(), 1U);
  const auto watermarks =
      std::static_pointer_cast<arrow::TimestampArray>(late[0]->GetColumnByName("watermark"));
  ASSERT_EQ(watermarks->length(), 2);
  EXPECT_EQ(watermarks->Value(0), now_us - kMinute);
  EXPECT_EQ(watermarks->Value(1), now_us - 3 * kMinute);
}

TEST(Overrides, KeysAreToldByNumbersToo) {
  const KeyClasses classes(
      {{.only = {{"n_value", KeyValues{.values = {"7"}}}, {"sensor", KeyValues{.values = {"a"}}}}},
       {.only = {{"sensor", KeyValues{.values = {"a", "b"}}}}}});
  const Batch batch = MakeBatch({{"a", 0, 1.0}, {"b", 0, 1.0}, {"c", 0, 1.0}});
  EXPECT_EQ(classes.Of(*batch.rows).ValueOrDie(), (std::vector<uint8_t>{1, 2, 0}));
  EXPECT_FALSE(KeyClasses({{.only = {{"gone", KeyValues{.values = {"1"}}}}}}).Of(*batch.rows).ok());
}

TEST(Overrides, AreAPartOfWhatTheStateIsOf) {
  const auto meaning = [](const StreamConfig& config) {
    return MeaningOf(config, *MakeStream(config)->op().schema());
  };
  const StreamConfig config = Config({});
  StreamConfig later = config;
  later.overrides[0].allow = Duration::Hours(1);
  EXPECT_EQ(meaning(later), meaning(config)) << "lateness is edited without a rebuild";
  StreamConfig other = config;
  other.overrides[0].only[0].second.values = {"s1"};
  EXPECT_NE(meaning(other), meaning(config));
  StreamConfig longer = config;
  longer.overrides[1].size = Duration::Minutes(6);
  EXPECT_NE(meaning(longer), meaning(config));
}

TEST(WindowNone, EachRowIsAResultAndNoneIsLate) {
  StreamConfig config = BaseConfig();
  config.late.reset();
  config.window.over = WindowOver::kNone;
  auto stream = MakeStream(config);
  stream->SetOpen(kBoth);
  Random random(3);
  const auto readings = RandomReadings(&random, 300, 20 * kMinute);
  size_t result_count = 0;
  for (size_t at = 0; at < readings.size();) {
    const auto batch = NextBatch(readings, &at, &random);
    EXPECT_EQ(stream->Add(MakeBatch(batch)).ValueOrDie().used, static_cast<int64_t>(batch.size()));
    for (const auto& rows : stream->TakeResults()) {
      const auto begin =
          std::static_pointer_cast<arrow::TimestampArray>(rows->GetColumnByName("window_start"));
      for (int64_t row = 0; row < rows->num_rows(); ++row) {
        EXPECT_EQ(begin->Value(row), readings[result_count].event_us);
        EXPECT_EQ(NumberAt(*rows->GetColumnByName("max(value)"), row),
                  readings[result_count].value);
        ++result_count;
      }
    }
    EXPECT_EQ(result_count, at) << "at once";
  }
}

TEST(WindowNone, WithLateRowsAreLateAsElsewhere) {
  StreamConfig config = BaseConfig({.allow = Duration::Minutes(1)});
  config.window.over = WindowOver::kNone;
  auto stream = MakeStream(config);
  const StreamTally tally =
      stream->Add(MakeBatch({{"a", 5 * kMinute, 1.0}, {"a", 0, 1.0}})).ValueOrDie();
  EXPECT_EQ(tally.used, 1);
}

}  // namespace
}  // namespace catchwater
