#include "catchwater/source/simulate/simulate_source.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr size_t kRecordsPerBlockMax = 16'384;
constexpr std::string_view kTokenFrom = "from=";

arrow::Result<int64_t> ParseFrom(const std::string& text) {
  LocalTime time = ParseIso(text);
  if (time.fault == TimeFault::kNone) time = ToUtc(time);
  if (time.fault == TimeFault::kNone) return time.us;
  return ConfigError("`from` is no ISO 8601 time, ", TimeFaultText(time.fault), ": ", text);
}

// The start of a real-time run is known only when it begins; the token carries it along.
std::optional<int64_t> FromOfToken(std::string_view token) {
  if (!token.starts_with(kTokenFrom)) return std::nullopt;
  token.remove_prefix(kTokenFrom.size());
  int64_t from_us = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), from_us);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return from_us;
}

// Everything that the records depend on: another configuration is another partition.
std::string Incarnation(const SimulateConfig& config) {
  std::string text = "seed=" + std::to_string(config.seed.value_or(1));
  if (config.profile == SimulateProfile::kBaseStations) {
    text += ",stations=" + std::to_string(config.stations);
  } else if (config.profile != SimulateProfile::kSensors) {
    text += ",feed=" + std::to_string(static_cast<int>(config.profile));
  }
  text += ",sensors=" + std::to_string(config.sensors) + ",from=" + config.from;
  text += ",cadence=" + FormatDuration(config.cadence);
  text += config.realtime ? ",realtime" : "";
  text += config.format == SimulateFormat::kCsv ? ",csv" : ",ndjson";
  for (const auto& [name, value] : {std::pair{",daily=", config.daily_amplitude},
                                    {",noise=", config.noise},
                                    {",gap=", config.gap_rate},
                                    {",duplicate=", config.duplicate_rate},
                                    {",late=", config.late_rate},
                                    {",broken=", config.broken_rate}}) {
    text += name + std::to_string(value);
  }
  return text + ",late_by=" + FormatDuration(config.late_by);
}

}  // namespace

arrow::Status SimulateConfig::Check() const {
  if (gap_rate + late_rate + broken_rate > 1) {
    return ConfigError("`gap_rate`, `late_rate` and `broken_rate` are more than 1 in sum");
  }
  if (profile == SimulateProfile::kBaseStations && format != SimulateFormat::kCsv) {
    return ConfigError("`profile: base_stations` writes CSV: add `format: csv` and `codec: csv`");
  }
  return from.empty() ? arrow::Status::OK() : ParseFrom(from).status();
}

SensorModelOptions SimulateConfig::ModelOptions(int64_t from_us) const {
  return {.sensor_count = sensors,
          .slot_count = rows,
          .from_us = from.empty() ? from_us : ParseFrom(from).ValueOr(from_us),
          .cadence_us = cadence.us(),
          .seed = seed.value_or(1),
          .daily_amplitude = daily_amplitude,
          .noise = noise,
          .gap_rate = gap_rate,
          .duplicate_rate = duplicate_rate,
          .late_rate = late_rate,
          .late_by_us = late_by.us(),
          .broken_rate = broken_rate,
          .is_csv = format == SimulateFormat::kCsv};
}

BaseStationOptions SimulateConfig::StationOptions(int64_t from_us) const {
  return {.station_count = stations,
          .slot_count = rows,
          .from_us = from.empty() ? from_us : ParseFrom(from).ValueOr(from_us),
          .cadence_us = cadence.us(),
          .seed = seed.value_or(1),
          .traits = {}};
}

ShopFeedOptions SimulateConfig::FeedOptions(int64_t from_us) const {
  return {.feed = profile == SimulateProfile::kWebLogs       ? ShopFeed::kWebLogs
                  : profile == SimulateProfile::kSocialData  ? ShopFeed::kSocialData
                  : profile == SimulateProfile::kAdCampaigns ? ShopFeed::kAdCampaigns
                                                             : ShopFeed::kTransactions,
          .slot_count = rows,
          .from_us = from.empty() ? from_us : ParseFrom(from).ValueOr(from_us),
          .cadence_us = cadence.us(),
          .seed = seed.value_or(1),
          .is_realtime = realtime,
          .is_csv = format == SimulateFormat::kCsv};
}

std::unique_ptr<SlotModel> SimulateConfig::MakeModel(int64_t from_us) const {
  switch (profile) {
    case SimulateProfile::kSensors:
      return std::make_unique<SensorModel>(ModelOptions(from_us));
    case SimulateProfile::kBaseStations:
      return std::make_unique<BaseStationModel>(StationOptions(from_us));
    default:
      return std::make_unique<ShopModel>(FeedOptions(from_us));
  }
}

SimulatedTruth CountSimulatedTruth(const SimulateConfig& config) {
  return SensorModel(config.ModelOptions(kSimulateFromUs)).CountTruth();
}

arrow::Result<std::unique_ptr<SimulateSource>> SimulateSource::Make(const SimulateConfig& config,
                                                                    const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  std::unique_ptr<Framer> framer;
  if (context.make_framer) {
    ARROW_ASSIGN_OR_RAISE(framer, context.make_framer());
  }
  return std::unique_ptr<SimulateSource>(
      new SimulateSource(config, context.clock, std::move(framer)));
}

