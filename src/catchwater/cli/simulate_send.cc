#include "catchwater/cli/simulate_send.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "catchwater/amqp/producer.h"
#include "catchwater/base/clock.h"
#include "catchwater/base/error.h"
#include "catchwater/kafka/producer.h"
#include "catchwater/mqtt/connection_config.h"
#include "catchwater/mqtt/producer.h"

namespace catchwater {
namespace {

constexpr std::string_view kSensorPlace = "{sensor_id}";
constexpr int64_t kSlotsAtOnce = 256;
constexpr int64_t kAheadUs = 20'000;  // Sleeps are no shorter: at high rates records go in groups.

arrow::Result<Secret> PasswordOf(const SendArguments& send) {
  if (send.password_env.empty()) return Secret();
  const char* text = std::getenv(send.password_env.c_str());
  if (text == nullptr) {
    return ConfigError("Variable of --password-env is not set: ", send.password_env);
  }
  return Secret(text);
}

arrow::Result<std::unique_ptr<MessageProducer>> KafkaOf(const SendArguments& send) {
  const bool has_tls = send.to.starts_with("kafkas://");
  KafkaProducerOptions options{.topic = send.topic, .create = send.create};
  options.connection.brokers = send.to.substr(has_tls ? 9 : 8);
  if (!IsKafkaTopic(send.topic)) return ConfigError("--topic is no topic of Kafka: ", send.topic);
  if (has_tls) options.connection.tls = KafkaTlsConfig{.ca_file = send.ca};
  if (!send.user.empty()) {
    KafkaSaslConfig sasl{.user = send.user};
    ARROW_ASSIGN_OR_RAISE(sasl.password, PasswordOf(send));
    options.connection.sasl = std::move(sasl);
  }
  ARROW_RETURN_NOT_OK(options.connection.CheckConnection());
  return MakeKafkaProducer(std::move(options));
}

arrow::Result<std::unique_ptr<MessageProducer>> MqttOf(const SendArguments& send, int64_t worker,
                                                       const Clock& clock) {
  MqttBrokerConfig broker;
  broker.url = send.to;
  broker.user = send.user;
  broker.tls.ca = send.ca;
  ARROW_ASSIGN_OR_RAISE(broker.password, PasswordOf(send));
  MqttProducerOptions options{.place = "--to"};
  ARROW_ASSIGN_OR_RAISE(options.connection,
                        broker.Options("", "catchwater-simulate-" + std::to_string(worker)));
  return MakeMqttProducer(std::move(options), clock);
}

arrow::Result<std::unique_ptr<MessageProducer>> AmqpOf(const SendArguments& send, int64_t worker,
                                                       const Clock& clock) {
  AmqpBrokerConfig broker;
  broker.url = send.to;
  broker.tls.ca = send.ca;
  if (!send.user.empty()) {
    broker.user = send.user;
    ARROW_ASSIGN_OR_RAISE(broker.password, PasswordOf(send));
  }
  const bool is_template = send.topic.find(kSensorPlace) != send.topic.npos;
  AmqpProducerOptions options{.exchange = send.exchange,
                              .queue = is_template ? "" : send.topic,
                              .create = send.create && (!is_template || !send.exchange.empty())};
  ARROW_ASSIGN_OR_RAISE(options.connection,
                        broker.Options("", "catchwater simulate " + std::to_string(worker)));
  return MakeAmqpProducer(std::move(options), clock);
}

arrow::Result<std::unique_ptr<MessageProducer>> ProducerOf(const SendArguments& send,
                                                           int64_t worker, const Clock& clock) {
  if (send.to.starts_with("kafka")) return KafkaOf(send);
  if (send.to.starts_with("mqtt")) return MqttOf(send, worker, clock);
  if (send.to.starts_with("amqp")) return AmqpOf(send, worker, clock);
  return ConfigError(
      "--to begins with kafka://, mqtt:// or amqp:// (with TLS: kafkas://, mqtts://, amqps://): ",
      MaskSecrets(send.to));
}

/// The first field of a record, as the models write it: its sensor, station, client, campaign.
/// Nothing for one that is torn before.
std::string_view FirstField(std::string_view record, bool is_csv) {
  const char closes = is_csv ? ',' : '"';
  if (!is_csv) {
    const size_t opens = record.find(":\"");
    if (opens == record.npos) return {};
    record.remove_prefix(opens + 2);
  }
  const size_t end = record.find(closes);
  return end == record.npos ? std::string_view() : record.substr(0, end);
}

/// What all workers share.
struct Sending {
  const SimulateConfig& config;
  const SendArguments& send;
  const int64_t workers;
  const SystemClock clock{};
  const int64_t begun_us = clock.MonotonicMicros();
  std::stop_source stop{};
  std::atomic<int64_t> sent_count = 0;
  std::mutex mutex{};
  arrow::Status failure{};  // Guarded by mutex.
};

/// Every workers-th sensor. One thread.
class Worker {
 public:
  Worker(Sending& sending, int64_t number)
      : sending_(sending), number_(number), model_(sending.config.MakeModel(kSimulateFromUs)) {}

