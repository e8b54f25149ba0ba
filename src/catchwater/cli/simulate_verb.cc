#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "catchwater/base/clock.h"
#include "catchwater/base/duration.h"
#include "catchwater/base/error.h"
#include "catchwater/cli/simulate_send.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/source/simulate/simulate_source.h"

namespace catchwater {
namespace {

struct SimulateArguments {
  SimulateConfig config;
  std::string profile = "sensors";
  std::string cadence;
  std::string late_by = "10m";
  std::string format;
  std::string output;
  uint64_t seed = 1;
  SendArguments send;
};

constexpr std::string_view kShop = "shop";  // All four feeds.
constexpr int64_t kShopDays = 30;
constexpr int64_t kRowsACampaign = 10;
constexpr std::string_view kFeedPlace = "{feed}";
struct Feed {
  SimulateProfile profile;
  std::string_view name;  // In topics and queues.
  std::string_view file;
};
constexpr std::array kFeeds{
    Feed{SimulateProfile::kTransactions, "transactions", "transactions.csv"},
    Feed{SimulateProfile::kWebLogs, "logs", "web_logs.csv"},
    Feed{SimulateProfile::kSocialData, "social_data", "social_data.json"},
    Feed{SimulateProfile::kAdCampaigns, "ad_campaigns", "ad_campaigns.json"}};

std::vector<std::string> Profiles() {
  std::vector<std::string> words;
  for (const auto& [value, word] : EnumWords(SimulateProfile())) words.emplace_back(word);
  words.emplace_back(kShop);
  return words;
}

arrow::Result<SimulateConfig> ConfigOf(const SimulateArguments& arguments) {
  SimulateConfig config = arguments.config;
  for (const auto& [value, word] : EnumWords(SimulateProfile())) {
    if (word == arguments.profile) config.profile = value;
  }
  if (arguments.cadence.empty() && arguments.profile == kShop && config.rows > 0) {
    config.cadence = Duration::Millis(std::max<int64_t>(1, kShopDays * 86'400'000 / config.rows));
  } else if (!arguments.cadence.empty()) {
    ARROW_ASSIGN_OR_RAISE(config.cadence, ParseDuration(arguments.cadence));
  }
  ARROW_ASSIGN_OR_RAISE(config.late_by, ParseDuration(arguments.late_by));
  config.seed = arguments.seed;
  config.format = arguments.format == "csv" ? SimulateFormat::kCsv : SimulateFormat::kNdjson;
  ARROW_RETURN_NOT_OK(config.Check());
  return config;
}

/// The feed of a shop with a tenth of the rows for campaigns.
SimulateConfig FeedConfig(const SimulateConfig& shop, const Feed& feed) {
  SimulateConfig config = shop;
  config.profile = feed.profile;
  if (feed.profile == SimulateProfile::kAdCampaigns && shop.rows > 0) {
    config.rows = std::max<int64_t>(1, shop.rows / kRowsACampaign);
    config.cadence = Duration::Millis(shop.cadence.us() / 1'000 * shop.rows / config.rows);
  }
  return config;
}

/// \param is_array one JSON array instead of lines
arrow::Status Write(const SimulateConfig& config, bool is_array, std::ostream& out) {
  constexpr int64_t kBufferBytes = 1 << 20;
  const auto pool = ReadBufferPool::Make(kBufferBytes);
  const std::unique_ptr<SlotModel> model = config.MakeModel(kSimulateFromUs);
  if (config.format == SimulateFormat::kCsv) out << model->csv_header();
  std::string_view between = "[\n  ";
  std::vector<SlotModel::Record> records;
  int64_t slot = 0;
  while (slot < model->slot_count() && out) {
    ReadBuffer buffer = pool->Take();
    records.clear();
    while (slot < model->slot_count() && buffer.free_count() >= SlotModel::kSlotBytesMax) {
      model->AppendSlot(slot++, /*ordinal_min=*/0, buffer, records);
    }
    if (is_array) {
      int64_t begin = 0;
      for (const SlotModel::Record& record : records) {
        // Without its line end.
        out << between
            << buffer.view().substr(static_cast<size_t>(begin),
                                    static_cast<size_t>(record.end - 1 - begin));
        begin = record.end;
        between = ",\n  ";
      }
    } else {
      out << buffer.view();
    }
    pool->Return(std::move(buffer));
  }
  if (is_array) out << (between.starts_with(',') ? "\n]\n" : "[]\n");
  out.flush();
  return out ? arrow::Status::OK() : Unavailable("Simulated records could not be written");
}

arrow::Status WriteFile(const SimulateConfig& config, bool is_array, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return Denied("File cannot be written: ", path);
  return Write(config, is_array, file);
}

/// Four files in a folder.
arrow::Status WriteShop(const SimulateConfig& shop, const std::string& folder) {
  if (folder.empty()) {
    return ConfigError("--profile shop writes four files: say --output FOLDER, or --to a broker");
  }
  if (shop.rows == 0) return ConfigError("Four files without end cannot be written: say --rows");
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const Feed& feed : kFeeds) {
    SimulateConfig config = FeedConfig(shop, feed);
    const bool is_json = feed.file.ends_with(".json");
    config.format = is_json ? SimulateFormat::kNdjson : SimulateFormat::kCsv;
    ARROW_RETURN_NOT_OK(WriteFile(config, is_json, folder + "/" + std::string(feed.file)));
  }
  return arrow::Status::OK();
}

/// One thread a feed, each to its topic. \return how many were sent
arrow::Result<int64_t> SendShop(const SimulateConfig& shop, const SendArguments& arguments) {
  std::vector<arrow::Result<int64_t>> sent(kFeeds.size(), 0);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kFeeds.size(); ++i) {
      threads.emplace_back([&, i] {
        SendArguments send = arguments;
        if (send.topic.empty()) send.topic = "{feed}_topic";
        if (const size_t place = send.topic.find(kFeedPlace); place != send.topic.npos) {
          send.topic.replace(place, kFeedPlace.size(), kFeeds[i].name);
        }
        sent[i] = SendSimulated(FeedConfig(shop, kFeeds[i]), send);
      });
    }
  }
  int64_t sum = 0;
  for (const arrow::Result<int64_t>& count : sent) {
    ARROW_RETURN_NOT_OK(count.status());
    sum += *count;
  }
  return sum;
}

