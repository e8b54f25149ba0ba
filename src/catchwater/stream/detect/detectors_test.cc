#include <cmath>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/stream/detect/anomaly.h"
#include "catchwater/stream/detect/change_point.h"
#include "catchwater/stream/detect/failure_rate.h"
#include "catchwater/stream/detect/frequency.h"
#include "catchwater/stream/detect/spike_filter.h"
#include "catchwater/stream/detect/threshold_trend.h"

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

std::vector<Finding> Of(const std::vector<Finding>& findings, AlarmKind kind,
                        FindingPhase phase = FindingPhase::kHolds) {
  std::vector<Finding> chosen;
  for (const Finding& finding : findings) {
    if (finding.kind == kind && finding.phase == phase) chosen.push_back(finding);
  }
  return chosen;
}

/// Law: saved and loaded in the middle, a detector finds what it finds without.
template <class Make>
void ExpectStateIsWhole(const Make& make, const std::vector<Reading>& readings) {
  std::vector<Finding> whole;
  auto one = make();
  for (const Reading& reading : readings) one.Add(reading, &whole);
  std::vector<Finding> cut;
  auto before = make();
  const size_t half = readings.size() / 2;
  for (size_t i = 0; i < half; ++i) before.Add(readings[i], &cut);
  StateWriter state;
  before.Save(&state);
  const std::string text = state.Take();
  StateReader reader(text);
  auto after = make();
  after.Load(&reader);
  ASSERT_TRUE(reader.status().ok() && reader.is_at_end());
  for (size_t i = half; i < readings.size(); ++i) after.Add(readings[i], &cut);
  ASSERT_EQ(whole.size(), cut.size());
  EXPECT_FALSE(whole.empty());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(whole[i].why, cut[i].why);
    EXPECT_EQ(whole[i].since_us, cut[i].since_us);
  }
}

std::vector<Reading> Noise(int64_t count, double level, double noise, uint32_t seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(level, noise);
  std::vector<Reading> readings;
  for (int64_t i = 0; i < count; ++i) {
    readings.push_back({.time_us = i * kMinuteUs, .value = normal(random)});
  }
  return readings;
}

