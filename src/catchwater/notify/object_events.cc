#include "catchwater/notify/object_events.h"

#include <algorithm>
#include <atomic>
#include <stop_token>
#include <thread>
#include <utility>

#include <librdkafka/rdkafka.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/base/error.h"
#include "catchwater/io/http_listener.h"
#include "catchwater/kafka/client.h"
#include "catchwater/notify/object_event.h"

namespace catchwater {
namespace {

constexpr int64_t kWaitMs = 200;  // For one message; then the stop is looked at.
constexpr int64_t kAskMs = 10'000;
constexpr int64_t kBackOffUsMin = 500'000;
constexpr int64_t kBackOffUsMax = 30'000'000;
constexpr int64_t kBodyBytesMax = 1 << 20;

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

/// Wakes for the events that concern the source. Any thread.
class Flag {
 public:
  explicit Flag(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

  void Tell(std::string_view message) {
    for (const std::string& path : CreatedObjects(message)) {
      const bool is_ours = std::ranges::any_of(
          patterns_, [&](const std::string& pattern) { return MayMatch(pattern, path); });
      if (is_ours) Wake();
    }
  }
  void Wake() { is_woken_.store(true, std::memory_order_relaxed); }
  bool Take() { return is_woken_.exchange(false, std::memory_order_relaxed); }

 private:
  const std::vector<std::string> patterns_;
  std::atomic<bool> is_woken_{false};
};

/// A connection that gives one message after the other.
class EventReader {
 public:
  virtual ~EventReader() = default;
  /// Waits up to kWaitMs for messages. An error: connect anew.
  virtual arrow::Status Read(Flag& flag) = 0;
};

class KafkaReader final : public EventReader {
 public:
  static arrow::Result<std::unique_ptr<EventReader>> Open(const NotifyKafkaConfig& config) {
    auto reader = std::make_unique<KafkaReader>();
    // No group: every process that looks wants to be woken, and nothing is remembered.
    ARROW_ASSIGN_OR_RAISE(
        reader->client_,
        KafkaClient::Make(config.connection, {.kind = KafkaClient::Kind::kConsumer,
                                              .properties = {{"group.id", "catchwater-notify"},
                                                             {"enable.auto.commit", "false"}}}));
    ARROW_ASSIGN_OR_RAISE(const auto topics, reader->client_->Topics({config.topic}, kAskMs));
    if (topics.size() != 1 || !topics[0].exists) {
      return NotFound("Topic of `notify.kafka` does not exist; create it. Topic: ", config.topic);
    }
    const RdKafkaPartitions list(rd_kafka_topic_partition_list_new(topics[0].partition_count));
    for (int32_t i = 0; i < topics[0].partition_count; ++i) {
      rd_kafka_topic_partition_list_add(list.get(), config.topic.c_str(), i)->offset =
          RD_KAFKA_OFFSET_END;
    }
    rd_kafka_poll_set_consumer(reader->client_->get());
    const auto code = rd_kafka_assign(reader->client_->get(), list.get());
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return reader->client_->ErrorOf(code, rd_kafka_err2str(code));
    }
    return reader;
  }

  ~KafkaReader() override {
    if (client_ != nullptr) rd_kafka_consumer_close(client_->get());
  }

  arrow::Status Read(Flag& flag) override {
    const RdKafkaOwned<rd_kafka_message_t, rd_kafka_message_destroy> message(
        rd_kafka_consumer_poll(client_->get(), static_cast<int>(kWaitMs)));
    if (message == nullptr) return client_->FatalComplaint();
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return arrow::Status::OK();
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return client_->ErrorOf(message->err, rd_kafka_message_errstr(message.get()));
    }
    flag.Tell({static_cast<const char*>(message->payload), message->len});
    return arrow::Status::OK();
  }

 private:
  std::unique_ptr<KafkaClient> client_;
};

class AmqpReader final : public EventReader {
 public:
  static arrow::Result<std::unique_ptr<EventReader>> Open(const NotifyAmqpConfig& config,
                                                          const std::string& project_folder) {
    auto reader = std::make_unique<AmqpReader>();
    ARROW_ASSIGN_OR_RAISE(const auto options,
                          config.broker.Options(project_folder, "catchwater notify"));
    ARROW_ASSIGN_OR_RAISE(reader->connection_, AmqpConnection::Connect(options));
    ARROW_RETURN_NOT_OK(
        reader->connection_->Consume({.queue = config.queue, .is_unacknowledged = true}).status());
    return reader;
  }

  ~AmqpReader() override {
    if (connection_ != nullptr) connection_->Close();
  }

  arrow::Status Read(Flag& flag) override {
    ARROW_ASSIGN_OR_RAISE(const AmqpMessage* message, connection_->Read(kWaitMs));
    if (message != nullptr) flag.Tell(message->body);
    return connection_->Beat();
  }

