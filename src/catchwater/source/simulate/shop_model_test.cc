#include "catchwater/source/simulate/shop_model.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/testing/simulated_source.h"

namespace catchwater {
namespace {

class ShopModelTest : public testing::TestWithParam<SimulateProfile> {
 protected:
  static SimulateConfig Config(SimulateFormat format, int64_t rows) {
    SimulateConfig config;
    config.profile = GetParam();
    config.format = format;
    config.rows = rows;
    config.block_bytes = ByteSize::KiB(16);
    return config;
  }
  static std::vector<std::string> Lines(const SimulateConfig& config) {
    const auto model = config.MakeModel(kSimulateFromUs);
    const auto pool = ReadBufferPool::Make(1 << 20);
    std::vector<std::string> lines;
    for (int64_t slot = 0; slot < model->slot_count(); ++slot) {
      ReadBuffer buffer = pool->Take();
      std::vector<SlotModel::Record> records;
      model->AppendSlot(slot, 0, buffer, records);
      EXPECT_EQ(records.size(), 1U);
      EXPECT_LE(buffer.byte_count(), SlotModel::kSlotBytesMax);
      lines.emplace_back(buffer.view());
      pool->Return(std::move(buffer));
    }
    return lines;
  }
};

TEST_P(ShopModelTest, ConformsAsASource) {
  SimulatedSource source{.config = Config(SimulateFormat::kNdjson, 500)};
  source.CheckConformance(/*resume_count_max=*/40);
}

TEST_P(ShopModelTest, BothFormatsSayTheSame) {
  const auto csv = Lines(Config(SimulateFormat::kCsv, 300));
  const auto json = Lines(Config(SimulateFormat::kNdjson, 300));
  ASSERT_EQ(csv.size(), json.size());
  for (size_t i = 0; i < csv.size(); ++i) {
    const std::string first = csv[i].substr(0, csv[i].find(','));
    EXPECT_NE(json[i].find(":\"" + first + "\""), std::string::npos) << json[i];
  }
}

TEST_P(ShopModelTest, ASeedIsAnotherShop) {
  SimulateConfig config = Config(SimulateFormat::kNdjson, 50);
  const auto first = Lines(config);
  EXPECT_EQ(first, Lines(config));
  config.seed = 2;
  EXPECT_NE(first, Lines(config));
}

TEST_P(ShopModelTest, InRealTimeARecordIsOfItsMoment) {
  SimulateConfig config = Config(SimulateFormat::kNdjson, 3);
  config.realtime = true;
  const auto lines = Lines(config);
  const bool has_days_only = GetParam() == SimulateProfile::kAdCampaigns;
  const std::string sign = has_days_only ? "2026-01-01" : "00:02:00";
  EXPECT_NE(lines[2].find(sign), std::string::npos) << lines[2];
}

INSTANTIATE_TEST_SUITE_P(Feeds, ShopModelTest,
                         testing::Values(SimulateProfile::kTransactions, SimulateProfile::kWebLogs,
                                         SimulateProfile::kSocialData,
                                         SimulateProfile::kAdCampaigns));

}  // namespace
}  // namespace catchwater