arrow::Status Send(const SimulateConfig& config, bool is_shop, const SendArguments& arguments) {
  const SystemClock clock;
  const int64_t begun_us = clock.MonotonicMicros();
  ARROW_ASSIGN_OR_RAISE(const int64_t sent_count,
                        is_shop ? SendShop(config, arguments) : SendSimulated(config, arguments));
  const double seconds = static_cast<double>(clock.MonotonicMicros() - begun_us) / 1e6;
  std::cerr << "sent " << sent_count << " records in " << seconds << " s ("
            << static_cast<int64_t>(static_cast<double>(sent_count) / std::max(seconds, 1e-6))
            << " a second)\n";
  return arrow::Status::OK();
}

arrow::Status Simulate(const SimulateArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const SimulateConfig config, ConfigOf(arguments));
  const bool is_shop = arguments.profile == kShop;
  const bool is_array = arguments.format == "json";
  if (!arguments.send.to.empty()) {
    if (is_array) return ConfigError("A message is one record: say --format ndjson or csv");
    return Send(config, is_shop, arguments.send);
  }
  if (is_shop && !arguments.format.empty()) {
    return ConfigError("--profile shop has a format for each file: leave out --format");
  }
  if (is_shop) return WriteShop(config, arguments.output);
  if (arguments.output.empty()) return Write(config, is_array, std::cout);
  return WriteFile(config, is_array, arguments.output);
}

}  // namespace

void AddSimulateVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb =
      program.Sub("simulate", "Write the records of made-up sensors, base stations or a shop");
  auto arguments = std::make_shared<SimulateArguments>();
  arguments->config.rows = 1'000;
  SimulateConfig& config = arguments->config;
  verb.Option("--profile", arguments->profile, "What is made up; shop: its four feeds")
      .OneOf(Profiles());
  verb.Option("--sensors", config.sensors, "How many sensors report").Within(1, 1'000'000);
  verb.Option("--stations", config.stations, "How many base stations report").Within(1, 100'000);
  verb.Option("--rows", config.rows, "Readings before gaps; 0: without end").AtLeast(0);
  verb.Option("--format", arguments->format, "csv, ndjson (default), json: one array")
      .OneOf({"csv", "ndjson", "json"});
  verb.Option("--from", config.from, "Event time of the first reading, ISO 8601");
  verb.Option("--cadence", arguments->cadence,
              "Time between two readings of a sensor (1m); shop: rows over 30 days");
  verb.Option("--seed", arguments->seed, "The same seed makes the same records");
  verb.Option("--gap-rate", config.gap_rate, "Share never made").WithinFractions(0, 1);
  verb.Option("--duplicate-rate", config.duplicate_rate, "Share sent twice").WithinFractions(0, 1);
  verb.Option("--late-rate", config.late_rate, "Share that arrives late").WithinFractions(0, 1);
  verb.Option("--late-by", arguments->late_by, "How much later");
  verb.Option("--broken-rate", config.broken_rate, "Share that is broken").WithinFractions(0, 1);
  verb.Option("-o,--output", arguments->output, "Write to this file; shop: to this folder");
  SendArguments& send = arguments->send;
  verb.Option("--to", send.to, "Send to this broker: kafka://, mqtt://, amqp://host:port");
  verb.Option("--topic", send.topic,
              "Topic or routing key; {sensor_id}: the first field, {feed}: of the shop");
  verb.Option("--exchange", send.exchange, "Of amqp://; without it the topic is a queue");
  verb.Flag("--create", send.create, "Make the topic, queue or exchange if it is not there");
  verb.Option("--workers", send.workers, "Connections that send side by side").Within(1, 64);
  verb.Option("--rate", send.rate, "Records a second over all workers; 0: as fast as can be")
      .WithinFractions(0, 1e9);
  verb.Option("--user", send.user, "User at the broker (Kafka: SCRAM-SHA-512)");
  verb.Option("--password-env", send.password_env, "Variable that holds the password");
  verb.Option("--ca", send.ca, "PEM file of who signs the broker's certificate");
  verb.Runs([arguments] {
    const arrow::Status status = Simulate(*arguments);
    return status.ok() ? ExitCode::kOk : ReportFailure(status);
  });
}

}  // namespace catchwater