 private:
  std::unique_ptr<AmqpConnection> connection_;
};

arrow::Result<std::unique_ptr<EventReader>> OpenReader(const NotifyConfig& config,
                                                       const std::string& project_folder) {
  if (config.kafka) return KafkaReader::Open(*config.kafka);
  return AmqpReader::Open(*config.amqp, project_folder);
}

class BrokerEvents final : public ObjectEvents {
 public:
  BrokerEvents(NotifyConfig config, ObjectEventsOptions options, const Clock& clock)
      : config_(std::move(config)),
        project_folder_(std::move(options.project_folder)),
        clock_(clock),
        flag_(std::move(options.patterns)),
        thread_([this](std::stop_token stop) { Run(stop); }) {}

  bool Take() override { return flag_.Take(); }

 private:
  void Run(std::stop_token stop) {
    int64_t wait_us = kBackOffUsMin;
    while (!stop.stop_requested()) {
      auto reader = OpenReader(config_, project_folder_);
      if (reader.ok()) {
        flag_.Wake();
        wait_us = kBackOffUsMin;
        arrow::Status status;
        while (status.ok() && !stop.stop_requested()) status = (*reader)->Read(flag_);
      }
      // Whatever is wrong, files are found by the listing meanwhile.
      if (!clock_.SleepMicros(wait_us, stop)) return;
      wait_us = std::min(kBackOffUsMax, 2 * wait_us);
    }
  }

  const NotifyConfig config_;
  const std::string project_folder_;
  const Clock& clock_;
  Flag flag_;
  std::jthread thread_;  // Last: it uses all of the above.
};

class HttpEvents final : public ObjectEvents, private HttpHandler {
 public:
  HttpEvents(const NotifyHttpConfig& config, ObjectEventsOptions options)
      : config_(config), flag_(std::move(options.patterns)) {}
  ~HttpEvents() override {
    if (listener_ != nullptr) listener_->Stop();
  }

  static HttpListenerOptions OptionsOf(const NotifyHttpConfig& config) {
    return {.host = config.host,
            .port = static_cast<uint16_t>(config.port),
            .body_bytes_max = kBodyBytesMax,
            .connection_count_max = 16};
  }

  arrow::Status Start() {
    auto listener = HttpListener::Bind(OptionsOf(config_));
    if (!listener.ok()) return WithContext(listener.status(), "source.file.notify.http");
    listener_ = *std::move(listener);
    listener_->Start(*this);
    return arrow::Status::OK();
  }

  bool Take() override { return flag_.Take(); }

 private:
  std::optional<HttpAnswer> Admit(const HttpHead& head) override {
    if (head.path != config_.path) return HttpProblem(404, "Not found", "No such path");
    if (!config_.bearer.is_empty()) {
      const std::string* given = head.Find("authorization");
      if (given == nullptr || !Secret("Bearer " + config_.bearer.Reveal()).Equals(Secret(*given))) {
        return HttpProblem(401, "Unauthorized", "The token is missing or wrong");
      }
    }
    return std::nullopt;
  }
  std::function<HttpAnswer()> Take(HttpHead, std::string body) override {
    flag_.Tell(body);
    return [] { return HttpAnswer{.body = "{}"}; };
  }
  void Settle() override {}

  const NotifyHttpConfig config_;
  Flag flag_;
  std::unique_ptr<HttpListener> listener_;
};

}  // namespace

arrow::Status NotifyKafkaConfig::Check() const {
  if (!IsKafkaTopic(topic)) return ConfigError("Topic has a bad name: ", topic);
  return connection.CheckConnection();
}

arrow::Status NotifyAmqpConfig::Check() const {
  if (queue.empty()) return ConfigError("`queue` must be a queue's name");
  return broker.CheckBroker();
}

arrow::Status NotifyHttpConfig::Check() const {
  if (!path.starts_with('/')) return ConfigError("`path` must begin with `/`: ", path);
  if (IsLoopback(host) || !bearer.is_empty()) return arrow::Status::OK();
  return ConfigError("`host` is open to other machines: set `bearer`. Host: ", host);
}

arrow::Status NotifyConfig::Check() const {
  const int count = (kafka ? 1 : 0) + (amqp ? 1 : 0) + (http ? 1 : 0);
  if (count == 1) return arrow::Status::OK();
  return ConfigError("`notify` needs exactly one of `kafka`, `amqp` and `http`");
}

arrow::Result<std::unique_ptr<ObjectEvents>> ObjectEvents::Listen(const NotifyConfig& config,
                                                                  ObjectEventsOptions options,
                                                                  const Clock& clock) {
  if (!config.http) return std::make_unique<BrokerEvents>(config, std::move(options), clock);
  auto events = std::make_unique<HttpEvents>(*config.http, std::move(options));
  ARROW_RETURN_NOT_OK(events->Start());
  return events;
}

arrow::Status ObjectEvents::Check(const NotifyConfig& config, const ObjectEventsOptions& options) {
  if (config.http) return HttpListener::Bind(HttpEvents::OptionsOf(*config.http)).status();
  if (config.kafka) return KafkaReader::Open(*config.kafka).status();
  ARROW_ASSIGN_OR_RAISE(const auto broker,
                        config.amqp->broker.Options(options.project_folder, "catchwater check"));
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(broker));
  const arrow::Status there = connection->CountMessages(config.amqp->queue).status();
  connection->Close();
  return there;
}

}  // namespace catchwater
