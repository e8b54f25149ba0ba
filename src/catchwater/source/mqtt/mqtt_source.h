/// \file
/// Source `mqtt`: messages of a broker, acknowledged when they are durable.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/mqtt/connection_config.h"
#include "catchwater/source/mqtt/mqtt_intake.h"
#include "catchwater/spool/spool.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {

enum class MqttDelivery { kAtLeastOnce, kAtMostOnce };
constexpr auto EnumWords(MqttDelivery) {
  using Pair = std::pair<MqttDelivery, std::string_view>;
  return std::array{Pair{MqttDelivery::kAtLeastOnce, "at_least_once"},
                    Pair{MqttDelivery::kAtMostOnce, "at_most_once"}};
}
struct MqttSpoolConfig {
  ByteSize bytes_max = ByteSize::GiB(1);

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("bytes_max", bytes_max,
                   "Disk for what is received and not committed. When it is full, nothing more is "
                   "read from the broker.",
                   Bounds{ByteSize::MiB(64), ByteSize::GiB(1024)});
  }
};

struct MqttSourceConfig {
  MqttBrokerConfig broker;
  std::vector<std::string> topics;
  int64_t qos = 1;
  MqttDelivery delivery = MqttDelivery::kAtLeastOnce;
  Duration keep_alive = Duration::Seconds(30);
  Duration session_expiry = Duration::Days(7);
  Duration quiet = Duration::Seconds(2);
  MqttSpoolConfig spool;

  template <class Visitor>
  void Describe(Visitor& field) {
    broker.DescribeFields(field);
    field.Required("topics", topics, "Topics to read; `+` is any level, `#` at the end any levels.",
                   Count{1, 1'000}, Example{"[sensors/+/measure]"});
    field.Optional("qos", qos,
                   "What is asked of the broker. 2 is asked for as 1: its handshake keeps messages "
                   "in memory only, where a crash would lose them.",
                   Bounds{0, 2});
    field.Optional("delivery", delivery,
                   "`at_most_once` keeps nothing on disk and no session at the broker: faster, and "
                   "a crash loses what is not committed.");
    field.Optional("keep_alive", keep_alive, "A broker that is silent for longer is gone.",
                   Bounds{Duration::Seconds(5), Duration::Hours(12)});
    field.Optional("session_expiry", session_expiry,
                   "How long the broker shall keep messages while nobody reads (version 5).",
                   Bounds{Duration::Seconds(1), Duration::Days(3650)});
    field.Optional("quiet", quiet, "With `--until-idle`: end when nothing came for so long.",
                   Bounds{Duration::Millis(10), Duration::Hours(1)});
    field.Optional("spool", spool, "Where messages wait on disk.");
  }
  arrow::Status Check() const;
};

/// One partition, the broker's address; its positions are the spool's. One thread at a time.
class MqttSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<MqttSource>> Make(const MqttSourceConfig& config,
                                                         const SourceContext& context);
  ~MqttSource() override;

  /// Connects once under another client id. \retval kDenied, kUnavailable naming the option
  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override;
  void SetFrameColumns(std::vector<std::string> names) override;

 private:
  class Inbox;
  MqttSource(const MqttSourceConfig& config, const SourceContext& context, MqttUrl url);
  arrow::Result<MqttOptions> ConnectionOptions() const;
  bool is_spooled() const { return config_.delivery == MqttDelivery::kAtLeastOnce; }
  arrow::Result<Block> MakeBlock(const std::vector<SpoolReader::Record>& records) const;

  const MqttSourceConfig config_;
  const SourceContext context_;
  const MqttUrl url_;
  std::vector<std::string> frame_fields_;
  int64_t partition_id_ = 0;
  std::unique_ptr<Spool> spool_;  // Null with at_most_once.
  std::unique_ptr<SpoolReader> reader_;
  std::unique_ptr<Inbox> inbox_;
  std::unique_ptr<MqttIntake> intake_;
};

arrow::Status RegisterMqttSource(Registry& registry);

}  // namespace catchwater
