#include "catchwater/stream/time_windows.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_reader_test_support_internal.h"
#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

StreamConfig Config(int64_t size_us, int64_t every_us, LateConfig late = {}) {
  StreamConfig config = BaseConfig(late);
  config.window.size = Duration::Millis(size_us / 1'000);
  if (every_us != size_us) config.window.every = Duration::Millis(every_us / 1'000);
  return config;
}

/// What batch SQL would give: each row in each window that contains it.
Windows Oracle(const std::vector<SensorReading>& readings, int64_t size_us, int64_t every_us) {
  Windows windows;
  for (const SensorReading& reading : readings) {
    const int64_t last = reading.event_us - ((reading.event_us % every_us) + every_us) % every_us;
    for (int64_t begin_us = last; begin_us > reading.event_us - size_us; begin_us -= every_us) {
      windows[{reading.sensor, begin_us}].Add(reading);
    }
  }
  return windows;
}

struct Shape {
  int64_t size_us;
  int64_t every_us;
};
constexpr Shape kShapes[] = {{kMinute, kMinute},
                             {10 * kMinute, kMinute},
                             {5 * kMinute, 2 * kMinute},
                             {90 * kSecond, 60 * kSecond},
                             {7 * kSecond, 7 * kSecond}};

// Property: disorder within what is allowed, any cut into batches and any restart give what batch
// SQL gives over the same rows.
TEST(TimeWindows, EqualBatchSqlForAnyCutAndRestart) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Shape shape = kShapes[seed % std::size(kShapes)];
    const int64_t allow_us = (1 + static_cast<int64_t>(random.Below(200))) * kSecond;
    const auto readings = RandomReadings(&random, 600, allow_us);
    const StreamConfig config =
        Config(shape.size_us, shape.every_us, {.allow = Duration::Millis(allow_us / 1'000)});
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Restarter restarter(config);
    Reader reader;
    int64_t used = 0;
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      EXPECT_TRUE(tally.others.empty());
      used += tally.used;
      if (random.Below(4) > 0) continue;
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(2) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_EQ(used, static_cast<int64_t>(readings.size()));
    EXPECT_EQ(reader.retraction_count(), 0);
    ExpectEqual(reader.windows(), Oracle(readings, shape.size_us, shape.every_us));
  }
}

// Property: which rows are late depends on their order alone, and each of them is counted.
TEST(TimeWindows, LateRowsAreCountedExactlyForAnyCut) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    auto readings = RandomReadings(&random, 400, 10 * kMinute);
    for (SensorReading& reading : readings) reading.partition_id = 1;
    const int64_t allow_us = 2 * kMinute;
    std::vector<SensorReading> in_time;
    int64_t newest_us = INT64_MIN + allow_us;
    for (const SensorReading& reading : readings) {
      if (reading.event_us >= newest_us - allow_us) in_time.push_back(reading);
      newest_us = std::max(newest_us, reading.event_us);
    }
    const StreamConfig config = Config(kMinute, kMinute, {.allow = Duration::Minutes(2)});
    auto stream = MakeStream(config);
    Reader reader;
    Restarter restarter(config);
    int64_t late = 0;
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      for (const Tally& other : tally.others) {
        EXPECT_EQ(other.bucket, Bucket::kLate);
        late += other.row_count;
      }
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, false);
      if (random.Below(5) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_EQ(late, static_cast<int64_t>(readings.size() - in_time.size()));
    ExpectEqual(reader.windows(), Oracle(in_time, kMinute, kMinute));
  }
}

// Property: with corrections the last revisions are those of all rows, whatever their order.
TEST(TimeWindows, CorrectionsEndAtWhatAllRowsGive) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Shape shape = kShapes[seed % std::size(kShapes)];
    const auto readings = RandomReadings(&random, 300, 10 * kMinute);
    const StreamConfig config = Config(shape.size_us, shape.every_us,
                                       {.allow = Duration::Seconds(5),
                                        .then = LateAction::kCorrect,
                                        .correct_for = Duration::Days(1)});
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Reader reader;
    Restarter restarter(config);
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      EXPECT_TRUE(tally.others.empty());
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(4) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_GT(reader.retraction_count(), 0);
    ExpectEqual(reader.windows(), Oracle(readings, shape.size_us, shape.every_us));
  }
}

