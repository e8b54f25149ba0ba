#include "catchwater/lake/sorted_merge.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/random.h"
#include "catchwater/lake/lake_fixture_test.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

struct Case {
  std::string name;
  std::vector<SortTerm> sort;
  int64_t memory_bytes_max = 96 << 20;
};

/// The slow oracle's order: nulls least, NaN greatest, direction by term.
template <typename T>
int CompareOptional(const std::optional<T>& a, const std::optional<T>& b) {
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  if constexpr (std::is_same_v<T, double>) {
    const bool nan_a = std::isnan(*a), nan_b = std::isnan(*b);
    if (nan_a || nan_b) return (nan_a ? 1 : 0) - (nan_b ? 1 : 0);
  }
  return *a < *b ? -1 : (*b < *a ? 1 : 0);
}

bool Before(const LakeReading& a, const LakeReading& b, const std::vector<SortTerm>& sort) {
  for (const SortTerm& term : sort) {
    int order = 0;
    if (term.column == "gone") return false;
    if (term.column == "id") order = CompareOptional<int64_t>(a.id, b.id);
    if (term.column == "ts") order = CompareOptional(a.ts_us, b.ts_us);
    if (term.column == "name") order = CompareOptional(a.name, b.name);
    if (term.column == "value") order = CompareOptional(a.value, b.value);
    if (order != 0) return (order < 0) != term.is_descending;
  }
  return false;
}

std::vector<LakeReading> RandomReadings(Random& random, int64_t count, int64_t first_id) {
  const double kSpecial[] = {std::nan(""),
                             -0.0,
                             0.0,
                             std::numeric_limits<double>::infinity(),
                             -std::numeric_limits<double>::infinity(),
                             -1.5,
                             1.5,
                             5e-324};
  std::vector<LakeReading> readings;
  for (int64_t i = 0; i < count; ++i) {
    LakeReading reading{.id = first_id + i};
    if (random.Below(10) != 0) reading.ts_us = static_cast<int64_t>(random.Below(1000)) - 500;
    if (random.Below(10) != 0) reading.name = "n" + std::to_string(random.Below(7));
    const uint64_t kind = random.Below(20);
    if (kind < 8) reading.value = kSpecial[kind];
    if (kind >= 10) reading.value = random.Normal();
    readings.push_back(reading);
  }
  return readings;
}

std::vector<LakeReading> ReadBack(SortedMerge& merge) {
  std::vector<LakeReading> readings;
  while (true) {
    const auto rows = merge.Next().ValueOrDie();
    if (rows == nullptr) return readings;
    EXPECT_GT(rows->num_rows(), 0);
    const auto& ids = static_cast<const arrow::Int64Array&>(*rows->column(0));
    const auto& times = static_cast<const arrow::TimestampArray&>(*rows->column(1));
    const auto& names = static_cast<const arrow::StringArray&>(*rows->column(2));
    const auto& values = static_cast<const arrow::DoubleArray&>(*rows->column(3));
    for (int64_t i = 0; i < rows->num_rows(); ++i) {
      LakeReading reading{.id = ids.Value(i)};
      if (times.IsValid(i)) reading.ts_us = times.Value(i);
      if (names.IsValid(i)) reading.name = names.GetString(i);
      if (values.IsValid(i)) reading.value = values.Value(i);
      readings.push_back(reading);
    }
  }
}

class SortedMergeTest : public ::testing::TestWithParam<Case> {
 protected:
  /// Adds the rows in batches of random length and gives back what comes out.
  std::vector<LakeReading> Merge(const std::vector<LakeReading>& readings, Random& random) {
    SortedMerge merge(files_, ReadingsSchema(),
                      {.sort = GetParam().sort,
                       .memory_bytes_max = GetParam().memory_bytes_max,
                       .spill_folder = "/spill"});
    for (size_t row = 0; row < readings.size();) {
      const size_t count = std::min(readings.size() - row, 1 + random.Below(400));
      const auto first = readings.begin() + static_cast<std::ptrdiff_t>(row);
      EXPECT_TRUE(
          merge.Add(ReadingsBatch({first, first + static_cast<std::ptrdiff_t>(count)})).ok());
      row += count;
    }
    EXPECT_TRUE(merge.Finish().ok());
    spilled_runs_ = files_.List("/spill").ok() ? files_.List("/spill")->size() : 0;
    return ReadBack(merge);
  }

  MemoryFiles files_;
  size_t spilled_runs_ = 0;
};

TEST_P(SortedMergeTest, GivesBackAllRowsInTheOrderOfASlowSort) {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    Random random(seed);
    const auto readings = RandomReadings(random, 5'000, 0);
    const auto got = Merge(readings, random);
    ASSERT_EQ(got.size(), readings.size());
    std::vector<bool> seen(readings.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const auto id = static_cast<size_t>(got[i].id);
      ASSERT_FALSE(seen[id]) << "row came twice, seed " << seed;
      seen[id] = true;
      ASSERT_EQ(got[i].ts_us, readings[id].ts_us);
      ASSERT_EQ(got[i].name, readings[id].name);
      ASSERT_EQ(CompareOptional(got[i].value, readings[id].value), 0);
      ASSERT_FALSE(i > 0 && Before(got[i], got[i - 1], GetParam().sort))
          << "rows " << i - 1 << " and " << i << " are out of order, seed " << seed;
    }
  }
  EXPECT_EQ(spilled_runs_ > 0, GetParam().memory_bytes_max < 1 << 20);
  EXPECT_TRUE(!files_.List("/spill").ok() || files_.List("/spill")->empty())
      << "sorted runs must be removed";
}

TEST_P(SortedMergeTest, GivesNothingForNothing) {
  Random random(4);
  EXPECT_TRUE(Merge({}, random).empty());
}

constexpr int64_t kTiny = 20'000;  // Some 200 rows a run.

INSTANTIATE_TEST_SUITE_P(
    Sorts, SortedMergeTest,
    ::testing::Values(Case{"NameThenTime", {{"name"}, {"ts"}}},
                      Case{"NameThenTimeSpilled", {{"name"}, {"ts"}}, kTiny},
                      Case{"Value", {{"value"}}}, Case{"ValueSpilled", {{"value"}}, kTiny},
                      Case{"ValueDescending", {{"value", true}}},
                      Case{"ValueDescendingSpilled", {{"value", true}, {"id"}}, kTiny},
                      Case{"NameDescendingThenTime", {{"name", true}, {"ts"}}, kTiny},
                      Case{"Unsorted", {}}, Case{"UnsortedSpilled", {}, kTiny},
                      Case{"BehindAnUnknownColumn", {{"id"}, {"gone"}}, kTiny}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
