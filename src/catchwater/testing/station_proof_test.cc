#include "catchwater/testing/station_proof.h"

#include <gtest/gtest.h>

namespace catchwater {
namespace {

// The seeds 1 to 100 are run by bench/stations_bench; these are some of them.
TEST(StationProof, AlarmsArePredictedAndPeaksRemoved) {
  StationProof all;
  for (uint64_t seed = 11; seed <= 12; ++seed) {
    const auto proof = ProveOnStations({.seed = seed, .days = 6});
    ASSERT_TRUE(proof.ok()) << proof.status();
    all.Add(*proof);
  }
  EXPECT_GE(all.episode_count, 10) << all.ToText();
  EXPECT_EQ(all.predicted_count, all.episode_count) << all.ToText();
  EXPECT_LE(static_cast<double>(all.false_alarm_count), all.station_months) << all.ToText();
  EXPECT_GE(all.spike_count, 100) << all.ToText();
  EXPECT_EQ(all.spike_removed_count, all.spike_count) << all.ToText();
  EXPECT_LE(all.clean_removed_count * 1'000, all.clean_count) << all.ToText();
  EXPECT_EQ(all.active_right_count, all.active_count) << all.ToText();
}

// A peak where a battery has just been charged: the course bends there.
TEST(StationProof, PeaksAtABendAreRemoved) {
  for (const uint64_t seed : {64, 85}) {
    const auto proof = ProveOnStations({.seed = seed, .days = seed == 64 ? 3 : 1});
    ASSERT_TRUE(proof.ok()) << proof.status();
    EXPECT_EQ(proof->spike_removed_count, proof->spike_count) << proof->ToText();
  }
}

TEST(StationProof, IsTheSameForAnyCutAndAfterRestarts) {
  const StationProofOptions options{.seed = 3, .days = 3, .stations = 1};
  const auto whole = ProveOnStations(options);
  ASSERT_TRUE(whole.ok());
  StationProofOptions cut = options;
  cut.ticks_per_batch = 17;
  cut.restart_every = 10;
  const auto restarted = ProveOnStations(cut);
  ASSERT_TRUE(restarted.ok()) << restarted.status();
  EXPECT_EQ(whole->spike_removed_count, restarted->spike_removed_count);
  EXPECT_EQ(whole->clean_removed_count, restarted->clean_removed_count);
  EXPECT_EQ(whole->false_alarm_count, restarted->false_alarm_count);
  EXPECT_EQ(whole->active_right_count, restarted->active_right_count);
}

}  // namespace
}  // namespace catchwater