// Property: an input that ends and goes on in another run ends where one without a break does.
TEST(TimeWindows, ALaterRunRevisesWhatTheEndPutOut) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Shape shape = kShapes[seed % std::size(kShapes)];
    const auto readings = RandomReadings(&random, 300, kMinute);
    const StreamConfig config = Config(shape.size_us, shape.every_us);
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Reader reader;
    Restarter restarter(config);
    for (size_t at = 0; at < readings.size();) {
      ASSERT_TRUE(stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ok());
      reader.Take(stream->TakeResults());
      if (random.Below(6) > 0) continue;
      ASSERT_TRUE(stream->End().ok());
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, true);
      stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    ExpectEqual(reader.windows(), Oracle(readings, shape.size_us, shape.every_us));
  }
}

/// Of each window the results with the most rows.
Windows MostRows(const Windows& all) {
  std::map<int64_t, int64_t> most;
  for (const auto& [key, values] : all) most[key.second] = std::max(most[key.second], values.rows);
  Windows kept;
  for (const auto& [key, values] : all) {
    if (values.rows == most[key.second]) kept.emplace(key, values);
  }
  return kept;
}

// Property: the same for `greatest`, also over ends after which more rows came.
TEST(TimeWindows, GreatestKeepsOfEachWindowTheKeysWithTheMost) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const Shape shape = kShapes[seed % std::size(kShapes)];
    const auto readings = RandomReadings(&random, 400, kMinute);
    StreamConfig config = Config(shape.size_us, shape.every_us);
    config.window.greatest = "n";
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Reader reader;
    Restarter restarter(config);
    for (size_t at = 0; at < readings.size();) {
      ASSERT_TRUE(stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ok());
      reader.Take(stream->TakeResults());
      const bool ends = random.Below(8) == 0;
      if (ends) {
        ASSERT_TRUE(stream->End().ok());
        reader.Take(stream->TakeResults());
      }
      if (!ends && random.Below(4) > 0) continue;
      restarter.Save(*stream, ends);
      stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    ExpectEqual(reader.windows(), MostRows(Oracle(readings, shape.size_us, shape.every_us)));
  }
}

TEST(TimeWindows, AWindowClosesWhenNoPartitionCanBringARowOfIt) {
  auto stream = MakeStream(Config(kMinute, kMinute, {.allow = Duration::Seconds(10)}));
  stream->SetOpen(kBoth);
  const auto add = [&](int64_t partition_id, int64_t event_us) {
    EXPECT_TRUE(stream->Add(MakeBatch({{"a", event_us, 1.0, partition_id}})).ok());
    return stream->TakeResults().size();
  };
  EXPECT_EQ(add(1, 10 * kSecond), 0U);
  EXPECT_EQ(add(1, 200 * kSecond), 0U) << "the other partition is behind";
  EXPECT_EQ(add(2, 69 * kSecond), 0U) << "a row of 59 s may still come";
  EXPECT_EQ(add(2, 70 * kSecond), 1U);
  stream->SetOpen({{.partition_id = 1, .is_bounded = true}});
  EXPECT_EQ(add(1, 201 * kSecond), 1U) << "the other one is read to its end";
}

TEST(TimeWindows, AnIdlePartitionHoldsBackNothingUnlessItHasAnEnd) {
  for (const bool is_bounded : {false, true}) {
    auto stream = MakeStream(
        Config(kMinute, kMinute, {.allow = Duration::Seconds(1), .idle = Duration::Seconds(30)}));
    stream->SetOpen(
        {{.partition_id = 1, .is_bounded = false}, {.partition_id = 2, .is_bounded = is_bounded}});
    const int64_t now_us = 1'700'000'000 * kSecond;
    const auto add = [&](int64_t event_us, int64_t receive_us) {
      EXPECT_TRUE(stream->Add(MakeBatch({{"a", event_us, 1.0, 1}}, receive_us)).ok());
      return stream->TakeResults().size();
    };
    EXPECT_EQ(add(0, now_us), 0U);
    EXPECT_EQ(add(500 * kSecond, now_us + 30 * kSecond), 0U);
    EXPECT_EQ(add(501 * kSecond, now_us + 31 * kSecond), is_bounded ? 0U : 1U);
  }
}

