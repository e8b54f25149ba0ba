#include "catchwater/stream/session_windows.h"

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

StreamConfig Config(int64_t gap_us, LateConfig late = {}) {
  StreamConfig config = BaseConfig(late);
  config.window.session = Duration::Millis(gap_us / 1'000);
  return config;
}

/// Sorted by time, a session begins where a gap or more lies before.
Windows Oracle(std::vector<SensorReading> readings, int64_t gap_us) {
  std::ranges::stable_sort(readings, {}, &SensorReading::event_us);
  std::map<std::string, std::pair<int64_t, int64_t>> open;  // First and last time.
  Windows windows;
  for (const SensorReading& reading : readings) {
    const auto found = open.find(reading.sensor);
    if (found == open.end() || reading.event_us - found->second.second >= gap_us) {
      open[reading.sensor].first = reading.event_us;
    }
    open[reading.sensor].second = reading.event_us;
    windows[{reading.sensor, open[reading.sensor].first}].Add(reading);
  }
  return windows;
}

// Property: disorder, cuts, restarts and ends in between do not change sessions.
TEST(SessionWindows, EqualThoseOfSortedRowsForAnyCutAndRestart) {
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const int64_t gap_us = (20 + static_cast<int64_t>(random.Below(300))) * kSecond;
    const int64_t allow_us = (1 + static_cast<int64_t>(random.Below(600))) * kSecond;
    const auto readings = RandomReadings(&random, 400, allow_us);
    const StreamConfig config = Config(gap_us, {.allow = Duration::Millis(allow_us / 1'000)});
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Restarter restarter(config);
    Reader reader(/*may_begin_at_any_revision=*/true);
    const bool has_ends = seed % 2 == 0;
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      EXPECT_TRUE(tally.others.empty());
      if (has_ends && random.Below(8) == 0) {
        ASSERT_TRUE(stream->End().ok());
      }
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(3) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_TRUE(has_ends || reader.retraction_count() == 0);
    ExpectEqual(reader.windows(), Oracle(readings, gap_us));
  }
}

TEST(SessionWindows, ARowBetweenTwoMakesThemOne) {
  auto stream = MakeStream(Config(10 * kSecond));
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 0, 1.0}, {"a", 18 * kSecond, 2.0}})).ok());
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 9 * kSecond, 4.0}})).ok());
  ASSERT_TRUE(stream->End().ok());
  Reader reader;
  reader.Take(stream->TakeResults());
  ASSERT_EQ(reader.windows().size(), 1U);
  EXPECT_EQ(reader.windows().at({"a", 0}).sum, 7.0);
}

TEST(SessionWindows, AGapOfExactlyTheLengthEndsIt) {
  auto stream = MakeStream(Config(10 * kSecond));
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 0, 1.0}, {"a", 10 * kSecond, 2.0}})).ok());
  ASSERT_TRUE(stream->End().ok());
  Reader reader;
  reader.Take(stream->TakeResults());
  EXPECT_EQ(reader.windows().size(), 2U);
}

