#include "catchwater/source/mqtt/mqtt_source.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/builder.h>

#include "catchwater/base/error.h"
#include "catchwater/io/read_buffer_pool.h"
#include "catchwater/source/mqtt/mqtt_record.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kBlockBytes = 1 << 20;
constexpr int64_t kMemoryBytesMax = 8 << 20;  // at_most_once: what waits for the pipeline.
constexpr int64_t kRoomBytes = 4 << 20;       // For a group, beside one longest message.

}  // namespace

arrow::Status MqttSourceConfig::Check() const {
  ARROW_RETURN_NOT_OK(broker.CheckBroker());
  for (const std::string& topic : topics) {
    if (!IsTopicFilter(topic)) {
      return ConfigError(
          "`topics` has one that is malformed: `+` must be a whole level, `#` the "
          "whole last one: ",
          topic);
    }
  }
  return arrow::Status::OK();
}

/// Into the spool; or, with at_most_once, into memory, in records of the same form.
class MqttSource::Inbox final : public MqttInbox {
 public:
  Inbox(Spool* spool, const Clock& clock, int64_t frame_bytes_max)
      : spool_(spool), clock_(clock), frame_bytes_max_(frame_bytes_max) {}

  bool HasRoom() override {
    if (spool_ != nullptr) return spool_->free_bytes() > frame_bytes_max_ + kRoomBytes;
    std::lock_guard lock(mutex_);
    return waiting_bytes_ < kMemoryBytesMax;
  }
  arrow::Status Add(const MqttMessage& message) override {
    // One byte more than is allowed is enough for the codec to refuse it.
    const auto payload = message.payload.substr(0, static_cast<size_t>(frame_bytes_max_) + 1);
    std::string record = EncodeMqttRecord({.receive_us = clock_.NowMicros(),
                                           .qos = message.qos,
                                           .is_retained = message.is_retained,
                                           .topic = message.topic,
                                           .payload = payload});
    if (spool_ != nullptr) return spool_->Append(record).status();
    std::lock_guard lock(mutex_);
    waiting_bytes_ += static_cast<int64_t>(record.size());
    waiting_.push_back(std::move(record));
    return arrow::Status::OK();
  }
  arrow::Status MakeDurable() override {
    return spool_ == nullptr ? arrow::Status::OK() : spool_->Sync();
  }
  /// Without a spool: what came since the last call, numbered from 0 on.
  std::vector<SpoolReader::Record> TakeFromMemory() {
    std::vector<SpoolReader::Record> records;
    {
      std::lock_guard lock(mutex_);
      taken_ = std::exchange(waiting_, {});
      waiting_bytes_ = 0;
    }
    for (const std::string& record : taken_) {
      records.push_back(
          {.ordinal = next_ordinal_, .end_ordinal = next_ordinal_ + 1, .payload = record});
      ++next_ordinal_;
    }
    return records;
  }
  bool has_waiting() const {
    std::lock_guard lock(mutex_);
    return !waiting_.empty();
  }

 private:
  Spool* const spool_;
  const Clock& clock_;
  const int64_t frame_bytes_max_;
  mutable std::mutex mutex_;
  std::vector<std::string> waiting_;
  int64_t waiting_bytes_ = 0;
  std::vector<std::string> taken_;  // The reader's thread: the payloads of the last call.
  uint64_t next_ordinal_ = 0;
};

arrow::Result<std::unique_ptr<MqttSource>> MqttSource::Make(const MqttSourceConfig& config,
                                                            const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  ARROW_ASSIGN_OR_RAISE(MqttUrl url, ParseMqttUrl(config.broker.url));
  if (config.spool.bytes_max.bytes < 2 * (context.frame_bytes_max + kRoomBytes)) {
    return ConfigError("`spool.bytes_max` of `mqtt` must be more than twice `frame_bytes_max`");
  }
  return std::unique_ptr<MqttSource>(new MqttSource(config, context, std::move(url)));
}

MqttSource::MqttSource(const MqttSourceConfig& config, const SourceContext& context, MqttUrl url)
    : config_(config), context_(context), url_(std::move(url)) {}

MqttSource::~MqttSource() = default;

arrow::Result<MqttOptions> MqttSource::ConnectionOptions() const {
  ARROW_ASSIGN_OR_RAISE(
      MqttOptions options,
      config_.broker.Options(context_.project_folder, "catchwater-" + context_.pipeline));
  options.is_session_clean = !is_spooled();
  options.session_expiry_s = config_.session_expiry.ms / 1'000;
  options.keep_alive_s = config_.keep_alive.ms / 1'000;
  return options;
}

arrow::Status MqttSource::Check() {
  if (is_spooled() && context_.data_folder.empty()) {
    return ConfigError(
        "Source `mqtt` keeps messages in the data folder until they are in a table; "
        "the pipeline needs `lake:`, or set `delivery: at_most_once`");
  }
  ARROW_ASSIGN_OR_RAISE(MqttOptions options, ConnectionOptions());
  return CheckMqttBroker(std::move(options), "source.mqtt");
}

arrow::Result<std::vector<Offer>> MqttSource::Discover() {
  Random random(context_.random_seed);
  std::string incarnation = random.Uuid();
  if (is_spooled()) {
    if (spool_ == nullptr) {
      const std::string folder = context_.data_folder + "/spool/" + context_.pipeline + "/mqtt";
      ARROW_ASSIGN_OR_RAISE(spool_, Spool::Open(context_.files,
                                                {.folder = folder,
                                                 .bytes_max = config_.spool.bytes_max.bytes,
                                                 .bell = context_.bell},
                                                random));
    }
    incarnation = spool_->uuid();
  }
  return std::vector<Offer>{{.name = url_.host + ":" + std::to_string(url_.port),
                             .incarnation = std::move(incarnation),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = false}};
}

