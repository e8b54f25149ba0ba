#include "catchwater/stream/detect/surprise.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(Levels, AreEqualWithinTheRangeAndEverWiderBeyond) {
  std::vector<double> values;
  for (int i = 0; i <= 100; ++i) values.push_back(i);
  Levels levels;
  levels.Learn(values, /*step_count=*/10, /*left_out=*/0);
  EXPECT_EQ(levels.Of(0), 27);
  EXPECT_EQ(levels.Of(9.9), 27);
  EXPECT_EQ(levels.Of(10), 28);
  EXPECT_EQ(levels.Of(99.9), 36);
  EXPECT_EQ(levels.Of(150), 41);  // Half a range more: a doubling.
  EXPECT_EQ(levels.Of(1e300), Levels::kCount - 1);
  EXPECT_EQ(levels.Of(-1e300), 0);
}

TEST(Levels, OfOneValueAreNotDividedByNothing) {
  Levels levels;
  levels.Learn(std::vector<double>(400, 5.0), 8, 0.01);
  EXPECT_NE(levels.Of(5), levels.Of(7));
}

TEST(Novelty, WhatWasSeenOftenSurprisesLittle) {
  Novelty novelty(/*is_pairs=*/true);
  double last = 0;
  for (int i = 0; i < 200; ++i) last = novelty.Add(30 + i % 2, 10);
  EXPECT_LT(last, 0.1);
  EXPECT_GT(novelty.Add(30, 10) + novelty.Add(30, 10), 5);  // The same twice is new.
}

TEST(Season, KnowsWhatIsUsualAtThatTime) {
  Season season;
  season.Begin(/*season_us=*/1'000, /*cadence_us=*/100);
  for (int round = 0; round < 5; ++round) {
    for (int64_t i = 0; i < 10; ++i) {
      season.Add(round * 1'000 + i * 100, static_cast<double>(i * i));
    }
  }
  EXPECT_NEAR(season.Add(5'500, 25), 0, 1e-6);
  EXPECT_NEAR(season.Add(6'500, 0), 16, 1e-6);  // Its neighbours are 16 and 36.
  EXPECT_NEAR(season.Add(-500, 25), 9, 4);      // Times before 1970 are of the same season.
}

TEST(Evidence, IsTheChanceOfSoMuchInDigits) {
  Evidence evidence(/*short_count=*/1, /*power=*/0.5);
  for (int i = 0; i < 1'000; ++i) evidence.Add(i % 2 == 0 ? -1 : 1, /*is_judging=*/false);
  // Mean 0, deviation 1: the upper tail beyond 3 is 0.00135, that beyond 7 is 1.28e-12.
  Evidence other = evidence;
  EXPECT_NEAR(other.Add(3, true), -std::log10(0.00135), 0.01);
  other = evidence;
  EXPECT_NEAR(other.Add(7, true), -std::log10(1.28e-12), 0.02);
  EXPECT_EQ(evidence.Add(-5, true), 0);
}

}  // namespace
}  // namespace catchwater
