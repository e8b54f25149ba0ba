/// \file
/// One connection to an MQTT broker, 3.1.1 or 5, driven by its owner: nothing is read or written
/// but in the calls that say so.
///
/// Invariant: no acknowledgement leaves before MqttReceiver::MakeDurable has succeeded after the
/// message was delivered. If it fails, nothing is written any more.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/security/secret.h"

namespace catchwater {

struct MqttTlsOptions {
  std::string ca_path{};           ///< PEM file, or empty: the system's.
  std::string certificate_path{};  ///< Of this client, or empty.
  std::string key_path{};
  bool is_insecure = false;  ///< The broker's name is not compared with its certificate.
};

struct MqttOptions {
  std::string host = "localhost";
  uint16_t port = 1883;
  bool has_tls = false;
  MqttTlsOptions tls{};
  std::string client_id{};
  std::string user{};
  Secret password{};
  bool is_version_5 = false;
  bool is_session_clean = true;
  int64_t session_expiry_s = 604'800;  ///< Version 5: how long the broker keeps the session.
  int64_t keep_alive_s = 30;
  int64_t receive_count_max = 1'000;  ///< Version 5: messages that may wait for their PUBACK.
  int64_t send_count_max = 1'000;
  int64_t connect_timeout_ms = 10'000;
};

/// Of `mqtt://host:1883` or `mqtts://host:8883`; the ports are the defaults.
struct MqttUrl {
  std::string host;
  uint16_t port = 0;
  bool has_tls = false;
};
/// \retval kConfig no such URL, or credentials in it
arrow::Result<MqttUrl> ParseMqttUrl(std::string_view url);

struct MqttMessage {
  std::string_view topic;
  std::string_view payload;
  int qos = 0;
  bool is_retained = false;
  /// To send, version 5: the user property `catchwater-id`; empty: none.
  std::string_view id{};
};

/// What is done with messages; on the connection's thread, during its calls.
class MqttReceiver {
 public:
  virtual ~MqttReceiver() = default;
  virtual void OnMessage(const MqttMessage& message) = 0;
  /// False: no message can be taken now.
  virtual bool HasRoom() = 0;
  /// Called before anything is written, when messages came since the last time.
  virtual arrow::Status MakeDurable() = 0;
};

/// One thread at a time. Destroying it closes the socket and writes nothing: what was not
/// acknowledged is sent again by the broker, if it keeps the session.
class MqttConnection {
 public:
  /// Connects and waits for the broker's answer. receiver: null for a connection that only sends.
  /// \retval kDenied the broker refused user, password or client id \retval kUnavailable
  /// \retval kConfig a TLS file cannot be used
  static arrow::Result<std::unique_ptr<MqttConnection>> Connect(const MqttOptions& options,
                                                                MqttReceiver* receiver,
                                                                std::stop_token stop);
  virtual ~MqttConnection() = default;

  /// The broker knew the session: its subscriptions are there.
  virtual bool is_session_present() const = 0;
  /// Subscribes and waits for the answer. Messages are delivered and acknowledged meanwhile, while
  /// the receiver has room: a broker sends first what was in flight of the session, any amount.
  /// \retval kDenied the broker refused a topic \retval kCancelled stop was requested
  virtual arrow::Status Subscribe(const std::vector<std::string>& topics, int qos,
                                  std::stop_token stop) = 0;

  /// Waits up to wait_ms for something to arrive and delivers what is there, up to about
  /// byte_count_max of payloads. \return how many bytes, about
  /// \retval kUnavailable the connection is lost
  virtual arrow::Result<int64_t> Read(int64_t wait_ms, int64_t byte_count_max) = 0;
  /// Writes acknowledgements, messages and pings that are due; waits for nothing but MakeDurable.
  virtual arrow::Status Write() = 0;

  /// Takes a message to send by the next Writes. Of QoS 1 it is outstanding until the PUBACK.
  virtual arrow::Status Publish(const MqttMessage& message) = 0;
  virtual int64_t outstanding_count() const = 0;

  /// Acknowledges what was delivered and says good-bye.
  virtual void Disconnect() = 0;
};

}  // namespace catchwater
