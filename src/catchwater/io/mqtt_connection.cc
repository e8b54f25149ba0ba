// The one source that includes libmosquitto.
//
// With `threaded_set` the library believes that another thread writes: it only queues what it has
// to send, acknowledgements too, and mosquitto_loop_write sends it. Without, a PUBACK would leave
// before the callback.
#include "catchwater/io/mqtt_connection.h"

#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/error.h"
#include "catchwater/io/broker_url.h"

namespace catchwater {
namespace {

constexpr int64_t kStepMs = 50;
constexpr int64_t kSubscribingBytes = 1 << 20;  // Before one fsync.

int64_t SteadyMs() { return SystemClock().MonotonicMicros() / 1'000; }

class Connection final : public MqttConnection {
 public:
  Connection(MqttOptions options, MqttReceiver* receiver)
      : options_(std::move(options)), receiver_(receiver) {}
  ~Connection() override {
    if (client_ != nullptr) mosquitto_destroy(client_);
  }

  arrow::Status Open(const std::stop_token& stop);
  bool is_session_present() const override { return is_session_present_; }
  arrow::Status Subscribe(const std::vector<std::string>& topics, int qos,
                          std::stop_token stop) override;
  arrow::Result<int64_t> Read(int64_t wait_ms, int64_t byte_count_max) override;
  arrow::Status Write() override;
  arrow::Status Publish(const MqttMessage& message) override;
  int64_t outstanding_count() const override { return outstanding_count_; }
  void Disconnect() override;

 private:
  static Connection& Self(void* object) { return *static_cast<Connection*>(object); }
  static void OnConnect(mosquitto*, void* object, int code, int flags, const mosquitto_property*);
  static void OnDisconnect(mosquitto*, void* object, int code, const mosquitto_property*);
  static void OnPublish(mosquitto*, void* object, int id, int code, const mosquitto_property*);
  static void OnSubscribe(mosquitto*, void* object, int id, int count, const int* granted,
                          const mosquitto_property*);
  static void OnMessageOf(mosquitto*, void* object, const mosquitto_message* message,
                          const mosquitto_property*);

  arrow::Status Configure();
  arrow::Status Start();
  arrow::Status AwaitSubscribed(const std::stop_token& stop);
  arrow::Status Refused() const;
  arrow::Status CheckCode(int code, std::string_view what) const;
  std::string address() const { return options_.host + ":" + std::to_string(options_.port); }
  bool Poll(short events, int64_t wait_ms) const;

  const MqttOptions options_;
  MqttReceiver* const receiver_;
  mosquitto* client_ = nullptr;
  bool is_answered_ = false;
  int connect_code_ = 0;
  bool is_session_present_ = false;
  bool is_subscribed_ = false;
  std::vector<int> granted_;
  bool is_lost_ = false;
  int lost_code_ = 0;
  int64_t bytes_delivered_ = 0;  // Of the present Read.
  bool has_undurable_ = false;
  int64_t outstanding_count_ = 0;
  int refused_code_ = 0;  // Of a message that was sent; 0: none was refused.
};

void Connection::OnConnect(mosquitto*, void* object, int code, int flags,
                           const mosquitto_property*) {
  Connection& self = Self(object);
  self.is_answered_ = true;
  self.connect_code_ = code;
  self.is_session_present_ = (flags & 1) != 0;
}

void Connection::OnDisconnect(mosquitto*, void* object, int code, const mosquitto_property*) {
  Self(object).is_lost_ = true;
  Self(object).lost_code_ = code;
}

void Connection::OnPublish(mosquitto*, void* object, int, int code, const mosquitto_property*) {
  --Self(object).outstanding_count_;
  if (code >= 0x80) Self(object).refused_code_ = code;  // Version 5; 3.1.1 says nothing.
}

void Connection::OnSubscribe(mosquitto*, void* object, int, int count, const int* granted,
                             const mosquitto_property*) {
  Self(object).is_subscribed_ = true;
  Self(object).granted_.assign(granted, granted + count);
}

void Connection::OnMessageOf(mosquitto*, void* object, const mosquitto_message* message,
                             const mosquitto_property*) {
  Connection& self = Self(object);
  self.bytes_delivered_ += message->payloadlen + 64;
  if (self.receiver_ == nullptr) return;
  self.has_undurable_ = true;
  self.receiver_->OnMessage({.topic = message->topic,
                             .payload = {static_cast<const char*>(message->payload),
                                         static_cast<size_t>(message->payloadlen)},
                             .qos = message->qos,
                             .is_retained = message->retain});
}

arrow::Status Connection::CheckCode(int code, std::string_view what) const {
  if (code == MOSQ_ERR_SUCCESS) return arrow::Status::OK();
  const std::string reason =
      code == MOSQ_ERR_ERRNO ? std::strerror(errno) : mosquitto_strerror(code);
  return Unavailable(what, ", broker and reason: ", address(), ": ", reason);
}

arrow::Status Connection::Configure() {
  static std::once_flag is_initialised;
  std::call_once(is_initialised, [] { mosquitto_lib_init(); });
  client_ = mosquitto_new(options_.client_id.c_str(), options_.is_session_clean, this);
  CATCHWATER_CHECK(client_ != nullptr, "a client id is never empty and memory is there");
  mosquitto_threaded_set(client_, true);
  mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION,
                       options_.is_version_5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(client_, MOSQ_OPT_RECEIVE_MAXIMUM,
                       static_cast<int>(options_.receive_count_max));
  mosquitto_int_option(client_, MOSQ_OPT_SEND_MAXIMUM, static_cast<int>(options_.send_count_max));
  mosquitto_int_option(client_, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_v5_callback_set(client_, OnConnect);
  mosquitto_disconnect_v5_callback_set(client_, OnDisconnect);
  mosquitto_publish_v5_callback_set(client_, OnPublish);
  mosquitto_subscribe_v5_callback_set(client_, OnSubscribe);
  mosquitto_message_v5_callback_set(client_, OnMessageOf);
  if (!options_.user.empty()) {
    const char* password =
        options_.password.is_empty() ? nullptr : options_.password.Reveal().c_str();
    mosquitto_username_pw_set(client_, options_.user.c_str(), password);
  }
  if (!options_.has_tls) return arrow::Status::OK();
  const MqttTlsOptions& tls = options_.tls;
  const auto path = [](const std::string& text) { return text.empty() ? nullptr : text.c_str(); };
  const int code = mosquitto_tls_set(client_, path(tls.ca_path),
                                     tls.ca_path.empty() ? "/etc/ssl/certs" : nullptr,
                                     path(tls.certificate_path), path(tls.key_path), nullptr);
  if (code != MOSQ_ERR_SUCCESS) {
    return ConfigError("TLS files cannot be used, reason: ", mosquitto_strerror(code));
  }
  mosquitto_tls_opts_set(client_, /*cert_reqs=*/1, "tlsv1.2", nullptr);
  if (tls.is_insecure) mosquitto_tls_insecure_set(client_, true);
  return arrow::Status::OK();
}

arrow::Status Connection::Start() {
  mosquitto_property* properties = nullptr;
  if (options_.is_version_5 && !options_.is_session_clean) {
    mosquitto_property_add_int32(&properties, MQTT_PROP_SESSION_EXPIRY_INTERVAL,
                                 static_cast<uint32_t>(options_.session_expiry_s));
  }
  const int code =
      mosquitto_connect_bind_v5(client_, options_.host.c_str(), options_.port,
                                static_cast<int>(options_.keep_alive_s), nullptr, properties);
  mosquitto_property_free_all(&properties);
  return CheckCode(code, "Broker cannot be reached");
}

arrow::Status Connection::Refused() const {
  const std::string reason = options_.is_version_5 ? mosquitto_reason_string(connect_code_)
                                                   : mosquitto_connack_string(connect_code_);
  // 3.1.1: 1 version, 2 client id, 4 user or password, 5 not authorized. 5: 0x84 to 0x8A.
  const bool is_denied = options_.is_version_5 ? connect_code_ >= 0x84 && connect_code_ <= 0x8A &&
                                                     connect_code_ != 0x88
                                               : connect_code_ != 3;
  if (is_denied) {
    return Denied("Broker refused the connection, broker and reason: ", address(), ": ", reason);
  }
  return Unavailable("Broker refused the connection, broker and reason: ", address(), ": ", reason);
}

arrow::Status Connection::Open(const std::stop_token& stop) {
  ARROW_RETURN_NOT_OK(Configure());
  ARROW_RETURN_NOT_OK(Start());
  const int64_t deadline_ms = SteadyMs() + options_.connect_timeout_ms;
  while (!is_answered_) {
    if (stop.stop_requested()) return Cancelled("Connecting was stopped");
    if (SteadyMs() >= deadline_ms) {
      return Unavailable("Broker does not answer, broker: ", address());
    }
    ARROW_RETURN_NOT_OK(Write());
    const arrow::Status read = Read(kStepMs, /*byte_count_max=*/1).status();
    if (is_answered_ && connect_code_ != 0) break;
    ARROW_RETURN_NOT_OK(read);
  }
  return connect_code_ == 0 ? arrow::Status::OK() : Refused();
}

bool Connection::Poll(short events, int64_t wait_ms) const {
  auto* const tls = static_cast<SSL*>(mosquitto_ssl_get(client_));
  if (events == POLLIN && tls != nullptr && SSL_pending(tls) > 0) return true;
  struct pollfd entry = {.fd = mosquitto_socket(client_), .events = events, .revents = 0};
  if (entry.fd < 0) return false;
  return poll(&entry, 1, static_cast<int>(wait_ms)) > 0;
}

arrow::Result<int64_t> Connection::Read(int64_t wait_ms, int64_t byte_count_max) {
  bytes_delivered_ = 0;
  while (!is_lost_ && bytes_delivered_ < byte_count_max) {
    if (!Poll(POLLIN, wait_ms)) break;
    wait_ms = 0;
    const int code = mosquitto_loop_read(client_, 1);
    if (code != MOSQ_ERR_SUCCESS) return CheckCode(code, "Connection is lost");
  }
  if (refused_code_ != 0) {
    return Denied("Broker refused a message, broker and reason: ", address(), ": ",
                  mosquitto_reason_string(refused_code_));
  }
  if (mosquitto_socket(client_) < 0 || is_lost_) {
    return Unavailable("Connection is lost, broker and reason: ", address(), ": ",
                       mosquitto_strerror(lost_code_));
  }
  return bytes_delivered_;
}

arrow::Status Connection::Write() {
  if (has_undurable_) ARROW_RETURN_NOT_OK(receiver_->MakeDurable());
  has_undurable_ = false;
  ARROW_RETURN_NOT_OK(CheckCode(mosquitto_loop_misc(client_), "Connection is lost"));
  while (mosquitto_want_write(client_)) {
    if (!Poll(POLLOUT, 0)) break;
    ARROW_RETURN_NOT_OK(CheckCode(mosquitto_loop_write(client_, 1), "Connection is lost"));
  }
  return arrow::Status::OK();
}

arrow::Status Connection::AwaitSubscribed(const std::stop_token& stop) {
  ARROW_RETURN_NOT_OK(Write());
  int64_t heard_ms = SteadyMs();  // The answer stands behind messages: each is a sign of life.
  while (!is_subscribed_) {
    if (stop.stop_requested()) return Cancelled("Subscribing was stopped");
    if (receiver_ != nullptr && !receiver_->HasRoom()) {
      SystemClock().SleepMicros(kStepMs * 1'000, stop);
      heard_ms = SteadyMs();
    } else {
      ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, Read(kStepMs, kSubscribingBytes));
      if (byte_count > 0) heard_ms = SteadyMs();
    }
    ARROW_RETURN_NOT_OK(Write());
    if (!is_subscribed_ && SteadyMs() >= heard_ms + options_.connect_timeout_ms) {
      return Unavailable("Broker does not answer to SUBSCRIBE, broker: ", address());
    }
  }
  return arrow::Status::OK();
}

arrow::Status Connection::Subscribe(const std::vector<std::string>& topics, int qos,
                                    std::stop_token stop) {
  std::vector<char*> names;
  std::vector<std::string> copies = topics;
  for (std::string& topic : copies) names.push_back(topic.data());
  is_subscribed_ = false;
  // Version 5: what is retained comes once, not with every connection.
  const int code = mosquitto_subscribe_multiple(
      client_, nullptr, static_cast<int>(names.size()), names.data(), qos,
      options_.is_version_5 ? MQTT_SUB_OPT_SEND_RETAIN_NEW : 0, nullptr);
  ARROW_RETURN_NOT_OK(CheckCode(code, "Topics cannot be subscribed to"));
  ARROW_RETURN_NOT_OK(AwaitSubscribed(stop));
  for (size_t i = 0; i < granted_.size() && i < topics.size(); ++i) {
    if (granted_[i] < 0x80) continue;
    return Denied("Broker does not let this client read the topic, broker and topic: ", address(),
                  " ", topics[i]);
  }
  return arrow::Status::OK();
}

arrow::Status Connection::Publish(const MqttMessage& message) {
  mosquitto_property* properties = nullptr;
  if (options_.is_version_5 && !message.id.empty()) {
    mosquitto_property_add_string_pair(&properties, MQTT_PROP_USER_PROPERTY, "catchwater-id",
                                       std::string(message.id).c_str());
  }
  const int code =
      mosquitto_publish_v5(client_, nullptr, std::string(message.topic).c_str(),
                           static_cast<int>(message.payload.size()), message.payload.data(),
                           message.qos, message.is_retained, properties);
  mosquitto_property_free_all(&properties);
  if (code == MOSQ_ERR_INVAL || code == MOSQ_ERR_PAYLOAD_SIZE || code == MOSQ_ERR_MALFORMED_UTF8) {
    return BadData("Message cannot be published, topic and reason: ", message.topic, ": ",
                   mosquitto_strerror(code));
  }
  ARROW_RETURN_NOT_OK(CheckCode(code, "Message cannot be published"));
  ++outstanding_count_;
  return arrow::Status::OK();
}

void Connection::Disconnect() {
  if (!Write().ok()) return;
  mosquitto_disconnect_v5(client_, 0, nullptr);
  static_cast<void>(Write());
}

}  // namespace

arrow::Result<MqttUrl> ParseMqttUrl(std::string_view url) {
  ARROW_ASSIGN_OR_RAISE(const BrokerUrl parts, ParseBrokerUrl(url, "mqtt", 1883, 8883));
  if (!parts.path.empty()) {
    return ConfigError("`url` must be mqtt://host:port or mqtts://host:port, without a path");
  }
  return MqttUrl{.host = parts.host, .port = parts.port, .has_tls = parts.has_tls};
}

arrow::Result<std::unique_ptr<MqttConnection>> MqttConnection::Connect(const MqttOptions& options,
                                                                       MqttReceiver* receiver,
                                                                       std::stop_token stop) {
  auto connection = std::make_unique<Connection>(options, receiver);
  ARROW_RETURN_NOT_OK(connection->Open(stop));
  return std::unique_ptr<MqttConnection>(std::move(connection));
}

}  // namespace catchwater