SimulateSource::SimulateSource(const SimulateConfig& config, const Clock& clock,
                               std::unique_ptr<Framer> framer)
    : config_(config),
      clock_(clock),
      framer_(std::move(framer)),
      pool_(ReadBufferPool::Make(config.block_bytes.bytes)) {}

arrow::Status SimulateSource::Check() { return arrow::Status::OK(); }

arrow::Result<std::vector<Offer>> SimulateSource::Discover() {
  return std::vector<Offer>{{.name = "simulated",
                             .incarnation = Incarnation(config_),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = config_.rows > 0}};
}

arrow::Status SimulateSource::Open(const Offer&, int64_t partition_id, const Position& resume_at) {
  from_us_ = kSimulateFromUs;
  if (config_.realtime) {
    const int64_t now_us = clock_.NowMicros();
    from_us_ = FromOfToken(resume_at.token).value_or(now_us - now_us % config_.cadence.us());
  }
  model_ = config_.MakeModel(from_us_);
  partition_id_ = partition_id;
  ordinal_next_ = resume_at.ordinal;
  slot_next_ = static_cast<int64_t>(resume_at.ordinal / 4);
  if (!framer_ || config_.format != SimulateFormat::kCsv) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const Framer::Head head,
                        framer_->ReadHead(model_->csv_header(), /*is_end=*/true));
  preamble_ = head.preamble;
  return arrow::Status::OK();
}

int64_t SimulateSource::DueSlotEnd() const {
  const int64_t all = model_->slot_count();
  if (!config_.realtime) return all;
  const int64_t since_first_us = clock_.NowMicros() - model_->TimeOfSlot(0);
  if (since_first_us < 0) return 0;
  return std::min(all, (since_first_us / config_.cadence.us() + 1) * model_->slots_per_tick());
}

arrow::Result<NextResult> SimulateSource::Next(std::stop_token stop) {
  if (stop.stop_requested()) return NotYet{};
  if (!model_) return SourceEnd{};
  const int64_t slot_end = DueSlotEnd();
  while (slot_next_ < slot_end) {
    Block block = MakeBlock(slot_end);
    if (!block.frame_ends.empty()) return block;
    if (stop.stop_requested()) return NotYet{};  // Nothing but gaps.
  }
  if (slot_next_ >= model_->slot_count()) {
    model_.reset();
    return PartitionEnd{partition_id_};
  }
  clock_.SleepMicros(kLingerUs, stop);
  return NotYet{};
}

Block SimulateSource::MakeBlock(int64_t slot_end) {
  ReadBuffer buffer = pool_->Take();
  records_.clear();
  const uint64_t from = ordinal_next_;
  // A long run of gaps must come back to the caller, too.
  const int64_t gap_end =
      std::min(slot_end, slot_next_ + static_cast<int64_t>(kRecordsPerBlockMax));
  while (slot_next_ < gap_end && records_.size() < kRecordsPerBlockMax &&
         buffer.free_count() >= SlotModel::kSlotBytesMax) {
    model_->AppendSlot(slot_next_, ordinal_next_, buffer, records_);
    ++slot_next_;
  }
  Block block;
  if (records_.empty()) {  // The range of the next block begins here all the same.
    pool_->Return(std::move(buffer));
    return block;
  }
  ordinal_next_ = static_cast<uint64_t>(slot_next_) * 4;
  block.origin = {.range = {.partition_id = partition_id_,
                            .from = {.ordinal = from, .token = ""},
                            .to = {.ordinal = ordinal_next_, .token = ""}},
                  .receive_us = clock_.NowMicros()};
  if (config_.realtime) {
    block.origin.range.to.token = std::string(kTokenFrom) + std::to_string(from_us_);
  }
  block.bytes = pool_->Share(std::move(buffer));
  block.preamble = preamble_;
  block.frame_ends.reserve(records_.size());
  block.frame_ordinals.reserve(records_.size());
  for (const SlotModel::Record& record : records_) {
    block.frame_ends.push_back(record.end);
    block.frame_ordinals.push_back(record.ordinal);
  }
  return block;
}

// Records are made again from their numbers; there is nothing to trim.
arrow::Status SimulateSource::Acknowledge(int64_t, const Position&) { return arrow::Status::OK(); }

arrow::Status SimulateSource::Close() {
  model_.reset();
  return arrow::Status::OK();
}

arrow::Status RegisterSimulateSource(Registry& registry) {
  return registry.AddSource<SimulateConfig>(
      {.name = "simulate",
       .summary = "Makes up sensors, with planted gaps, duplicates, late and broken records, base "
                  "stations, and the feeds of a shop.",
       .details =
           "Exactly once: every record is a function of the seed and its number. Fields: "
           "sensor_id, ts, temperature (°C), humidity (%), battery (V), site. A quarter of the "
           "broken records has a temperature of 999.9, the others cannot be decoded. Base "
           "stations: station_id, datapoint_id, alarm_id, event_time, value, valueThreshold "
           "(999999: none), isActive, storedtime. Transactions: ClientID, ClientName, "
           "TransactionDate, Product, Amount, PaymentMethod. Web logs: IP_Address, URL, "
           "Status_Code, Timestamp. Social data: user, message, post_date, likes, retweets. Ad "
           "campaigns: campaign_id, start_date, end_date, budget, clicks, impressions, ctr."},
      [](const SimulateConfig& config,
         const SourceContext& context) -> arrow::Result<std::unique_ptr<Source>> {
        return SimulateSource::Make(config, context);
      });
}

}  // namespace catchwater
