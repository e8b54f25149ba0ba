#include "catchwater/stream/count_windows.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_reader_test_support_internal.h"
#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

StreamConfig Config(int64_t count, int64_t every_rows) {
  StreamConfig config = BaseConfig({.allow = Duration::Days(300)});
  config.window.count = count;
  if (every_rows != count) config.window.every_rows = every_rows;
  return config;
}

using Sums = std::map<std::pair<std::string, int64_t>, std::pair<double, int64_t>>;

void Take(const arrow::RecordBatchVector& batches, Sums* sums) {
  for (const auto& rows : batches) {
    ASSERT_TRUE(rows->ValidateFull().ok());
    const auto sensor = std::static_pointer_cast<arrow::StringArray>(rows->column(0));
    const auto end =
        std::static_pointer_cast<arrow::TimestampArray>(rows->GetColumnByName("window_end"));
    for (int64_t row = 0; row < rows->num_rows(); ++row) {
      const auto number =
          static_cast<int64_t>(*NumberAt(*rows->GetColumnByName("window_number"), row));
      const auto sum = NumberAt(*rows->GetColumnByName("sum(value)"), row).value_or(0);
      EXPECT_TRUE(
          sums->emplace(std::pair(sensor->GetString(row), number), std::pair(sum, end->Value(row)))
              .second);
    }
  }
}

// Property: the windows are those of the rows of a key in the order in which they came.
TEST(CountWindows, EqualThoseOfRowsInOrderForAnyCutAndRestart) {
  constexpr std::pair<int64_t, int64_t> kShapes[] = {{5, 5}, {10, 3}, {6, 4}, {1, 1}, {12, 1}};
  for (uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const auto [count, every] = kShapes[seed % std::size(kShapes)];
    const auto readings = RandomReadings(&random, 400, kMinute);
    std::map<std::string, std::vector<SensorReading>> by_sensor;
    for (const SensorReading& reading : readings) by_sensor[reading.sensor].push_back(reading);
    Sums expected;
    for (const auto& [sensor, rows] : by_sensor) {
      for (int64_t number = 0; number * every + count <= std::ssize(rows); ++number) {
        std::pair<double, int64_t> values{0, INT64_MIN};
        for (int64_t i = number * every; i < number * every + count; ++i) {
          const SensorReading& reading = rows[static_cast<size_t>(i)];
          values.first += reading.value.value_or(0);
          values.second = std::max(values.second, reading.event_us);
        }
        expected[{sensor, number}] = values;
      }
    }
    const StreamConfig config = Config(count, every);
    auto stream = MakeStream(config);
    Restarter restarter(config);
    Sums sums;
    for (size_t at = 0; at < readings.size();) {
      ASSERT_TRUE(stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ok());
      Take(stream->TakeResults(), &sums);
      restarter.Save(*stream, random.Below(4) == 0);
      if (random.Below(3) == 0) stream = restarter.Load();
    }
    ASSERT_TRUE(stream->End().ok());
    Take(stream->TakeResults(), &sums);
    ASSERT_EQ(sums.size(), expected.size());
    for (const auto& [window, values] : expected) {
      ASSERT_TRUE(sums.contains(window));
      EXPECT_NEAR(sums[window].first, values.first, 1e-6);
      EXPECT_EQ(sums[window].second, values.second);
    }
  }
}

TEST(CountWindows, NeedNoEventTime) {
  const StreamConfig config = Config(2, 2);
  auto stream = MakeTimedStream(config, {.schema = InputSchema(), .event_time_column = ""});
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_TRUE((*stream)->Add(MakeBatch({{"a", 1, 1.0}, {"a", 0, 2.0}})).ok());
  const auto results = (*stream)->TakeResults();
  ASSERT_EQ(results.size(), 1U);
  EXPECT_TRUE(results[0]->GetColumnByName("window_start")->IsNull(0));
}

TEST(CountWindows, RefusesStateThatIsCutDamagedOrOfAnotherKind) {
  Random random(5);
  const StreamConfig config = Config(5, 2);
  auto stream = MakeStream(config);
  ASSERT_TRUE(stream->Add(MakeBatch(RandomReadings(&random, 40, kMinute))).ok());
  const std::string state = stream->Save().ValueOrDie();
  for (size_t byte_count = 0; byte_count < state.size(); byte_count += 3) {
    EXPECT_FALSE(MakeStream(config)->Load(state.substr(0, byte_count)).ok()) << byte_count;
  }
  EXPECT_FALSE(MakeStream(Config(5, 5))->Load(state).ok());
  for (size_t at = 0; at < state.size(); at += 3) {
    std::string damaged = state;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    (void)MakeStream(config)->Load(damaged);
  }
}

}  // namespace
}  // namespace catchwater
