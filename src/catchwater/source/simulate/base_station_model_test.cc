#include "catchwater/source/simulate/base_station_model.h"

#include <map>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "catchwater/testing/simulated_source.h"

namespace catchwater {
namespace {

constexpr int64_t kMinuteUs = 60'000'000;

BaseStationOptions Days(int64_t days, uint64_t seed) {
  const auto sensors = static_cast<int64_t>(BaseStationModel::kDatapoints.size());
  return {.station_count = 2,
          .slot_count = 2 * sensors * 1'440 * days,
          .from_us = 0,
          .seed = seed,
          .traits = {}};
}

TEST(BaseStationModel, ConformsAsASource) {
  SimulatedSource source;
  SimulateConfig& config = source.config;
  config.profile = SimulateProfile::kBaseStations;
  config.format = SimulateFormat::kCsv;
  config.stations = 2;
  config.rows = 500;
  config.block_bytes = ByteSize::KiB(16);
  source.CheckConformance(/*resume_count_max=*/40);
}

TEST(BaseStationModel, WritesOnlyCsv) {
  SimulateConfig config;
  config.profile = SimulateProfile::kBaseStations;
  EXPECT_FALSE(config.Check().ok());
  config.format = SimulateFormat::kCsv;
  EXPECT_TRUE(config.Check().ok());
}

TEST(BaseStationModel, EveryReadingThatIsMadeIsDeliveredOnceSomeOutOfOrder) {
  const BaseStationOptions options = Days(1, 7);
  const BaseStationModel model(options);
  std::set<int64_t> delivered;
  int64_t late_count = 0;
  int64_t disorder_count = 0;
  for (int64_t slot = 0; slot < model.slot_count(); ++slot) {
    const auto slots = model.DeliveredIn(slot);
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] < 0) continue;
      EXPECT_TRUE(delivered.insert(slots[i]).second);
      late_count += i == 3 ? 1 : 0;
      disorder_count += i == 1 || i == 2 ? 1 : 0;
    }
  }
  int64_t silent_count = 0;
  for (int64_t slot = 0; slot < options.slot_count; ++slot) silent_count += model.IsSilent(slot);
  EXPECT_EQ(static_cast<int64_t>(delivered.size()) + silent_count, options.slot_count);
  EXPECT_NEAR(static_cast<double>(late_count), 0.002 * 72'000, 50);
  EXPECT_NEAR(static_cast<double>(disorder_count), 0.02 * 72'000, 200);
}

TEST(BaseStationModel, EveryEpisodeStartsLongBeforeItsAlarmAndEnds) {
  const BaseStationModel model(Days(12, 3));
  const auto episodes = model.Episodes();
  std::map<int32_t, int> counts;
  for (const PlantedEpisode& episode : episodes) {
    ++counts[episode.datapoint];
    EXPECT_GE(episode.alarm_us - episode.start_us, 30 * kMinuteUs);
    EXPECT_GT(episode.clear_us, episode.alarm_us + 10 * kMinuteUs);
  }
  EXPECT_GE(counts[111], 6);
  EXPECT_GE(counts[141], 6);
}

TEST(BaseStationModel, ActiveMeansBeyondTheThresholdAndPeaksStandAlone) {
  const BaseStationOptions options = Days(4, 5);
  const BaseStationModel model(options);
  int64_t spike_count = 0;
  std::map<std::pair<int64_t, int32_t>, bool> was_spike;
  for (int64_t slot = 0; slot < options.slot_count; ++slot) {
    const StationReading reading = model.ReadingOf(slot);
    bool& last = was_spike[{reading.station, reading.datapoint}];
    EXPECT_FALSE(last && reading.is_spike);
    last = reading.is_spike;
    spike_count += reading.is_spike ? 1 : 0;
    if (!reading.threshold || reading.is_spike || !reading.is_active) continue;
    const double beyond = reading.value - *reading.threshold;
    EXPECT_GT(reading.datapoint == 111 ? beyond : -beyond, -1);
  }
  EXPECT_GT(spike_count, 50);
}

}  // namespace
}  // namespace catchwater
