#include "catchwater/stream/detect/silence_watch.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

class SilenceWatchTest : public ::testing::Test {
 protected:
  /// Minutes of three sensors; those that are silent send nothing.
  void Run(int64_t from, int64_t to, const std::vector<uint32_t>& sending) {
    for (int64_t minute = from; minute < to; ++minute) {
      for (const uint32_t key : sending) watch_.Add(key, 0, minute * kMinuteUs, &found_);
    }
  }
  std::vector<std::string> Told() const {
    std::vector<std::string> told;
    for (const auto& [is_source, index, finding] : found_) {
      told.push_back(
          std::string(AlarmKindName(finding.kind)) + " " + std::to_string(index) +
          (finding.phase == FindingPhase::kOver ? " over " : " since ") +
          std::to_string((finding.phase == FindingPhase::kOver ? finding.at_us : finding.since_us) /
                         kMinuteUs));
    }
    return told;
  }

  SilenceWatch watch_{MissingConfig{}};
  std::vector<SilenceWatch::Found> found_;
};

using Texts = std::vector<std::string>;

TEST_F(SilenceWatchTest, ASensorThatIsSilentWhileTheOthersSendIsMissing) {
  Run(0, 20, {0, 1, 2});
  Run(20, 40, {0, 2});
  EXPECT_EQ(Told(), Texts{"missing 1 since 19"});
  Run(40, 50, {0, 1, 2});
  EXPECT_EQ(Told(), (Texts{"missing 1 since 19", "missing 1 over 40"}));
}

TEST_F(SilenceWatchTest, WhenAllAreSilentItIsOneStalledSource) {
  Run(0, 20, {0, 1, 2});
  watch_.AdvanceTo(23 * kMinuteUs, &found_);
  EXPECT_TRUE(found_.empty());
  watch_.AdvanceTo(60 * kMinuteUs, &found_);
  EXPECT_EQ(Told(), Texts{"pipeline_stalled 0 since 19"});
  Run(60, 64, {0, 1, 2});
  EXPECT_EQ(Told(), (Texts{"pipeline_stalled 0 since 19", "pipeline_stalled 0 over 60"}));
  Run(64, 80, {0, 1, 2});
  EXPECT_EQ(Told().size(), 2U);
}

TEST_F(SilenceWatchTest, OneThatDoesNotComeBackWithItsSourceIsMissingThen) {
  Run(0, 20, {0, 1, 2});
  Run(60, 80, {0, 2});
  EXPECT_EQ(Told(), (Texts{"pipeline_stalled 0 since 19", "pipeline_stalled 0 over 60",
                           "missing 1 since 19"}));
}

TEST_F(SilenceWatchTest, StateSurvivesItsText) {
  Run(0, 20, {0, 1, 2});
  StateWriter state;
  watch_.Save(&state);
  const std::string text = state.Take();
  StateReader reader(text);
  SilenceWatch other{MissingConfig{}};
  other.Load(&reader);
  ASSERT_TRUE(reader.status().ok() && reader.is_at_end());
  other.AdvanceTo(60 * kMinuteUs, &found_);
  EXPECT_EQ(Told(), Texts{"pipeline_stalled 0 since 19"});
}

TEST_F(SilenceWatchTest, StationsStallByThemselves) {
  for (int64_t minute = 0; minute < 40; ++minute) {
    watch_.Add(0, 0, minute * kMinuteUs, &found_);
    if (minute < 20) watch_.Add(1, 1, minute * kMinuteUs, &found_);
    if (minute < 20) watch_.Add(2, 1, minute * kMinuteUs, &found_);
  }
  EXPECT_EQ(Told(), Texts{"pipeline_stalled 1 since 19"});
}

}  // namespace
}  // namespace catchwater