class SpikeFilterTest : public ::testing::Test {
 protected:
  void Run(const std::vector<Reading>& readings) {
    SpikeFilter filter(config_);
    for (const Reading& reading : readings) filter.Add(reading, &released_, &findings_);
    filter.AdvanceTo(readings.back().time_us + 365 * 1'440 * kMinuteUs, &released_, &findings_);
  }
  SpikeConfig config_;
  std::vector<Reading> released_;
  std::vector<Finding> findings_;
};

TEST_F(SpikeFilterTest, RemovesAPeakAndSaysWhy) {
  auto readings = Noise(100, 20, 0.2);
  readings[50].value = 31;
  Run(readings);
  ASSERT_EQ(findings_.size(), 1U);
  EXPECT_EQ(findings_[0].since_us, 50 * kMinuteUs);
  EXPECT_NE(findings_[0].why.find("31 between neighbours at 19.9"), std::string::npos)
      << findings_[0].why;
  ASSERT_EQ(released_.size(), 99U);
  for (const Reading& reading : released_) EXPECT_LT(reading.value, 22);
}

TEST_F(SpikeFilterTest, KeepsIt) {
  config_.remove = false;
  auto readings = Noise(100, 20, 0.2);
  readings[50].value = 31;
  Run(readings);
  EXPECT_EQ(findings_.size(), 1U);
  EXPECT_EQ(released_.size(), 100U);
}

TEST_F(SpikeFilterTest, AStepIsNoPeak) {
  auto readings = Noise(100, 20, 0.2);
  for (size_t i = 50; i < 100; ++i) readings[i].value += 15;
  Run(readings);
  EXPECT_TRUE(findings_.empty());
  EXPECT_EQ(released_.size(), 100U);
}

/// A battery that is charged: low, up by 0.6 V a minute for a quarter of an hour, then level.
std::vector<Reading> Bent() {
  auto readings = Noise(100, 54, 0.05);
  for (size_t i = 0; i < 40; ++i) {
    readings[i].value -= std::min(9.0, 0.6 * (39.5 - static_cast<double>(i)));
  }
  return readings;
}

TEST_F(SpikeFilterTest, APeakWhereTheCourseBendsIsOne) {
  for (const double size : {-2.5, -1.75, 1.75, 2.5}) {
    SCOPED_TRACE(size);
    released_.clear();
    findings_.clear();
    auto readings = Bent();
    readings[40].value += size;
    Run(readings);
    ASSERT_EQ(findings_.size(), 1U);
    EXPECT_EQ(findings_[0].since_us, 40 * kMinuteUs);
    EXPECT_EQ(released_.size(), 99U);
  }
}

TEST_F(SpikeFilterTest, ABendIsNoPeak) {
  Run(Bent());
  EXPECT_TRUE(findings_.empty());
}

// A reading that goes farther than a step, but less far than the step itself.
TEST_F(SpikeFilterTest, AStepThatOvershootsIsNoPeak) {
  for (const double over : {-3, 3}) {
    SCOPED_TRACE(over);
    auto readings = Noise(100, 20, 0.05);
    for (size_t i = 50; i < 100; ++i) readings[i].value += 15;
    readings[over > 0 ? 50 : 49].value += over;
    Run(readings);
    EXPECT_TRUE(findings_.empty());
  }
}

TEST_F(SpikeFilterTest, ATopIsNoPeak) {
  auto sharp = Noise(100, 20, 0.05);
  auto round = sharp;
  for (size_t i = 35; i < 66; ++i) {
    const double from_top = std::abs(static_cast<double>(i) - 50);
    sharp[i].value += 15 - from_top;
    round[i].value += 15 - from_top * from_top / 15;
  }
  Run(sharp);
  Run(round);
  EXPECT_TRUE(findings_.empty());
}

TEST_F(SpikeFilterTest, NeighboursThatAreFarAwayJudgeNothing) {
  auto readings = Noise(100, 20, 0.2);
  for (size_t i = 0; i < readings.size(); ++i) {
    readings[i].time_us = static_cast<int64_t>(i) * 60 * kMinuteUs;
  }
  readings[50].value = 31;
  Run(readings);
  EXPECT_TRUE(findings_.empty());
  EXPECT_EQ(released_.size(), 100U);
}

TEST_F(SpikeFilterTest, ReadingsLeaveInOrderOnceWhateverTheyAre) {
  for (uint32_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    std::vector<Reading> readings;
    int64_t time_us = 0;
    for (int i = 0; i < 200; ++i) {
      time_us += static_cast<int64_t>(random() % 600) * 1'000'000;
      readings.push_back({.time_us = time_us, .value = static_cast<double>(random() % 10)});
    }
    released_.clear();
    findings_.clear();
    Run(readings);
    EXPECT_EQ(released_.size() + findings_.size(), readings.size());
    for (size_t i = 1; i < released_.size(); ++i) {
      EXPECT_LE(released_[i - 1].time_us, released_[i].time_us);
    }
  }
}

TEST(ChangePoint, FindsANewLevelOnceAndSaysSinceWhen) {
  auto readings = Noise(400, 20, 0.5);
  for (size_t i = 200; i < 400; ++i) readings[i].value += 3;
  ChangePointConfig config;
  ChangePoint detector(config);
  std::vector<Finding> findings;
  for (const Reading& reading : readings) detector.Add(reading, &findings);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NEAR(static_cast<double>(findings[0].since_us / kMinuteUs), 200, 3);
  EXPECT_NEAR(findings[0].value, 23, 0.5);
  ExpectStateIsWhole([&] { return ChangePoint(config); }, readings);
}

TEST(ChangePoint, NoiseAndSinglePeaksAreNoChange) {
  int64_t count = 0;
  ChangePointConfig config;
  for (uint32_t seed = 0; seed < 20; ++seed) {
    ChangePoint detector(config);
    std::vector<Finding> findings;
    auto readings = Noise(1'000, 20, 0.5, seed);
    readings[300].value = 60;
    for (const Reading& reading : readings) detector.Add(reading, &findings);
    count += static_cast<int64_t>(findings.size());
  }
  EXPECT_LE(count, 2);
}

TEST(Frequency, FindsGapsSilenceAndBursts) {
  FrequencyConfig config;
  Frequency detector(config);
  std::vector<Finding> findings;
  int64_t time_us = 0;
  const auto add = [&](int64_t after_us) {
    time_us += after_us;
    detector.Add({.time_us = time_us, .value = 0}, &findings);
  };
  for (int i = 0; i < 40; ++i) add(kMinuteUs);
  EXPECT_TRUE(findings.empty());
  add(5 * kMinuteUs);
  EXPECT_EQ(Of(findings, AlarmKind::kGap, FindingPhase::kOnce).size(), 1U);
  for (int i = 0; i < 5; ++i) add(kMinuteUs);
  detector.AdvanceTo(time_us + 9 * kMinuteUs, &findings);
  EXPECT_TRUE(Of(findings, AlarmKind::kSilence).empty());
  detector.AdvanceTo(time_us + 11 * kMinuteUs, &findings);
  ASSERT_EQ(Of(findings, AlarmKind::kSilence).size(), 1U);
  EXPECT_EQ(Of(findings, AlarmKind::kSilence)[0].since_us, time_us);
  add(30 * kMinuteUs);
  EXPECT_EQ(Of(findings, AlarmKind::kSilence, FindingPhase::kOver).size(), 1U);
  for (int i = 0; i < 12; ++i) add(kMinuteUs / 10);
  EXPECT_EQ(Of(findings, AlarmKind::kBurst).size(), 1U);
  for (int i = 0; i < 12; ++i) add(kMinuteUs);
  EXPECT_EQ(Of(findings, AlarmKind::kBurst, FindingPhase::kOver).size(), 1U);
}

TEST(Frequency, FindsARhythmThatIsNone) {
  FrequencyConfig config;
  Frequency detector(config);
  std::vector<Finding> findings;
  std::mt19937 random(3);
  int64_t time_us = 0;
  for (int i = 0; i < 60; ++i) {
    detector.Add({.time_us = time_us += kMinuteUs, .value = 0}, &findings);
  }
  for (int i = 0; i < 60; ++i) {
    time_us += static_cast<int64_t>(1 + random() % 120) * 1'000'000;
    detector.Add({.time_us = time_us, .value = 0}, &findings);
  }
  EXPECT_EQ(Of(findings, AlarmKind::kUnstable).size(), 1U);
}

class ThresholdTrendTest : public ::testing::Test {
 protected:
  ThresholdTrendTest() {
    config_.threshold = "limit";
    config_.unit = "°C";
  }
  /// Level at first, then a slope a minute from minute 60 on.
  std::vector<Reading> Ramp(double level, double slope, double threshold, int64_t count) {
    auto readings = Noise(count, level, 0.2);
    for (Reading& reading : readings) {
      const auto minute = static_cast<double>(reading.time_us / kMinuteUs);
      reading.value += slope * std::max(0.0, minute - 60);
      reading.threshold = threshold;
    }
    return readings;
  }
  std::vector<Finding> Run(const std::vector<Reading>& readings) {
    ThresholdTrend detector(config_);
    std::vector<Finding> findings;
    for (const Reading& reading : readings) detector.Add(reading, &findings);
    return findings;
  }
  ThresholdTrendConfig config_;
};

TEST_F(ThresholdTrendTest, SaysWhenTheThresholdIsReached) {
  // 24 + 0.5 a minute: 75 is reached in minute 162.
  const auto findings = Run(Ramp(24, 0.5, 75, 170));
  const auto holds = Of(findings, AlarmKind::kTrend);
  ASSERT_FALSE(holds.empty());
  const double at_minute = static_cast<double>(holds[0].at_us / kMinuteUs);
  EXPECT_NEAR(at_minute, 134, 3);
  EXPECT_NEAR(at_minute + holds[0].lead_seconds / 60, 162, 1.5);
  EXPECT_NE(holds[0].why.find("reaches 75 °C in "), std::string::npos) << holds[0].why;
  EXPECT_LT(holds[0].tolerance_seconds, 300);
  const auto over = Of(findings, AlarmKind::kTrend, FindingPhase::kOver);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_NE(over[0].why.find("reached 75"), std::string::npos);
}

TEST_F(ThresholdTrendTest, BelowIsTheOtherWayRound) {
  config_.side = TrendSide::kBelow;
  EXPECT_FALSE(Of(Run(Ramp(54, -0.1, 46, 140)), AlarmKind::kTrend).empty());
  config_.side = TrendSide::kAbove;
  EXPECT_TRUE(Run(Ramp(40, -0.1, 46, 140)).empty());
}

TEST_F(ThresholdTrendTest, NoThresholdIsNeverReached) {
  EXPECT_TRUE(Run(Ramp(24, 5'000, 999'999, 200)).empty());
  EXPECT_TRUE(Run(Ramp(24, 0.5, std::nan(""), 200)).empty());
}

TEST_F(ThresholdTrendTest, NoiseAloneGoesNowhereAndOneThatTurnsIsCleared) {
  for (uint32_t seed = 0; seed < 5; ++seed) {
    auto readings = Noise(500, 43, 0.2, seed);
    for (Reading& reading : readings) reading.threshold = 45;
    EXPECT_TRUE(Run(readings).size() <= 2) << seed;
  }
  auto readings = Ramp(24, 0.5, 45, 100);
  for (size_t i = 92; i < readings.size(); ++i) readings[i].value = 40;
  for (int64_t i = 100; i < 140; ++i) {
    readings.push_back({.time_us = i * kMinuteUs, .value = 39.0, .threshold = 45});
  }
  const auto findings = Run(readings);
  const auto over = Of(findings, AlarmKind::kTrend, FindingPhase::kOver);
  ASSERT_EQ(over.size(), 1U);
  EXPECT_NE(over[0].why.find("no longer"), std::string::npos) << over[0].why;
  ExpectStateIsWhole([&] { return ThresholdTrend(config_); }, readings);
}

TEST(FailureRate, GrowsWithAlarmsAndFadesWithTime) {
  FailureRateConfig config;
  config.half_life = Duration::Days(10);
  FailureRate detector(config);
  std::vector<Finding> findings;
  constexpr int64_t kHourUs = 60 * kMinuteUs;
  int64_t time_us = 0;
  const auto day = [&](bool has_alarm) {
    for (int hour = 0; hour < 24; ++hour) {
      time_us += kHourUs;
      detector.Add({.time_us = time_us, .value = 0, .is_active = has_alarm && hour == 12},
                   &findings);
    }
  };
  for (int i = 0; i < 10; ++i) day(false);
  EXPECT_LT(detector.probability(), 0.1);
  EXPECT_TRUE(findings.empty());
  for (int i = 0; i < 40; ++i) day(true);
  // One a day, seen for long: 1 - 1/e, with the prior a little less.
  EXPECT_NEAR(detector.probability(), 0.6, 0.05);
  EXPECT_FALSE(Of(findings, AlarmKind::kFailureRate).empty());
  for (int i = 0; i < 60; ++i) day(false);
  EXPECT_LT(detector.probability(), 0.2);
  EXPECT_EQ(Of(findings, AlarmKind::kFailureRate, FindingPhase::kOver).size(), 1U);
}

TEST(Anomaly, TellsADayThatIsNotLikeTheOthers) {
  std::vector<Reading> readings;
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, 0.3);
  for (int64_t i = 0; i < 10 * 288; ++i) {
    const double angle = static_cast<double>(i % 288) / 288 * 6.2831853;
    readings.push_back(
        {.time_us = i * 5 * kMinuteUs, .value = 20 + 5 * std::sin(angle) + normal(random)});
  }
  for (size_t i = 2'304; i < 2'376; ++i) readings[i].value = 21;  // A quarter of a day.
  AnomalyConfig config;
  Anomaly detector(config);
  std::vector<Finding> findings;
  for (const Reading& reading : readings) detector.Add(reading, &findings);
  const auto holds = Of(findings, AlarmKind::kAnomaly);
  ASSERT_FALSE(holds.empty());
  EXPECT_GE(holds[0].since_us, 2'304 * 5 * kMinuteUs);
  EXPECT_LE(holds[0].since_us, 2'376 * 5 * kMinuteUs);
  EXPECT_NE(holds[0].why.find("score "), std::string::npos);
  ExpectStateIsWhole([&] { return Anomaly(config); }, readings);
}

}  // namespace
}  // namespace catchwater