TEST(SessionWindows, KeysThatAreGoneMakeRoom) {
  StreamConfig config = Config(kSecond, {.allow = Duration::Seconds(1)});
  config.keys_max = 5'000;
  auto stream = MakeStream(config);
  Restarter restarter(config);
  for (int64_t round = 0; round < 20; ++round) {
    std::vector<SensorReading> readings;
    for (int i = 0; i < 1'000; ++i) {
      readings.push_back(
          {"r" + std::to_string(round) + "-" + std::to_string(i), round * 10 * kSecond, 1.0});
    }
    EXPECT_EQ(stream->Add(MakeBatch(readings)).ValueOrDie().used, 1'000) << round;
    int64_t closed = 0;
    for (const auto& rows : stream->TakeResults()) closed += rows->num_rows();
    EXPECT_EQ(closed, round == 0 ? 0 : 1'000);
    restarter.Save(*stream, false);
    if (round % 3 == 0) stream = restarter.Load();
  }
}

TEST(SessionWindows, RefusesStateThatIsCutDamagedOrOfAnotherKind) {
  Random random(5);
  const StreamConfig config = Config(kMinute);
  auto stream = MakeStream(config);
  ASSERT_TRUE(stream->Add(MakeBatch(RandomReadings(&random, 40, kMinute))).ok());
  const std::string state = stream->Save().ValueOrDie();
  for (size_t byte_count = 0; byte_count < state.size(); byte_count += 3) {
    EXPECT_FALSE(MakeStream(config)->Load(state.substr(0, byte_count)).ok()) << byte_count;
  }
  EXPECT_FALSE(MakeStream(Config(2 * kMinute))->Load(state).ok());
  for (size_t at = 0; at < state.size(); at += 3) {
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    (void)MakeStream(config)->Load(damaged);
  }
}

// Property: with corrections the last revisions are those of all rows, whatever their order.
TEST(SessionWindows, CorrectionsEndAtWhatAllRowsGive) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const int64_t gap_us = (20 + static_cast<int64_t>(random.Below(300))) * kSecond;
    const auto readings = RandomReadings(&random, 300, 20 * kMinute);
    const StreamConfig config = Config(gap_us, {.allow = Duration::Seconds(30),
                                                .then = LateAction::kCorrect,
                                                .correct_for = Duration::Days(1)});
    auto stream = MakeStream(config);
    stream->SetOpen(kBoth);
    Restarter restarter(config);
    Reader reader(/*may_begin_at_any_revision=*/true);
    for (size_t at = 0; at < readings.size();) {
      const StreamTally tally =
          stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie();
      EXPECT_TRUE(tally.others.empty());
      reader.Take(stream->TakeResults());
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(3) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    reader.Take(stream->TakeResults());
    EXPECT_GT(reader.retraction_count(), 0);
    ExpectEqual(reader.windows(), Oracle(readings, gap_us));
  }
}

TEST(SessionWindows, ALateRowMakesOneOfTwoThatAreOut) {
  auto stream = MakeStream(Config(10 * kSecond, {.allow = Duration::Seconds(1),
                                                 .then = LateAction::kCorrect,
                                                 .correct_for = Duration::Minutes(1)}));
  Reader reader(/*may_begin_at_any_revision=*/true);
  const auto add = [&](const std::vector<SensorReading>& readings) {
    const StreamTally tally = stream->Add(MakeBatch(readings)).ValueOrDie();
    reader.Take(stream->TakeResults());
    return tally;
  };
  add({{"a", 0, 1.0}, {"a", 18 * kSecond, 2.0}, {"b", 40 * kSecond, 3.0}});
  EXPECT_EQ(reader.windows().size(), 2U);
  add({{"a", 9 * kSecond, 4.0}});
  ASSERT_EQ(reader.windows().size(), 1U);
  EXPECT_EQ(reader.windows().at({"a", 0}).sum, 7.0);
  EXPECT_EQ(reader.retraction_count(), 2);
  // A minute behind the watermark, which is at 99 s, is too late.
  add({{"b", 100 * kSecond, 3.0}});
  const StreamTally tally = add({{"a", 38 * kSecond, 5.0}, {"a", 39 * kSecond, 5.0}});
  EXPECT_EQ(tally.used, 1);
  ASSERT_EQ(tally.others.size(), 1U);
  EXPECT_EQ(tally.others[0].reason, "too_late_to_correct");
}

TEST(SessionWindows, StateOfOneThatDidNotCorrectIsTaken) {
  const StreamConfig before = Config(10 * kSecond, {.allow = Duration::Seconds(1)});
  StreamConfig after = before;
  after.late->then = LateAction::kCorrect;
  auto stream = MakeStream(before);
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 0, 1.0}, {"a", 30 * kSecond, 2.0}})).ok());
  auto edited = MakeStream(after);
  ASSERT_TRUE(edited->Load(stream->Save().ValueOrDie()).ok());
  // What it had put out is forgotten and cannot be corrected; what is put out from now on can.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(edited->Add(MakeBatch({{"a", kSecond, 3.0}})).ValueOrDie().used, 0);
  }
  ASSERT_TRUE(edited->Add(MakeBatch({{"a", 100 * kSecond, 3.0}})).ok());
  EXPECT_EQ(edited->Add(MakeBatch({{"a", 35 * kSecond, 3.0}})).ValueOrDie().used, 1);
}

TEST(CountWindows, DoNotCorrectWhatIsClosed) {
  StreamConfig config = BaseConfig({.then = LateAction::kCorrect});
  config.window.count = 3;
  const auto made = MakeTimedStream(config, {.schema = InputSchema(), .event_time_column = "ts"});
  EXPECT_NE(made.status().message().find("with a `size`"), std::string::npos);
}

}  // namespace
}  // namespace catchwater
