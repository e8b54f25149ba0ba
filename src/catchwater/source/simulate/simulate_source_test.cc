#include "catchwater/source/simulate/simulate_source.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/testing/simulated_source.h"

namespace catchwater {
namespace {

class SimulateSourceTest : public ::testing::Test {
 protected:
  arrow::Result<std::unique_ptr<Source>> Make() { return source_.Make(); }
  std::vector<Frame> ReadAll() { return ReadToEnd(*Make().ValueOrDie()).at("simulated").frames; }
  void PlantEverything() {
    config_.rows = 5'800;
    config_.gap_rate = 0.02;
    config_.duplicate_rate = 0.03;
    config_.late_rate = 0.04;
    config_.broken_rate = 0.05;
    config_.block_bytes = ByteSize::KiB(64);
  }

  SimulatedSource source_;
  FakeClock& clock_ = source_.clock;
  SimulateConfig& config_ = source_.config;
};

TEST_F(SimulateSourceTest, ConformsInBothFormats) {
  PlantEverything();
  config_.rows = 1'000;
  config_.block_bytes = ByteSize::KiB(16);
  for (const SimulateFormat format : {SimulateFormat::kNdjson, SimulateFormat::kCsv}) {
    config_.format = format;
    source_.CheckConformance(/*resume_count_max=*/60);
  }
}

TEST_F(SimulateSourceTest, ACleanDayIsOneReadingASensorAndMinute) {
  config_.rows = 58 * 1'440;
  std::map<std::string, std::set<std::string>> times;
  for (const auto& [ordinal, text] : ReadAll()) {
    const auto record = nlohmann::json::parse(text);
    EXPECT_TRUE(times[record["sensor_id"]].insert(record["ts"]).second);
    EXPECT_EQ(record.size(), 6U);
  }
  ASSERT_EQ(times.size(), 58U);
  for (const auto& [sensor, minutes] : times) EXPECT_EQ(minutes.size(), 1'440U) << sensor;
  EXPECT_EQ(*times["sensor-058"].begin(), "2026-01-01T00:00:00Z");
  EXPECT_EQ(*times["sensor-001"].rbegin(), "2026-01-01T23:59:00Z");
}

// Counts in the delivered text what the truth claims, without the model's help.
TEST_F(SimulateSourceTest, WhatIsPlantedIsWhatTheTruthSays) {
  PlantEverything();
  SimulatedTruth got;
  std::set<std::string> seen;
  for (const auto& [ordinal, text] : ReadAll()) {
    ++got.frame_count;
    const auto record = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    const bool is_decodable = !record.is_discarded() && record["temperature"].is_number() &&
                              ParseIso(record["ts"].get<std::string>()).fault == TimeFault::kNone;
    if (!is_decodable) {
      ++got.undecodable_count;
    } else if (record["temperature"] == 999.9) {
      ++got.out_of_range_count;
    } else if (!seen.insert(text).second) {
      ++got.duplicate_count;
    } else {
      ++got.reading_count;
      const int64_t time_us = ParseIso(record["ts"].get<std::string>()).us;
      const auto minutes = static_cast<int64_t>(ordinal / 4) / config_.sensors;
      const int64_t sent_us = FakeClock::kDefaultStartUs + minutes * 60'000'000;
      if (time_us == sent_us - config_.late_by.us()) ++got.late_count;
    }
  }
  SimulatedTruth want = CountSimulatedTruth(config_);
  EXPECT_GT(want.gap_count, 50);
  EXPECT_GT(want.late_count, 100);
  EXPECT_GT(want.duplicate_count, 100);
  EXPECT_GT(want.undecodable_count, 100);
  EXPECT_GT(want.out_of_range_count, 30);
  EXPECT_EQ(want.reading_count + want.gap_count + want.undecodable_count + want.out_of_range_count,
            config_.rows)
      << "each reading asked for has one fate";
  got.gap_count = want.gap_count;
  EXPECT_EQ(got, want) << got.frame_count << " " << want.frame_count;
}

TEST_F(SimulateSourceTest, TheSeedDecidesEverything) {
  PlantEverything();
  config_.rows = 500;
  const auto first = ReadAll();
  EXPECT_EQ(ReadAll(), first);
  const std::string incarnation = Make().ValueOrDie()->Discover()->front().incarnation;
  config_.seed = 2;
  EXPECT_NE(ReadAll(), first);
  EXPECT_NE(Make().ValueOrDie()->Discover()->front().incarnation, incarnation);
}

TEST_F(SimulateSourceTest, CsvBringsItsHeadToTheCodec) {
  config_.rows = 2;
  config_.sensors = 1;
  config_.format = SimulateFormat::kCsv;
  const auto frames = ReadAll();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_TRUE(frames[1].second.starts_with("sensor-001,2026-01-01T00:01:00Z,")) << frames[1].second;
  EXPECT_EQ(std::count(frames[1].second.begin(), frames[1].second.end(), ','), 5);
}

TEST_F(SimulateSourceTest, RealTimeSendsEachReadingAtItsTime) {
  config_.realtime = true;
  config_.sensors = 3;
  config_.rows = 9;
  auto source = Make().ValueOrDie();
  const auto offers = source->Discover().ValueOrDie();
  ASSERT_TRUE(source->Open(offers[0], 1, {}).ok());
  auto block = std::get<Block>(NextOf(*source, 3).ValueOrDie());
  EXPECT_EQ(block.frame_ends.size(), 3U);
  EXPECT_TRUE(std::holds_alternative<NotYet>(NextOf(*source, 3).ValueOrDie()));
  clock_.Advance(60'000'000);
  block = std::get<Block>(NextOf(*source, 3).ValueOrDie());
  EXPECT_EQ(block.frame_ends.size(), 3U);
  EXPECT_NE(block.bytes->ToString().find("2026-01-01T00:01:00Z"), std::string::npos);

  // A later process goes on with the same times.
  clock_.Advance(3'600'000'000);
  source = Make().ValueOrDie();
  ASSERT_TRUE(source->Open(offers[0], 1, block.origin.range.to).ok());
  block = std::get<Block>(NextOf(*source, 3).ValueOrDie());
  EXPECT_NE(block.bytes->ToString().find("2026-01-01T00:02:00Z"), std::string::npos);
}

TEST_F(SimulateSourceTest, WithoutAnEndItNeverEnds) {
  auto source = Make().ValueOrDie();
  const auto offers = source->Discover().ValueOrDie();
  EXPECT_FALSE(offers[0].is_bounded);
  ASSERT_TRUE(source->Open(offers[0], 1, {.ordinal = 4'000'000'000'000, .token = ""}).ok());
  const auto block = std::get<Block>(NextOf(*source).ValueOrDie());
  EXPECT_EQ(block.origin.range.from.ordinal, 4'000'000'000'000U);
  EXPECT_EQ(block.frame_ordinals[0], 4'000'000'000'000U);
}

TEST_F(SimulateSourceTest, NothingButGapsEnds) {
  config_.rows = 100'000;
  config_.gap_rate = 1;
  EXPECT_TRUE(ReadAll().empty());
  EXPECT_EQ(CountSimulatedTruth(config_).gap_count, 100'000);
}

TEST_F(SimulateSourceTest, RefusesRatesAndTimesThatMakeNoSense) {
  config_.gap_rate = 0.6;
  config_.late_rate = 0.6;
  EXPECT_EQ(KindOf(config_.Check()), ErrorKind::kConfig);
  config_.late_rate = 0;
  config_.gap_rate = 0;
  config_.from = "yesterday";
  EXPECT_EQ(KindOf(config_.Check()), ErrorKind::kConfig);
  config_.from = "2026-03-01T12:00:00+02:00";
  config_.rows = 1;
  EXPECT_TRUE(config_.Check().ok());
  EXPECT_NE(ReadAll().front().second.find("2026-03-01T10:00:00Z"), std::string::npos);
}

TEST(SimulateSourceExample, IsAGoodConfigurationOfADay) {
  const auto files = MakeLocalFiles();
  const std::string text =
      files->ReadAll("src/catchwater/source/simulate/simulate_source.example.yaml", 1 << 20)
          .ValueOrDie();
  Diagnostics diagnostics;
  const ConfigNode document = ParseYamlText("example", text, Environment::FromMap({}), diagnostics);
  Registry registry;
  ASSERT_TRUE(RegisterSimulateSource(registry).ok());
  const auto chosen = registry.ChooseSource(document.At("source"), diagnostics);
  ASSERT_TRUE(chosen) << Render(diagnostics, {});
  MemoryFiles memory;
  FakeClock clock;
  const SourceContext context{.files = memory,
                              .clock = clock,
                              .random_seed = 0,
                              .project_folder = "",
                              .pipeline = "p",
                              .make_framer = nullptr};
  const auto source = chosen->make(context).ValueOrDie();
  const auto frames = ReadToEnd(*source).at("simulated").frames;
  EXPECT_NEAR(static_cast<double>(frames.size()), 83'520.0, 2'000.0);
}

}  // namespace
}  // namespace catchwater
