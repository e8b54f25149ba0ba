#include "catchwater/stream/detect/active_alarm.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/detect/alarm_book.h"

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

int64_t At(int64_t hour, int64_t minute) { return (hour * 60 + minute) * kMinuteUs; }

class ActiveAlarmTest : public ::testing::Test {
 protected:
  // One reading; told as "raised 11:25", "cleared 11:25-11:30", ...
  void Arrive(int64_t time_us, bool is_active) {
    std::vector<Finding> findings;
    alarm_.Add({.time_us = time_us, .value = 1, .is_active = is_active}, &findings);
    for (Finding& finding : findings) book_.Take(0, "s", 0, std::move(finding), &events_);
  }
  static std::string Clock(int64_t us) {
    const int64_t minutes = us / kMinuteUs;
    return std::to_string(minutes / 60) + ":" + std::to_string(minutes % 60);
  }
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const AlarmEvent& event : events_) {
      const Finding& finding = event.finding;
      std::string text(EnumWords(AlarmState{})[static_cast<size_t>(event.state)].second);
      text += " " + Clock(finding.since_us);
      if (event.state == AlarmState::kCleared) text += "-" + Clock(finding.at_us);
      told.push_back(text);
    }
    return told;
  }

  ActiveAlarm alarm_{ActiveAlarmConfig{}};
  AlarmBook book_{AlarmConfig{}};
  std::vector<AlarmEvent> events_;
};

using Texts = std::vector<std::string>;

TEST_F(ActiveAlarmTest, RaisesAndClears) {
  Arrive(At(11, 20), false);
  Arrive(At(11, 25), true);
  Arrive(At(11, 26), true);
  Arrive(At(11, 30), false);
  Arrive(At(11, 31), false);
  EXPECT_EQ(Told(), (Texts{"raised 11:25", "cleared 11:25-11:30"}));
}

TEST_F(ActiveAlarmTest, AnActivationOlderThanTheLastClearingRaisesNothing) {
  Arrive(At(11, 30), false);
  Arrive(At(11, 25), true);
  EXPECT_EQ(Told(), Texts{});
}

TEST_F(ActiveAlarmTest, TheReverseOrderOfArrivalRaisesAndClearsWithTheRightTimes) {
  Arrive(At(11, 25), true);
  Arrive(At(11, 30), false);
  EXPECT_EQ(Told(), (Texts{"raised 11:25", "cleared 11:25-11:30"}));
}

TEST_F(ActiveAlarmTest, AClearingOlderThanTheActivationClearsNothing) {
  Arrive(At(11, 25), true);
  Arrive(At(11, 20), false);
  EXPECT_EQ(Told(), Texts{"raised 11:25"});
}

TEST_F(ActiveAlarmTest, AnEarlierActivationThatComesLateMovesTheBeginning) {
  Arrive(At(11, 25), true);
  Arrive(At(11, 22), true);
  Arrive(At(11, 30), false);
  EXPECT_EQ(Told(), (Texts{"raised 11:25", "updated 11:22", "cleared 11:22-11:30"}));
}

TEST_F(ActiveAlarmTest, StateSurvivesItsText) {
  Arrive(At(11, 25), true);
  StateWriter state;
  alarm_.Save(&state);
  book_.Save(0, &state);
  const std::string text = state.Take();
  StateReader reader(text);
  ActiveAlarm alarm{ActiveAlarmConfig{}};
  AlarmBook book{AlarmConfig{}};
  alarm.Load(&reader);
  book.Load(0, &reader);
  ASSERT_TRUE(reader.status().ok());
  EXPECT_TRUE(reader.is_at_end());
  std::vector<Finding> findings;
  alarm.Add({.time_us = At(11, 30), .value = 1}, &findings);
  ASSERT_EQ(findings.size(), 1U);
  book.Take(0, "s", 0, std::move(findings.front()), &events_);
  EXPECT_EQ(Told(), (Texts{"raised 11:25", "cleared 11:25-11:30"}));
  EXPECT_EQ(events_[0].id, events_[1].id);
}

}  // namespace
}  // namespace catchwater
