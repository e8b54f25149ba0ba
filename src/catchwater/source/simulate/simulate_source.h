/// \file
/// Source `simulate`: made-up sensors with planted gaps, duplicates, late and broken records.
/// Replayable: resumes at a record number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/source/simulate/base_station_model.h"
#include "catchwater/source/simulate/sensor_model.h"
#include "catchwater/source/simulate/shop_model.h"

namespace catchwater {

enum class SimulateFormat { kNdjson, kCsv };
constexpr auto EnumWords(SimulateFormat) {
  using Pair = std::pair<SimulateFormat, std::string_view>;
  return std::array{Pair{SimulateFormat::kNdjson, "ndjson"}, Pair{SimulateFormat::kCsv, "csv"}};
}

enum class SimulateProfile {
  kSensors,
  kBaseStations,
  kTransactions,
  kWebLogs,
  kSocialData,
  kAdCampaigns
};
constexpr auto EnumWords(SimulateProfile) {
  using Pair = std::pair<SimulateProfile, std::string_view>;
  return std::array{Pair{SimulateProfile::kSensors, "sensors"},
                    Pair{SimulateProfile::kBaseStations, "base_stations"},
                    Pair{SimulateProfile::kTransactions, "transactions"},
                    Pair{SimulateProfile::kWebLogs, "web_logs"},
                    Pair{SimulateProfile::kSocialData, "social_data"},
                    Pair{SimulateProfile::kAdCampaigns, "ad_campaigns"}};
}

constexpr std::string_view WordOf(SimulateProfile profile) {
  return EnumWords(profile)[static_cast<size_t>(profile)].second;
}

/// Of the shop: records that belong to nobody in particular, one a cadence.
constexpr bool IsShopFeed(SimulateProfile profile) {
  return profile >= SimulateProfile::kTransactions;
}

struct SimulateConfig {
  SimulateProfile profile = SimulateProfile::kSensors;
  int64_t sensors = 58;
  int64_t stations = 4;
  int64_t rows = 0;
  std::string from;
  Duration cadence = Duration::Minutes(1);
  std::optional<uint64_t> seed;
  double daily_amplitude = 6;
  double noise = 0.3;
  double gap_rate = 0;
  double duplicate_rate = 0;
  double late_rate = 0;
  Duration late_by = Duration::Minutes(10);
  double broken_rate = 0;
  bool realtime = false;
  SimulateFormat format = SimulateFormat::kNdjson;
  ByteSize block_bytes = ByteSize::MiB(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional(
        "profile", profile,
        "`base_stations`: 25 sensors a station that overheat, discharge, peak, fall "
        "silent and send out of order; of the fields below `stations`, `rows`, `from`, "
        "`cadence`, `seed`, `realtime` and `format: csv` apply. The others are feeds of a "
        "shop, one record a cadence: `rows`, `from`, `cadence`, `seed`, `realtime`, "
        "`format`.");
    field.Optional("stations", stations, "How many base stations report.", Bounds{1, 100'000});
    field.Optional("sensors", sensors, "How many sensors report.", Bounds{1, 1'000'000});
    field.Optional("rows", rows, "Readings before gaps; 0: without end.",
                   Bounds{0, 1'000'000'000'000});
    field.Optional("from", from,
                   "Event time of the first reading, ISO 8601. Default: 2026-01-01T00:00:00Z, with "
                   "`realtime` the moment of the first start.",
                   Example{"2026-01-01T00:00:00Z"});
    field.Optional("cadence", cadence, "Time between two readings of a sensor.",
                   Bounds{Duration::Millis(1), Duration::Days(365)});
    field.Optional("seed", seed, "The same seed makes the same records. Default: 1.");
    field.Optional("daily_amplitude", daily_amplitude, "Of the temperature over a day, in °C.",
                   Bounds{0, 100});
    field.Optional("noise", noise, "Standard deviation of the temperature, in °C.", Bounds{0, 100});
    field.Optional("gap_rate", gap_rate, "Share of readings that are never made.", Bounds{0, 1});
    field.Optional("duplicate_rate", duplicate_rate,
                   "Chance that an earlier reading is sent once more.", Bounds{0, 1});
    field.Optional("late_rate", late_rate, "Share of readings that arrive late.", Bounds{0, 1});
    field.Optional("late_by", late_by, "How much later they arrive.",
                   Bounds{Duration::Millis(1), Duration::Days(365)});
    field.Optional("broken_rate", broken_rate,
                   "Share of readings that are torn, of a wrong type or out of range.",
                   Bounds{0, 1});
    field.Optional("realtime", realtime, "Send each reading at its event time.");
    field.Optional("format", format, "Text of the records; the codec must fit.");
    field.Optional("block_bytes", block_bytes, "Bytes that are handed on at a time.",
                   Bounds{ByteSize::KiB(4), ByteSize::MiB(64)});
  }
  arrow::Status Check() const;
  /// \param from_us used when `from` is empty
  SensorModelOptions ModelOptions(int64_t from_us) const;
  BaseStationOptions StationOptions(int64_t from_us) const;
  /// \pre the profile is a feed of the shop
  ShopFeedOptions FeedOptions(int64_t from_us) const;
  /// Of the profile. \param from_us used when `from` is empty
  std::unique_ptr<SlotModel> MakeModel(int64_t from_us) const;
};
/// Event time of the first reading when nothing says another: 2026-01-01T00:00:00Z.
inline constexpr int64_t kSimulateFromUs = 1'767'225'600'000'000;

/// Counts what the source plants, for demonstrations and tests. \pre config.rows > 0
SimulatedTruth CountSimulatedTruth(const SimulateConfig& config);

/// One partition, `simulated`. One thread at a time.
class SimulateSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<SimulateSource>> Make(const SimulateConfig& config,
                                                             const SourceContext& context);

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }

 private:
  SimulateSource(const SimulateConfig& config, const Clock& clock, std::unique_ptr<Framer> framer);

  /// How far slots may be sent now.
  int64_t DueSlotEnd() const;
  Block MakeBlock(int64_t slot_end);

  const SimulateConfig config_;
  const Clock& clock_;
  std::unique_ptr<Framer> framer_;  // Null: the codec wants no head.
  std::shared_ptr<ReadBufferPool> pool_;
  std::unique_ptr<SlotModel> model_;  // Null: not open.
  std::shared_ptr<const Preamble> preamble_;
  std::vector<SlotModel::Record> records_;
  int64_t partition_id_ = 0;
  int64_t from_us_ = 0;
  int64_t slot_next_ = 0;
  uint64_t ordinal_next_ = 0;
};

arrow::Status RegisterSimulateSource(Registry& registry);

}  // namespace catchwater
