#include "catchwater/stream/detect/reading_history.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

using Times = std::vector<int64_t>;
using Values = std::vector<double>;

constexpr int64_t kBeginUs = 1'700'000'000'000'000;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string Saved(const ReadingHistory& history) {
  StateWriter state;
  history.Save(&state);
  return state.Take();
}

ReadingHistory HistoryOf(const Times& times_us, const Values& values) {
  ReadingHistory history;
  for (size_t i = 0; i < times_us.size(); ++i) history.Add(times_us[i], values[i]);
  return history;
}

/// The newest ones are there, as they were given; also after they were saved and loaded.
void ExpectNewest(const ReadingHistory& history, const Times& times_us, const Values& values,
                  size_t count) {
  const std::string text = Saved(history);
  ReadingHistory loaded;
  StateReader state(text);
  loaded.Load(&state);
  ASSERT_TRUE(state.status().ok() && state.is_at_end());
  const ReadingHistory* const both[] = {&history, &loaded};
  for (const ReadingHistory* one : both) {
    const ReadingHistory::Unpacked readings = one->Unpack();
    ASSERT_EQ(readings.count, count);
    for (size_t i = 0; i < count; ++i) {
      const size_t at = times_us.size() - count + i;
      ASSERT_EQ(readings.times_us[i], times_us[at]);
      ASSERT_EQ(std::bit_cast<uint64_t>(readings.values[i]), std::bit_cast<uint64_t>(values[at]));
    }
  }
}

Times Rhythm(size_t count) {
  Times times_us;
  for (size_t i = 0; i < count; ++i)
    times_us.push_back(kBeginUs + static_cast<int64_t>(i) * 1'000'000);
  return times_us;
}

TEST(ReadingHistory, GivesBackWhatItTookBitByBit) {
  const std::vector<Values> kinds{
      {20, 20.5, 20.25, 1e15, -3, 0, -0.0, 0.1 + 0.2, 1e300, -1e-300},
      {kInfinity, -kInfinity, std::nan(""), 1.5, std::numeric_limits<double>::denorm_min()},
      {0.1, 0.12, 0.123, 0.1234, 0.12345, 0.123456, 0.1234567, 1, 2, 3},
      {999'999'999'999'999.9, 1e15, 1e15 + 2, 9'007'199'254'740'993.0, 0.000001},
  };
  for (const Values& values : kinds) {
    ExpectNewest(HistoryOf(Rhythm(values.size()), values), Rhythm(values.size()), values,
                 values.size());
  }
}

TEST(ReadingHistory, ForgetsTheOldestAndWhatIsTooOldInAnyMixture) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Times times_us;
    Values values;
    ReadingHistory history;
    size_t first = 0;
    int64_t time_us = seed % 3 == 0 ? std::numeric_limits<int64_t>::min() / 2 : kBeginUs;
    for (size_t i = 0; i < 600; ++i) {
      time_us += random() % 4 == 0 ? static_cast<int64_t>(random() % 90'000'000'000) : 1'000'000;
      double value = static_cast<double>(random() % 100'000) / std::pow(10, seed % 7);
      if (random() % 50 == 0) value = std::bit_cast<double>(random());
      times_us.push_back(time_us);
      values.push_back(value);
      history.Add(time_us, value);
      first =
          std::max(first, times_us.size() - std::min(times_us.size(), ReadingHistory::kCountMax));
      if (random() % 8 != 0) continue;
      const int64_t before_us = time_us - static_cast<int64_t>(random() % 300'000'000'000);
      history.DropBefore(before_us);
      while (first < times_us.size() && times_us[first] < before_us) ++first;
    }
    ExpectNewest(history, times_us, values, times_us.size() - first);
    history.DropBefore(time_us + 1);
    ExpectNewest(history, times_us, values, 0);
    history.Add(time_us + 2, 7.5);
    ExpectNewest(history, {time_us + 2}, {7.5}, 1);
  }
}

TEST(ReadingHistory, ASensorInRhythmTakesThreeBytesAReading) {
  std::mt19937 random(1);
  std::normal_distribution<double> noise(20, 0.5);
  Values values;
  for (size_t i = 0; i < ReadingHistory::kCountMax; ++i) {
    values.push_back(std::round(noise(random) * 100) / 100);
  }
  EXPECT_LT(Saved(HistoryOf(Rhythm(values.size()), values)).size(),
            3 * ReadingHistory::kCountMax + 60);
}

TEST(ReadingHistory, NoReadingTakesMoreThanTheBound) {
  std::mt19937_64 random(1);
  Times times_us;
  Values values;
  int64_t time_us = std::numeric_limits<int64_t>::min();
  for (size_t i = 0; i < 100; ++i) {
    time_us += static_cast<int64_t>(random() % (i % 2 == 0 ? uint64_t{1} << 56 : uint64_t{2}));
    times_us.push_back(time_us);
    values.push_back(i % 2 == 0 ? std::bit_cast<double>(random()) : 1e15 * (i % 4 == 1 ? 1 : -1));
  }
  const ReadingHistory history = HistoryOf(times_us, values);
  ExpectNewest(history, times_us, values, values.size());
  EXPECT_LE(Saved(history).size(), ReadingHistory::kReadingBytesMax * values.size() + 60);
}

TEST(ReadingHistory, AStateThatIsCutOrDamagedIsRefusedOrReadsWithinItsBounds) {
  const std::string text = Saved(HistoryOf(Rhythm(5), {20, 20.5, 0.1 + 0.2, 21, 22}));
  for (size_t length = 0; length < text.size(); ++length) {
    ReadingHistory history;
    StateReader state(std::string_view(text).substr(0, length));
    history.Load(&state);
    EXPECT_FALSE(state.status().ok()) << length;
    EXPECT_EQ(history.Unpack().count, 0U);
  }
  for (size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      ReadingHistory history;
      StateReader state(damaged);
      history.Load(&state);
      EXPECT_LE(history.Unpack().count, ReadingHistory::kCountMax);
      history.Add(kBeginUs, 1);
      EXPECT_GT(history.Unpack().count, 0U);
    }
  }
}

}  // namespace
}  // namespace catchwater
