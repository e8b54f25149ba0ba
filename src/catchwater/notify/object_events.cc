#include "catchwater/notify/object_events.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include <rdkafka.h>

#include "catchwater/amqp/connection.h"
#include "catchwater/base/error.h"
#include "catchwater/config/environment.h"
#include "catchwater/io/http_client.h"
#include "catchwater/io/http_listener.h"
#include "catchwater/io/s3/s3_credentials.h"
#include "catchwater/io/store_path.h"
#include "catchwater/kafka/client.h"
#include "catchwater/notify/object_event.h"
#include "catchwater/notify/sqs_queue.h"
#include "catchwater/security/secret.h"

namespace catchwater {
namespace {

constexpr int64_t kWaitMs = 200;  // For one message; then the stop is looked at.
constexpr int64_t kAskMs = 10'000;
constexpr int kSqsWaitS = 20;  // The longest that SQS knows; a stop ends it.
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
  /// Waits for messages, not long after a stop. An error: connect anew.
  virtual arrow::Status Read(Flag& flag, std::stop_token stop) = 0;
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

  arrow::Status Read(Flag& flag, std::stop_token) override {
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

  arrow::Status Read(Flag& flag, std::stop_token) override {
    ARROW_ASSIGN_OR_RAISE(const AmqpMessage* message, connection_->Read(kWaitMs));
    if (message != nullptr) flag.Tell(message->body);
    return connection_->Beat();
  }

 private:
  std::unique_ptr<AmqpConnection> connection_;
};

arrow::Result<SqsOptions> SqsOptionsOf(const NotifySqsConfig& config, Files& files) {
  const VariableLookup variable = Environment::FromProcess("").variable;
  SqsOptions options{.queue_url = config.queue_url, .region = config.region};
  if (options.region.empty()) options.region = RegionOfSqs(config.queue_url);
  if (options.region.empty()) options.region = variable("AWS_REGION").value_or("us-east-1");
  if (config.access_key_id.empty()) {
    // Asked for at each connection: they may have been renewed.
    ARROW_ASSIGN_OR_RAISE(options.credentials, FindS3Credentials(files, variable));
  } else {
    options.credentials = {.access_key_id = config.access_key_id,
                           .secret_access_key = config.secret_access_key,
                           .session_token = config.session_token};
  }
  return options;
}

/// An event is told, then deleted: one that is not comes again.
class SqsReader final : public EventReader {
 public:
  static arrow::Result<std::unique_ptr<EventReader>> Open(const NotifySqsConfig& config,
                                                          const ObjectEventsOptions& options,
                                                          const Clock& clock,
                                                          std::stop_token stop) {
    ARROW_ASSIGN_OR_RAISE(SqsOptions queue, SqsOptionsOf(config, *options.files));
    HttpTls tls;
    if (!config.ca_file.empty()) tls.ca_file = ResolvePath(options.project_folder, config.ca_file);
    auto reader = std::make_unique<SqsReader>(std::move(queue),
                                              MakeHttpClient({.tls = std::move(tls)}), clock);
    ARROW_RETURN_NOT_OK(reader->queue_.Find(std::move(stop)));
    return reader;
  }
  SqsReader(SqsOptions queue, std::unique_ptr<HttpClient> http, const Clock& clock)
      : queue_(std::move(queue), std::move(http), clock) {}

  arrow::Status Read(Flag& flag, std::stop_token stop) override {
    ARROW_ASSIGN_OR_RAISE(const auto messages, queue_.Receive(kSqsWaitS, stop));
    for (const SqsMessage& message : messages) flag.Tell(message.body);
    return messages.empty() ? arrow::Status::OK() : queue_.Delete(messages, std::move(stop));
  }

 private:
  SqsQueue queue_;
};

/// \pre not `http`
arrow::Result<std::unique_ptr<EventReader>> OpenReader(const NotifyConfig& config,
                                                       const ObjectEventsOptions& options,
                                                       const Clock& clock, std::stop_token stop) {
  if (config.kafka) return KafkaReader::Open(*config.kafka);
  if (config.amqp) return AmqpReader::Open(*config.amqp, options.project_folder);
  return SqsReader::Open(*config.sqs, options, clock, std::move(stop));
}

class BrokerEvents final : public ObjectEvents {
 public:
  BrokerEvents(NotifyConfig config, ObjectEventsOptions options, const Clock& clock)
      : config_(std::move(config)),
        options_(std::move(options)),
        clock_(clock),
        flag_(options_.patterns),
        thread_([this](std::stop_token stop) { Run(stop); }) {}

