// How many rows led to results: each row once, however many windows it is in.
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

struct Counts {
  int64_t used = 0;
  int64_t before_end = 0;
  int64_t all = 0;
};

Counts CountsOf(const StreamConfig& config, uint64_t seed) {
  Random random(seed);
  const auto readings = RandomReadings(&random, 500, 30 * kMinute);
  const auto stream = MakeStream(config);
  stream->SetOpen(kBoth);
  Counts counts;
  for (size_t at = 0; at < readings.size();) {
    counts.used += stream->Add(MakeBatch(NextBatch(readings, &at, &random))).ValueOrDie().used;
    counts.all += stream->TakeResultRowCount();
  }
  counts.before_end = counts.all;
  EXPECT_TRUE(stream->End().ok());
  counts.all += stream->TakeResultRowCount();
  EXPECT_TRUE(stream->End().ok());
  EXPECT_EQ(stream->TakeResultRowCount(), 0) << "they were in a result before";
  return counts;
}

struct Shape {
  std::string name;
  WindowConfig window;
  LateAction then = LateAction::kDrop;
};

TEST(ResultRows, AreAllUsedRowsOnceTheInputHasEnded) {
  const std::vector<Shape> shapes = {
      {"tumbling", {.size = Duration::Minutes(5)}},
      {"sliding", {.size = Duration::Minutes(10), .every = Duration::Minutes(4)}},
      {"corrected", {.size = Duration::Minutes(5)}, LateAction::kCorrect},
      {"session", {.session = Duration::Minutes(2)}},
      {"one row", {.count = 1}},
  };
  for (const Shape& shape : shapes) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      SCOPED_TRACE(shape.name + " " + std::to_string(seed));
      StreamConfig config = BaseConfig({.allow = Duration::Minutes(3), .then = shape.then});
      config.window = shape.window;
      const Counts counts = CountsOf(config, seed);
      EXPECT_EQ(counts.all, counts.used);
      EXPECT_GT(counts.before_end, 0);
    }
  }
}

TEST(ResultRows, OfFullWindowsOfRowsOnly) {
  StreamConfig config = BaseConfig();
  config.window.count = 4;
  config.window.every_rows = 2;
  const auto stream = MakeStream(config);
  std::vector<int64_t> counts;
  for (int64_t row = 0; row < 7; ++row) {
    ASSERT_TRUE(stream->Add(MakeBatch({{"a", row, 1.0}})).ok());
    counts.push_back(stream->TakeResultRowCount());
  }
  EXPECT_EQ(counts, (std::vector<int64_t>{0, 0, 0, 4, 0, 2, 0}));
}

TEST(ResultRows, OfCoverageAreThoseOfPeriodsThatAreOut) {
  StreamConfig config = BaseConfig({.allow = Duration::Seconds(1)});
  config.compute.clear();
  config.coverage = CoverageConfig{.period = Duration::Minutes(1)};
  const auto stream = MakeStream(config);
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 0, 1.0}, {"a", kSecond, 1.0}})).ok());
  EXPECT_EQ(stream->TakeResultRowCount(), 0);
  ASSERT_TRUE(stream->Add(MakeBatch({{"a", 2 * kMinute, 1.0}})).ok());
  EXPECT_EQ(stream->TakeResultRowCount(), 2);
}

}  // namespace
}  // namespace catchwater