TEST(TimeWindows, RowsOfTheFutureAndWithoutATimeAreCountedAndMoveNothing) {
  auto stream = MakeStream(Config(kMinute, kMinute, {.future = Duration::Hours(1)}));
  const int64_t now_us = 1'700'000'000 * kSecond;
  Batch batch = MakeBatch({{"a", now_us, 1.0},
                           {"a", now_us + 3'600 * kSecond, 1.0},
                           {"a", now_us + 3'600 * kSecond + 1, 1.0},
                           {"a", now_us + 730 * 86'400 * kSecond, 1.0}},
                          now_us);
  const StreamTally tally = stream->Add(batch).ValueOrDie();
  EXPECT_EQ(tally.used, 2);
  ASSERT_EQ(tally.others.size(), 1U);
  EXPECT_EQ(tally.others[0].bucket, Bucket::kFuture);
  EXPECT_EQ(tally.others[0].row_count, 2);
  EXPECT_EQ(stream->watermark_us(), now_us + 3'540 * kSecond);
}

TEST(TimeWindows, NewKeysOverTheBoundAreRefusedAndCounted) {
  StreamConfig config = Config(kMinute, kMinute);
  config.keys_max = 3;
  auto stream = MakeStream(config);
  std::vector<SensorReading> readings;
  for (int i = 0; i < 10; ++i) readings.push_back({"s" + std::to_string(i % 5), i * kSecond, 1.0});
  const StreamTally tally = stream->Add(MakeBatch(readings)).ValueOrDie();
  EXPECT_EQ(tally.used, 6);
  ASSERT_EQ(tally.others.size(), 1U);
  EXPECT_EQ(tally.others[0].bucket, Bucket::kFiltered);
  EXPECT_EQ(tally.others[0].row_count, 4);
  ASSERT_TRUE(stream->End().ok());
  Reader reader;
  reader.Take(stream->TakeResults());
  EXPECT_EQ(reader.windows().size(), 3U);
}

TEST(TimeWindows, KeysThatAreGoneMakeRoom) {
  StreamConfig config = Config(kSecond, kSecond, {.allow = Duration::Seconds(1)});
  config.keys_max = 5'000;
  auto stream = MakeStream(config);
  Reader reader;
  Restarter restarter(config);
  std::vector<SensorReading> all;
  for (int64_t round = 0; round < 20; ++round) {
    std::vector<SensorReading> readings;
    for (int i = 0; i < 1'000; ++i) {
      readings.push_back(
          {"r" + std::to_string(round) + "-" + std::to_string(i), round * 10 * kSecond, 1.0});
    }
    EXPECT_EQ(stream->Add(MakeBatch(readings)).ValueOrDie().used, 1'000) << round;
    all.insert(all.end(), readings.begin(), readings.end());
    reader.Take(stream->TakeResults());
    restarter.Save(*stream, false);
    if (round % 3 == 0) stream = restarter.Load();
  }
  ASSERT_TRUE(stream->End().ok());
  reader.Take(stream->TakeResults());
  ExpectEqual(reader.windows(), Oracle(all, kSecond, kSecond));
}

TEST(TimeWindows, TellsASparseWindowFromAFullOne) {
  StreamConfig config = Config(kMinute, kMinute);
  config.window.cadence = Duration::Seconds(10);
  auto stream = MakeStream(config);
  ASSERT_TRUE(
      stream
          ->Add(MakeBatch(
              {{"a", 5 * kSecond, 1.0}, {"a", 50 * kSecond, 1.0}, {"a", 20 * kSecond, 1.0}}))
          .ok());
  ASSERT_TRUE(stream->End().ok());
  const auto rows = stream->TakeResults().at(0);
  EXPECT_EQ(NumberAt(*rows->GetColumnByName("n"), 0), 3);
  EXPECT_EQ(NumberAt(*rows->GetColumnByName("expected_n"), 0), 6);
  EXPECT_EQ(NumberAt(*rows->GetColumnByName("largest_gap"), 0), 30);
}

TEST(TimeWindows, RefusesStateThatIsCutDamagedOrOfAnotherKind) {
  Random random(5);
  const StreamConfig config = Config(10 * kMinute, kMinute);
  auto stream = MakeStream(config);
  ASSERT_TRUE(stream->Add(MakeBatch(RandomReadings(&random, 40, kMinute))).ok());
  const std::string state = stream->Save().ValueOrDie();
  for (size_t byte_count = 0; byte_count < state.size(); byte_count += 3) {
    EXPECT_FALSE(MakeStream(config)->Load(state.substr(0, byte_count)).ok()) << byte_count;
  }
  EXPECT_FALSE(MakeStream(config)->Load(state + "x").ok());
  EXPECT_FALSE(MakeStream(Config(5 * kMinute, kMinute))->Load(state).ok());
  // Whatever a flipped bit does, it must not crash; a checksum in the file tells it.
  for (size_t at = 0; at < state.size(); at += 3) {
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    (void)MakeStream(config)->Load(damaged);
  }
}

}  // namespace
}  // namespace catchwater
