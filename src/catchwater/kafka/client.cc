#include "catchwater/kafka/client.h"

#include <array>
#include <cstring>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kErrorTextBytes = 512;

arrow::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  std::array<char, kErrorTextBytes> text{};
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size()) ==
      RD_KAFKA_CONF_OK) {
    return arrow::Status::OK();
  }
  return ConfigError("Kafka property `", name, "` is refused: ", text.data());
}

arrow::Status SetAll(rd_kafka_conf_t* conf,
                     const std::vector<std::pair<std::string, std::string>>& properties) {
  for (const auto& [name, value] : properties) ARROW_RETURN_NOT_OK(Set(conf, name, value));
  return arrow::Status::OK();
}

arrow::Status SetSecurity(rd_kafka_conf_t* conf, const KafkaConnection& connection) {
  const bool has_tls = connection.tls.has_value();
  const bool has_sasl = connection.sasl.has_value();
  const char* protocol =
      has_sasl ? (has_tls ? "sasl_ssl" : "sasl_plaintext") : (has_tls ? "ssl" : "plaintext");
  ARROW_RETURN_NOT_OK(Set(conf, "security.protocol", protocol));
  if (has_tls) {
    const KafkaTlsConfig& tls = *connection.tls;
    for (const auto& [name, file] : {std::pair{"ssl.ca.location", &tls.ca_file},
                                     std::pair{"ssl.certificate.location", &tls.certificate_file},
                                     std::pair{"ssl.key.location", &tls.key_file}}) {
      if (!file->empty()) ARROW_RETURN_NOT_OK(Set(conf, name, *file));
    }
    if (!tls.key_password.is_empty()) {
      ARROW_RETURN_NOT_OK(Set(conf, "ssl.key.password", tls.key_password.Reveal()));
    }
    ARROW_RETURN_NOT_OK(
        Set(conf, "enable.ssl.certificate.verification", tls.verify ? "true" : "false"));
  }
  if (has_sasl) {
    for (const auto& [mechanism, word] : EnumWords(SaslMechanism{})) {
      if (mechanism != connection.sasl->mechanism) continue;
      ARROW_RETURN_NOT_OK(Set(conf, "sasl.mechanism", std::string(word)));
    }
    ARROW_RETURN_NOT_OK(Set(conf, "sasl.username", connection.sasl->user));
    ARROW_RETURN_NOT_OK(Set(conf, "sasl.password", connection.sasl->password.Reveal()));
  }
  return arrow::Status::OK();
}

bool Says(const std::string& reason, std::string_view word) {
  return reason.find(word) != reason.npos;
}

std::string IdOf(const rd_kafka_TopicDescription_t* topic) {
  const rd_kafka_Uuid_t* id = rd_kafka_TopicDescription_topic_id(topic);
  if (id == nullptr) return "";
  if (rd_kafka_Uuid_most_significant_bits(id) == 0 &&
      rd_kafka_Uuid_least_significant_bits(id) == 0) {
    return "";
  }
  return rd_kafka_Uuid_base64str(id);
}

}  // namespace

arrow::Result<std::unique_ptr<KafkaClient>> KafkaClient::Make(const KafkaConnection& connection,
                                                              const Options& options) {
  std::unique_ptr<KafkaClient> client(new KafkaClient(connection, options.opaque));
  RdKafkaConf conf(rd_kafka_conf_new());
  ARROW_RETURN_NOT_OK(Set(conf.get(), "bootstrap.servers", connection.brokers));
  ARROW_RETURN_NOT_OK(Set(conf.get(), "client.id", "catchwater"));
  ARROW_RETURN_NOT_OK(SetAll(conf.get(), options.properties));
  ARROW_RETURN_NOT_OK(SetAll(conf.get(), connection.properties));
  ARROW_RETURN_NOT_OK(SetSecurity(conf.get(), connection));
  ARROW_RETURN_NOT_OK(SetAll(conf.get(), options.fixed));
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_error_cb(conf.get(), &KafkaClient::OnError);
  rd_kafka_conf_set_log_cb(conf.get(), &KafkaClient::OnLog);
  if (options.prepare) options.prepare(conf.get());
  std::array<char, kErrorTextBytes> text{};
  const auto type = options.kind == Kind::kConsumer ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  client->handle_.reset(rd_kafka_new(type, conf.get(), text.data(), text.size()));
  if (client->handle_ == nullptr) {
    return ConfigError("Kafka client cannot be made; check `tls`, `sasl` and `properties`: ",
                       text.data());
  }
  static_cast<void>(conf.release());  // The handle owns it now.
  return client;
}