  arrow::Status Run() {
    ARROW_ASSIGN_OR_RAISE(const auto producer, ProducerOf(sending_.send, number_, sending_.clock));
    ARROW_RETURN_NOT_OK(producer->Check());
    const auto pool = ReadBufferPool::Make(kSlotsAtOnce * SlotModel::kSlotBytesMax);
    int64_t slot = 0;
    while (slot < model_->slot_count() && !sending_.stop.stop_requested()) {
      ReadBuffer buffer = pool->Take();
      std::vector<SlotModel::Record> records;
      for (int64_t i = 0; i < kSlotsAtOnce && slot < model_->slot_count(); ++slot) {
        if (LaneOf(slot) % sending_.workers != number_) continue;
        model_->AppendSlot(slot, /*ordinal_min=*/0, buffer, records);
        ++i;
      }
      ARROW_RETURN_NOT_OK(Send(*producer, buffer.view(), records));
      pool->Return(std::move(buffer));
    }
    const arrow::Status flushed = producer->Flush();
    producer->Close();
    return flushed;
  }

 private:
  /// Slots of one sensor are of one lane.
  int64_t LaneOf(int64_t slot) const {
    return IsShopFeed(sending_.config.profile) ? slot : slot % model_->slots_per_tick();
  }

  arrow::Status Send(MessageProducer& producer, std::string_view text,
                     const std::vector<SlotModel::Record>& records) {
    const bool is_csv = sending_.config.format == SimulateFormat::kCsv;
    int64_t begin = 0;
    for (const SlotModel::Record& record : records) {
      ARROW_ASSIGN_OR_RAISE(const bool goes_on, WaitForTurn(producer));
      if (!goes_on) return arrow::Status::OK();
      std::string_view payload =
          text.substr(static_cast<size_t>(begin), static_cast<size_t>(record.end - begin));
      begin = record.end;
      if (payload.ends_with('\n')) payload.remove_suffix(1);
      const std::string_view sensor = FirstField(payload, is_csv);
      std::string address = sending_.send.topic;
      if (const size_t place = address.find(kSensorPlace); place != address.npos) {
        address.replace(place, kSensorPlace.size(), sensor.empty() ? "unknown" : sensor);
      }
      const std::string id = "simulated:" + feed_ +
                             std::to_string(sending_.config.seed.value_or(1)) + ":" +
                             std::to_string(record.ordinal);
      OutgoingMessage message{.address = address, .payload = payload, .id = id};
      if (!sensor.empty()) message.key = sensor;
      ARROW_RETURN_NOT_OK(producer.Send(message));
      ++sent_count_;
      ++sending_.sent_count;
    }
    return arrow::Status::OK();
  }

  /// \return false if another worker failed
  arrow::Result<bool> WaitForTurn(MessageProducer& producer) {
    if (sending_.stop.stop_requested()) return false;
    if (sending_.send.rate <= 0) return true;
    const double due_us = static_cast<double>(sent_count_) * 1e6 *
                          static_cast<double>(sending_.workers) / sending_.send.rate;
    const int64_t early_us =
        sending_.begun_us + static_cast<int64_t>(due_us) - sending_.clock.MonotonicMicros();
    if (early_us < kAheadUs) return true;
    // What is under way goes on meanwhile.
    ARROW_RETURN_NOT_OK(producer.Flush());
    return sending_.clock.SleepMicros(early_us, sending_.stop.get_token());
  }

  Sending& sending_;
  const int64_t number_;
  /// Ids of two feeds differ; those of sensors have no word in front.
  const std::string feed_ = sending_.config.profile == SimulateProfile::kSensors
                                ? ""
                                : std::string(WordOf(sending_.config.profile)) + ":";
  const std::unique_ptr<SlotModel> model_;
  int64_t sent_count_ = 0;
};

}  // namespace

namespace {
/// More workers would have nothing to send.
int64_t LanesMax(const SimulateConfig& config) {
  if (IsShopFeed(config.profile)) return config.rows > 0 ? config.rows : INT64_MAX;
  return config.MakeModel(kSimulateFromUs)->slots_per_tick();
}
}  // namespace

arrow::Result<int64_t> SendSimulated(const SimulateConfig& config, const SendArguments& send) {
  if (send.topic.empty()) return ConfigError("--to needs --topic: a topic, queue or routing key");
  if (!send.exchange.empty() && !send.to.starts_with("amqp")) {
    return ConfigError("--exchange is of amqp:// only");
  }
  Sending sending{
      .config = config, .send = send, .workers = std::min(send.workers, LanesMax(config))};
  {
    // The program's own threads: nothing else runs beside this verb.
    std::vector<std::jthread> threads;
    for (int64_t i = 0; i < sending.workers; ++i) {
      threads.emplace_back([&sending, i] {
        const arrow::Status done = Worker(sending, i).Run();
        if (done.ok()) return;
        std::lock_guard lock(sending.mutex);
        if (sending.failure.ok()) sending.failure = done;
        sending.stop.request_stop();
      });
    }
  }
  ARROW_RETURN_NOT_OK(sending.failure);
  return sending.sent_count.load();
}

}  // namespace catchwater
