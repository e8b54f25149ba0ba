/// \file
/// How to reach an MQTT broker: URL, user, TLS, version. Shared by the source, the sink and
/// `simulate`.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/result.h>

#include "catchwater/config/describe.h"
#include "catchwater/io/mqtt_connection.h"
#include "catchwater/security/secret.h"

namespace catchwater {

enum class MqttProtocol { k311, k5 };
constexpr auto EnumWords(MqttProtocol) {
  using Pair = std::pair<MqttProtocol, std::string_view>;
  return std::array{Pair{MqttProtocol::k311, "3.1.1"}, Pair{MqttProtocol::k5, "5"}};
}

struct MqttTlsConfig {
  std::string ca;
  std::string certificate;
  std::string key;
  bool insecure = false;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("ca", ca,
                   "PEM file of who signs the broker's certificate. Default: the system's.",
                   Example{"tls/ca.crt"});
    field.Optional("certificate", certificate, "PEM file of this client's certificate.");
    field.Optional("key", key, "PEM file of its private key.");
    field.Optional("insecure", insecure, "Do not compare the broker's name with its certificate.");
  }
  arrow::Status Check() const;
};

struct MqttBrokerConfig {
  std::string url;
  MqttProtocol protocol = MqttProtocol::k311;
  std::string client_id;
  std::string user;
  Secret password;
  MqttTlsConfig tls;

  /// Describes the fields of a struct that holds a connection.
  template <class Visitor>
  void DescribeFields(Visitor& field) {
    field.Required("url", url, "The broker: `mqtt://host:1883`, with TLS `mqtts://host:8883`.",
                   Example{"mqtt://localhost:1883"});
    field.Optional("protocol", protocol, "Version of MQTT.");
    field.Optional("client_id", client_id,
                   "Name of the session at the broker; two clients of a name throw each other out. "
                   "Default: `catchwater-` and the pipeline's name, of a sink its own name too.");
    field.Optional("user", user, "User at the broker.");
    field.Optional("password", password, "Its password.", Example{"${MQTT_PASSWORD}"});
    field.Optional("tls", tls, "Certificates, for `mqtts`.");
  }
  /// \retval kConfig no such URL, or a password without a user
  arrow::Status CheckBroker() const;
  /// \param project_folder where relative paths of certificates begin
  /// \param usual_client_id used when `client_id` is empty
  arrow::Result<MqttOptions> Options(const std::string& project_folder,
                                     const std::string& usual_client_id) const;
};

/// Connects once under another client id. \param place of the settings, e.g. "source.mqtt"
/// \retval kDenied, kUnavailable naming the option
arrow::Status CheckMqttBroker(MqttOptions options, std::string_view place);

}  // namespace catchwater