void KafkaClient::OnError(rd_kafka_t*, int code, const char* reason, void* self) {
  auto* client = static_cast<KafkaClient*>(self);
  const auto error = static_cast<rd_kafka_resp_err_t>(code);
  std::lock_guard lock(client->mutex_);
  // "All brokers are down" follows what says why.
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !client->complaint_.second.empty()) return;
  client->complaint_ = {error, reason};
}

// What matters comes through OnError, too; the rest is for librdkafka's own developers.
void KafkaClient::OnLog(const rd_kafka_t*, int, const char*, const char*) {}

arrow::Status KafkaClient::Explain(rd_kafka_resp_err_t code, const std::string& reason) const {
  const std::string& brokers = connection_.brokers;
  switch (code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
      return Denied("Kafka broker refuses the login; check `sasl.user`, `sasl.password` and ",
                    "`sasl.mechanism`, brokers and answer: ", brokers, " ", reason);
    case RD_KAFKA_RESP_ERR__SSL:
      if (Says(reason, "PLAINTEXT")) {
        return Denied("Kafka broker does not speak TLS on this port; remove `tls` or use its TLS ",
                      "port in `brokers`: ", brokers, " ", reason);
      }
      return Denied("Kafka broker's certificate is refused; check `tls.ca_file` and the host name ",
                    "in `brokers`: ", brokers, " ", reason);
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return Denied("Kafka broker does not allow it; give the user the right to read the topic ",
                    "and the group: ", reason);
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return Unavailable("Kafka broker's host is not known; check `brokers`: ", brokers, " ",
                         reason);
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
      if (Says(reason, "PLAINTEXT broker listener")) {
        return Denied("Kafka broker does not speak TLS on this port; remove `tls` or use its TLS ",
                      "port in `brokers`: ", brokers, " ", reason);
      }
      if (Says(reason, "SSL listener") || Says(reason, "security.protocol")) {
        return Denied("Kafka broker hangs up; it may want `tls: {}` or `sasl` on this port, ",
                      "brokers and reason: ", brokers, " ", reason);
      }
      // One that hangs up on plain bytes leaves no other reason.
      return Unavailable("Kafka brokers cannot be reached; check `brokers` and that they run",
                         code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !connection_.tls
                             ? ", or they want `tls: {}` on this port: "
                             : ": ",
                         brokers, " ", reason);
    default:
      return Unavailable("Kafka: ", reason, " (", rd_kafka_err2name(code), ")");
  }
}

// While a broker starts again it may refuse what it will let in soon.
arrow::Status KafkaClient::ExplainComplaint() const {
  arrow::Status status = Explain(complaint_.first, complaint_.second);
  if (!has_answered_ || KindOf(status) != ErrorKind::kDenied) return status;
  return Unavailable(status.message());
}

arrow::Status KafkaClient::ErrorOf(rd_kafka_resp_err_t code, const std::string& reason) const {
  const bool is_vague =
      code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR__TRANSPORT ||
      code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
  if (is_vague) {
    std::lock_guard lock(mutex_);
    if (!complaint_.second.empty()) return ExplainComplaint();
  }
  return Explain(code, reason);
}

arrow::Status KafkaClient::FatalComplaint() const {
  std::lock_guard lock(mutex_);
  if (complaint_.second.empty()) return arrow::Status::OK();
  const arrow::Status status = ExplainComplaint();
  return KindOf(status) == ErrorKind::kDenied ? status : arrow::Status::OK();
}

