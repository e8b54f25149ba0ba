/// \file
/// How to reach an AMQP 0.9.1 broker: URL, user, TLS. Shared by the source, the sink and
/// `simulate`.
#pragma once

#include <cstdint>
#include <string>

#include <arrow/result.h>

#include "catchwater/config/describe.h"
#include "catchwater/security/secret.h"

namespace catchwater {

struct AmqpTlsConfig {
  std::string ca;
  std::string certificate;
  std::string key;
  bool verify = true;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("ca", ca,
                   "PEM file of who signs the broker's certificate. Default: the system's.",
                   Example{"tls/ca.crt"});
    field.Optional("certificate", certificate, "PEM file of this client's certificate.");
    field.Optional("key", key, "PEM file of its private key.");
    field.Optional("verify", verify,
                   "Check the broker's certificate and host name. `false` lets anybody listen in.");
  }
  arrow::Status Check() const;
};

/// Resolved: what a connection needs.
struct AmqpOptions {
  std::string host = "localhost";
  uint16_t port = 5672;
  std::string vhost = "/";
  bool has_tls = false;
  AmqpTlsConfig tls{};
  std::string user = "guest";
  Secret password = Secret("guest");
  int heartbeat_s = 30;
  int64_t timeout_ms = 10'000;  ///< To connect, and for an answer.
  std::string name{};           ///< As the broker's operators see the connection.

  std::string Address() const { return host + ":" + std::to_string(port); }
};

struct AmqpBrokerConfig {
  std::string url;
  std::string user = "guest";
  Secret password = Secret("guest");
  AmqpTlsConfig tls;
  Duration heartbeat = Duration::Seconds(30);

  /// Describes the fields of a struct that holds a connection.
  template <class Visitor>
  void DescribeFields(Visitor& field) {
    field.Required("url", url,
                   "The broker: `amqp://host:5672`, with TLS `amqps://host:5671`; behind it the "
                   "virtual host, `amqp://host:5672/factory`.",
                   Example{"amqp://localhost:5672"});
    field.Optional("user", user, "User at the broker.");
    field.Optional("password", password, "Its password. Default: `guest`, as brokers have it.",
                   Example{"${AMQP_PASSWORD}"});
    field.Optional("tls", tls, "Certificates, for `amqps`.");
    field.Optional("heartbeat", heartbeat, "A broker that is silent for longer is gone.",
                   Bounds{Duration::Seconds(2), Duration::Hours(1)});
  }
  /// \retval kConfig no such URL
  arrow::Status CheckBroker() const;
  /// \param project_folder where relative paths of certificates begin
  arrow::Result<AmqpOptions> Options(const std::string& project_folder, std::string name) const;
};

}  // namespace catchwater
