// Which rows of a stream are left out, and why.
#include "catchwater/stream/event_time.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/window_test_support_internal.h"

namespace catchwater {
namespace {

using namespace window_test;

std::map<std::string, int64_t> Reasons(const SortedByTime& sorted) {
  std::map<std::string, int64_t> reasons;
  for (const Tally& tally : sorted.others) reasons[tally.reason] += tally.row_count;
  return reasons;
}

int64_t RowsIn(const Batch& batch) { return batch.rows == nullptr ? 0 : batch.rows->num_rows(); }

TEST(EventTime, LeavesOutRowsBeforeFromWhetherStoredOrNew) {
  const EventTimeOptions options{.column = "ts", .from_us = kMinute};
  const Batch batch = MakeBatch({{"a", 0, 1.0}, {"a", kMinute, 2.0}, {"a", kMinute - 1, 3.0}});
  EventTime live(options);
  const SortedByTime sorted = live.Sort(batch).ValueOrDie();
  EXPECT_EQ(RowsIn(sorted.in_time), 1);
  EXPECT_EQ(Reasons(sorted), (std::map<std::string, int64_t>{{"before_from", 2}}));
  EXPECT_EQ(live.newest_us(), kMinute);
  EventTime stored(options);
  const SortedByTime from_table = stored.SortStored(batch).ValueOrDie();
  EXPECT_EQ(RowsIn(from_table.in_time), 1);
  EXPECT_EQ(Reasons(from_table), (std::map<std::string, int64_t>{{"before_from", 2}}));
}

TEST(EventTime, RefusesRowsOverTheRateBySecondOfReceipt) {
  EventTime time({.column = "ts", .rows_per_second_max = 3});
  const std::vector<SensorReading> two = {{"a", 10, 1.0}, {"a", 20, 2.0}};
  const int64_t second_us = 1'800'000'000 * kSecond;
  EXPECT_EQ(RowsIn(time.Sort(MakeBatch(two, second_us)).ValueOrDie().in_time), 2);
  const SortedByTime over = time.Sort(MakeBatch(two, second_us + 999'999)).ValueOrDie();
  EXPECT_EQ(RowsIn(over.in_time), 1);
  EXPECT_EQ(Reasons(over), (std::map<std::string, int64_t>{{"over_rows_per_second", 1}}));
  EXPECT_EQ(RowsIn(time.Sort(MakeBatch(two, second_us + 999'999)).ValueOrDie().in_time), 0);
  EXPECT_EQ(RowsIn(time.Sort(MakeBatch(two, second_us + kSecond)).ValueOrDie().in_time), 2);
}

TEST(EventTime, RefusesByRateWithoutEventTimesToo) {
  EventTime time({.column = "", .rows_per_second_max = 1});
  const Batch batch = MakeBatch({{"a", 10, 1.0}, {"b", 20, 2.0}}, 1'800'000'000 * kSecond);
  const SortedByTime sorted = time.Sort(batch).ValueOrDie();
  ASSERT_EQ(RowsIn(sorted.in_time), 1);
  EXPECT_EQ(sorted.in_time.rows->column(0)->GetScalar(0).ValueOrDie()->ToString(), "a");
}

TEST(EventTime, WhereReceiptIsNotKnownThereIsNoRate) {
  EventTime time({.column = "ts", .rows_per_second_max = 1});
  EXPECT_EQ(RowsIn(time.Sort(MakeBatch({{"a", 1, 1.0}, {"a", 2, 2.0}})).ValueOrDie().in_time), 2);
}

}  // namespace
}  // namespace catchwater