arrow::Result<RdKafkaEvent> KafkaClient::WaitFor(rd_kafka_queue_t* queue, int64_t timeout_ms,
                                                 const std::string& what) const {
  // In slices: a wrong password is told at once by the error callback, the answer never comes.
  constexpr int64_t kSliceMs = 50;
  for (int64_t waited_ms = 0; waited_ms <= timeout_ms; waited_ms += kSliceMs) {
    RdKafkaEvent event(rd_kafka_queue_poll(queue, kSliceMs));
    if (event != nullptr) {
      const auto code = rd_kafka_event_error(event.get());
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
      const char* reason = rd_kafka_event_error_string(event.get());
      return ErrorOf(code, what + (reason == nullptr ? "" : std::string(": ") + reason));
    }
    rd_kafka_poll(handle_.get(), 0);
    ARROW_RETURN_NOT_OK(FatalComplaint());
  }
  return ErrorOf(RD_KAFKA_RESP_ERR__TIMED_OUT, what + ": no answer");
}

arrow::Result<std::vector<KafkaTopic>> KafkaClient::Topics(const std::vector<std::string>& names,
                                                           int64_t timeout_ms) const {
  std::vector<const char*> texts;
  for (const std::string& name : names) texts.push_back(name.c_str());
  RdKafkaOwned<rd_kafka_TopicCollection_t, rd_kafka_TopicCollection_destroy> wanted(
      rd_kafka_TopicCollection_of_topic_names(texts.data(), texts.size()));
  RdKafkaAdminOptions options(
      rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS));
  std::array<char, kErrorTextBytes> text{};
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(timeout_ms),
                                            text.data(), text.size());
  RdKafkaQueue queue(rd_kafka_queue_new(handle_.get()));
  rd_kafka_DescribeTopics(handle_.get(), wanted.get(), options.get(), queue.get());
  ARROW_ASSIGN_OR_RAISE(const RdKafkaEvent event,
                        WaitFor(queue.get(), timeout_ms, "asking for topics"));
  size_t count = 0;
  const auto* const* found = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event.get()), &count);
  {
    std::lock_guard lock(mutex_);
    has_answered_ = true;
    complaint_ = {RD_KAFKA_RESP_ERR_NO_ERROR, ""};
  }
  std::vector<KafkaTopic> topics;
  for (size_t i = 0; i < count; ++i) {
    KafkaTopic topic{.name = rd_kafka_TopicDescription_name(found[i])};
    const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(found[i]);
    const auto code = error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      size_t partition_count = 0;
      rd_kafka_TopicDescription_partitions(found[i], &partition_count);
      topic.id = IdOf(found[i]);
      topic.partition_count = static_cast<int32_t>(partition_count);
      topic.exists = true;
    } else if (code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART &&
               code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID) {
      return ErrorOf(code, rd_kafka_error_string(error));
    }
    topics.push_back(std::move(topic));
  }
  return topics;
}

arrow::Status KafkaClient::CreateTopic(const std::string& name, int32_t partition_count,
                                       int16_t replication_factor, int64_t timeout_ms) const {
  std::array<char, kErrorTextBytes> text{};
  RdKafkaOwned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> topic(rd_kafka_NewTopic_new(
      name.c_str(), partition_count, replication_factor, text.data(), text.size()));
  if (topic == nullptr) return ConfigError("Topic cannot be made: ", name, " ", text.data());
  RdKafkaAdminOptions options(
      rd_kafka_AdminOptions_new(handle_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), static_cast<int>(timeout_ms),
                                            text.data(), text.size());
  RdKafkaQueue queue(rd_kafka_queue_new(handle_.get()));
  rd_kafka_NewTopic_t* wanted = topic.get();
  rd_kafka_CreateTopics(handle_.get(), &wanted, 1, options.get(), queue.get());
  ARROW_ASSIGN_OR_RAISE(const RdKafkaEvent event,
                        WaitFor(queue.get(), timeout_ms, "making topic " + name));
  size_t count = 0;
  const auto* const* made =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const auto code = rd_kafka_topic_result_error(made[i]);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      continue;
    }
    const char* reason = rd_kafka_topic_result_error_string(made[i]);
    return ErrorOf(code, "topic " + name + " cannot be made: " + (reason ? reason : ""));
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
