#include "catchwater/stream/detect/alarm_book.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

class AlarmBookTest : public ::testing::Test {
 protected:
  std::vector<AlarmEvent> Tell(FindingPhase phase, int64_t since, int64_t at,
                               AlarmKind kind = AlarmKind::kTrend) {
    std::vector<AlarmEvent> events;
    book_.Take(
        0, "station", 0,
        {.kind = kind, .phase = phase, .since_us = since * kMinuteUs, .at_us = at * kMinuteUs},
        &events);
    return events;
  }
  std::vector<AlarmEvent> Holds(int64_t since, int64_t at) {
    return Tell(FindingPhase::kHolds, since, at);
  }
  std::vector<AlarmEvent> Over(int64_t at) { return Tell(FindingPhase::kOver, 0, at); }

  AlarmBook book_{AlarmConfig{}};
};

TEST_F(AlarmBookTest, TellsAnAlarmOnceUntilAnUpdateIsDue) {
  const auto raised = Holds(10, 10);
  ASSERT_EQ(raised.size(), 1U);
  EXPECT_EQ(raised[0].state, AlarmState::kRaised);
  EXPECT_TRUE(Holds(10, 11).empty());
  EXPECT_TRUE(Holds(10, 14).empty());
  const auto updated = Holds(10, 15);
  ASSERT_EQ(updated.size(), 1U);
  EXPECT_EQ(updated[0].state, AlarmState::kUpdated);
  EXPECT_EQ(updated[0].sequence, 2);
  const auto cleared = Over(16);
  ASSERT_EQ(cleared.size(), 1U);
  EXPECT_EQ(cleared[0].state, AlarmState::kCleared);
  EXPECT_EQ(cleared[0].finding.since_us, 10 * kMinuteUs);
  EXPECT_TRUE(Over(17).empty());
}

TEST_F(AlarmBookTest, OneThatComesBackSoonIsTheSameOneLaterIsAnother) {
  const uint64_t id = Holds(10, 10)[0].id;
  Over(20);
  const auto back = Holds(22, 22);
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].id, id);
  EXPECT_EQ(back[0].state, AlarmState::kUpdated);
  EXPECT_EQ(back[0].finding.since_us, 10 * kMinuteUs);
  Over(30);
  const auto other = Holds(40, 40);
  ASSERT_EQ(other.size(), 1U);
  EXPECT_NE(other[0].id, id);
  EXPECT_EQ(other[0].state, AlarmState::kRaised);
}

TEST_F(AlarmBookTest, TheIdDependsOnNothingButWhatItIs) {
  const uint64_t id = Holds(10, 12)[0].id;
  AlarmBook other{AlarmConfig{}};
  std::vector<AlarmEvent> events;
  other.Take(7, "station", 0,
             {.kind = AlarmKind::kTrend, .since_us = 10 * kMinuteUs, .at_us = 13 * kMinuteUs},
             &events);
  EXPECT_EQ(events[0].id, id);
  other.Take(8, "another", 0,
             {.kind = AlarmKind::kTrend, .since_us = 10 * kMinuteUs, .at_us = 13 * kMinuteUs},
             &events);
  EXPECT_NE(events[1].id, id);
}

TEST_F(AlarmBookTest, WhatIsOverAtOnceIsRaisedAndClearedInOneEvent) {
  const auto events = Tell(FindingPhase::kOnce, 10, 10, AlarmKind::kSpike);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].state, AlarmState::kCleared);
  EXPECT_NE(Tell(FindingPhase::kOnce, 11, 11, AlarmKind::kSpike)[0].id, events[0].id);
}

TEST_F(AlarmBookTest, MoreThanTheRateAreCountedAndToldWithTheNextOne) {
  int64_t told = 0;
  for (int64_t i = 0; i < 30; ++i) {
    told += static_cast<int64_t>(Tell(FindingPhase::kOnce, i, i, AlarmKind::kSpike).size());
  }
  EXPECT_EQ(told, 20);
  EXPECT_EQ(book_.suppressed_count(), 10);
  const auto next = Tell(FindingPhase::kOnce, 61, 61, AlarmKind::kSpike);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].suppressed, 10);
}

TEST_F(AlarmBookTest, OneThatHoldsAndWasHeldBackIsRaisedInTheNextHour) {
  for (int64_t i = 0; i < 20; ++i) {
    Holds(i * 1'000, i * 1'000);
    Over(i * 1'000 + 1);
  }
  AlarmConfig config;
  config.raises_per_hour_max = 1;
  AlarmBook book(config);
  std::vector<AlarmEvent> events;
  const auto tell = [&](FindingPhase phase, int64_t minute) {
    book.Take(0, "s", 0,
              {.kind = AlarmKind::kActive,
               .phase = phase,
               .since_us = minute * kMinuteUs,
               .at_us = minute * kMinuteUs},
              &events);
  };
  tell(FindingPhase::kHolds, 0);
  tell(FindingPhase::kOver, 1);
  for (int64_t minute = 10; minute < 59; ++minute) tell(FindingPhase::kHolds, minute);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(book.suppressed_count(), 1);
  tell(FindingPhase::kHolds, 60);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[2].state, AlarmState::kRaised);
}

}  // namespace
}  // namespace catchwater