  bool Take() override { return flag_.Take(); }
  std::string Trouble() const override {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

 private:
  void Run(std::stop_token stop) {
    int64_t wait_us = kBackOffUsMin;
    while (!stop.stop_requested()) {
      auto reader = OpenReader(config_, options_, clock_, stop);
      arrow::Status status = reader.status();
      if (status.ok()) {
        Note(status);
        flag_.Wake();
        wait_us = kBackOffUsMin;
        while (status.ok() && !stop.stop_requested()) status = (*reader)->Read(flag_, stop);
      }
      if (stop.stop_requested()) return;
      // Whatever is wrong, files are found by the listing meanwhile.
      Note(status);
      if (!clock_.SleepMicros(wait_us, stop)) return;
      wait_us = std::min(kBackOffUsMax, 2 * wait_us);
    }
  }

  void Note(const arrow::Status& status) {
    const std::lock_guard lock(mutex_);
    // That it begins wakes the listing: what was missed is looked for, and the trouble is told.
    if (trouble_.empty() && !status.ok()) flag_.Wake();
    trouble_ = status.ok() ? "" : MaskSecrets(status.message());
  }

  const NotifyConfig config_;
  const ObjectEventsOptions options_;
  const Clock& clock_;
  Flag flag_;
  mutable std::mutex mutex_;
  std::string trouble_;  // Guarded by mutex_.
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

arrow::Status NotifySqsConfig::Check() const {
  const size_t scheme = queue_url.find("://");
  const bool is_url = queue_url.starts_with("https://") || queue_url.starts_with("http://");
  const size_t path = is_url ? queue_url.find('/', scheme + 3) : queue_url.npos;
  const bool has_name = path != queue_url.npos && path > scheme + 3 && path + 1 < queue_url.size();
  if (!has_name || queue_url.find_first_of("@?# ") != queue_url.npos) {
    return ConfigError("`queue_url` is a URL as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME: ",
                       ShownUrl(queue_url));
  }
  if (access_key_id.empty() == secret_access_key.is_empty()) return arrow::Status::OK();
  return ConfigError("`access_key_id` and `secret_access_key` go together");
}

arrow::Status NotifyHttpConfig::Check() const {
  if (!path.starts_with('/')) return ConfigError("`path` must begin with `/`: ", path);
  if (IsLoopback(host) || !bearer.is_empty()) return arrow::Status::OK();
  return ConfigError("`host` is open to other machines: set `bearer`. Host: ", host);
}

arrow::Status NotifyConfig::Check() const {
  const int count = (kafka ? 1 : 0) + (amqp ? 1 : 0) + (sqs ? 1 : 0) + (http ? 1 : 0);
  if (count == 1) return arrow::Status::OK();
  return ConfigError("`notify` needs exactly one of `kafka`, `amqp`, `sqs` and `http`");
}

arrow::Result<std::unique_ptr<ObjectEvents>> ObjectEvents::Listen(const NotifyConfig& config,
                                                                  ObjectEventsOptions options,
                                                                  const Clock& clock) {
  if (!config.http) return std::make_unique<BrokerEvents>(config, std::move(options), clock);
  auto events = std::make_unique<HttpEvents>(*config.http, std::move(options));
  ARROW_RETURN_NOT_OK(events->Start());
  return events;
}

arrow::Status ObjectEvents::Check(const NotifyConfig& config, const ObjectEventsOptions& options,
                                  const Clock& clock) {
  if (config.http) return HttpListener::Bind(HttpEvents::OptionsOf(*config.http)).status();
  if (!config.amqp) return OpenReader(config, options, clock, {}).status();
  ARROW_ASSIGN_OR_RAISE(const auto broker,
                        config.amqp->broker.Options(options.project_folder, "catchwater check"));
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(broker));
  const arrow::Status there = connection->CountMessages(config.amqp->queue).status();
  connection->Close();
  return there;
}

}  // namespace catchwater