arrow::Status MqttSource::Open(const Offer&, int64_t partition_id, const Position& resume_at) {
  partition_id_ = partition_id;
  if (is_spooled()) {
    ARROW_RETURN_NOT_OK(spool_->Locate(resume_at.ordinal).status());
    reader_ = std::make_unique<SpoolReader>(context_.files, *spool_, resume_at.ordinal);
    ARROW_RETURN_NOT_OK(spool_->Trim(resume_at.ordinal));
  }
  inbox_ = std::make_unique<Inbox>(spool_.get(), context_.clock, context_.frame_bytes_max);
  ARROW_ASSIGN_OR_RAISE(MqttOptions connection, ConnectionOptions());
  MqttIntakeOptions options{.connection = std::move(connection),
                            .topics = config_.topics,
                            .qos = is_spooled() ? std::min(1, static_cast<int>(config_.qos)) : 0};
  intake_ = std::make_unique<MqttIntake>(std::move(options), *inbox_, context_.clock,
                                         Random(context_.random_seed));
  intake_->Start();
  return arrow::Status::OK();
}

arrow::Result<Block> MqttSource::MakeBlock(const std::vector<SpoolReader::Record>& records) const {
  Block block;
  std::string bytes;
  std::vector<arrow::StringBuilder> fields(frame_fields_.size());
  for (const SpoolReader::Record& record : records) {
    ARROW_ASSIGN_OR_RAISE(const MqttRecord message, DecodeMqttRecord(record.payload));
    if (bytes.empty() && block.frame_ends.empty()) block.origin.receive_us = message.receive_us;
    bytes += message.payload;
    block.frame_ends.push_back(static_cast<int64_t>(bytes.size()));
    block.frame_ordinals.push_back(record.ordinal);
    for (size_t i = 0; i < fields.size(); ++i) {
      const auto value = MqttField(message, frame_fields_[i]);
      ARROW_RETURN_NOT_OK(value ? fields[i].Append(*value) : fields[i].AppendNull());
    }
  }
  block.origin.range = {.partition_id = partition_id_,
                        .from = {.ordinal = records.front().ordinal, .token = ""},
                        .to = {.ordinal = records.back().end_ordinal, .token = ""}};
  const auto byte_count = static_cast<int64_t>(bytes.size());
  bytes.append(static_cast<size_t>(kReadPaddingBytes), '\0');
  block.bytes = arrow::SliceBuffer(arrow::Buffer::FromString(std::move(bytes)), 0, byte_count);
  if (fields.empty()) return block;
  std::vector<std::shared_ptr<arrow::Field>> schema;
  std::vector<std::shared_ptr<arrow::Array>> arrays;
  for (size_t i = 0; i < fields.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), fields[i].Finish());
    schema.push_back(arrow::field(frame_fields_[i], arrow::utf8()));
  }
  block.frame_columns = arrow::RecordBatch::Make(
      arrow::schema(std::move(schema)), static_cast<int64_t>(records.size()), std::move(arrays));
  return block;
}

arrow::Result<NextResult> MqttSource::Next(std::stop_token stop) {
  if (stop.stop_requested() || intake_ == nullptr) return NotYet{};
  std::vector<SpoolReader::Record> records;
  if (is_spooled()) {
    ARROW_ASSIGN_OR_RAISE(records, reader_->Read(kBlockBytes));
  } else {
    records = inbox_->TakeFromMemory();
  }
  if (!records.empty()) return MakeBlock(records);
  ARROW_RETURN_NOT_OK(intake_->failure());
  context_.clock.SleepMicros(kLingerUs, stop);
  return NotYet{};
}

// Idle only while the broker is there and has nothing more.
int64_t MqttSource::pending_count() const {
  if (intake_ == nullptr) return 0;
  const bool has_unread =
      is_spooled() ? reader_->ordinal() < spool_->appended_ordinal() : inbox_->has_waiting();
  return has_unread || intake_->quiet_us() < config_.quiet.us() ? 1 : 0;
}

arrow::Status MqttSource::Acknowledge(int64_t, const Position& position) {
  return spool_ == nullptr ? arrow::Status::OK() : spool_->Trim(position.ordinal);
}

arrow::Status MqttSource::Close() {
  intake_.reset();
  inbox_.reset();
  reader_.reset();
  if (spool_ == nullptr) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(spool_->Close());
  spool_.reset();
  return arrow::Status::OK();
}

void MqttSource::SetFrameColumns(std::vector<std::string> names) {
  frame_fields_ = std::move(names);
}

arrow::Status RegisterMqttSource(Registry& registry) {
  return registry.AddSource<MqttSourceConfig>(
      {.name = "mqtt",
       .summary = "Reads topics of an MQTT broker, version 3.1.1 or 5.",
       .details =
           "A message of QoS 1 is acknowledged when it is synced to disk: nothing that was "
           "acknowledged is lost, and what the broker sends again is stored again (at least once); "
           "`deduplicate` removes it by your key. QoS 0 is at most once. The broker keeps a "
           "session under `client_id` while this program is away; it drops what is over its own "
           "limit (Mosquitto: `max_queued_messages`, 1000). Columns may take `topic`, its levels "
           "`topic[0]`, `topic[1]`, ..., `retained` and `qos`. Each message is one frame of the "
           "codec; CSV needs `header: false`. Tried with Mosquitto 2.0. Guide: docs/guide/mqtt.md.",
       .frame_columns = {"topic", "topic[]", "retained", "qos"},
       .is_live = true},
      [](const MqttSourceConfig& config, const SourceContext& context)
          -> arrow::Result<std::unique_ptr<Source>> { return MqttSource::Make(config, context); });
}

}  // namespace catchwater
