/// \file
/// How to reach a Kafka cluster: brokers, TLS, SASL, and a closed list of librdkafka's properties.
/// Shared by the source and the sink.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/status.h>

#include "catchwater/config/describe.h"
#include "catchwater/security/secret.h"

namespace catchwater {

enum class SaslMechanism { kPlain, kScramSha256, kScramSha512 };
constexpr auto EnumWords(SaslMechanism) {
  using Pair = std::pair<SaslMechanism, std::string_view>;
  return std::array{Pair{SaslMechanism::kPlain, "PLAIN"},
                    Pair{SaslMechanism::kScramSha256, "SCRAM-SHA-256"},
                    Pair{SaslMechanism::kScramSha512, "SCRAM-SHA-512"}};
}

struct KafkaTlsConfig {
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;
  Secret key_password;
  bool verify = true;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("ca_file", ca_file,
                   "Certificates of the authorities to trust, PEM. Default: the system's.",
                   Example{"/etc/ssl/kafka-ca.pem"});
    field.Optional("certificate_file", certificate_file, "Our own certificate, PEM.");
    field.Optional("key_file", key_file, "Key of our certificate, PEM.");
    field.Optional("key_password", key_password, "Password of the key.");
    field.Optional("verify", verify,
                   "Check the broker's certificate and host name. `false` lets anybody listen in.");
  }
  arrow::Status Check() const;
};

struct KafkaSaslConfig {
  SaslMechanism mechanism = SaslMechanism::kScramSha512;
  std::string user;
  Secret password;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("mechanism", mechanism, "How the password is proved.");
    field.Required("user", user, "Name of the user.", Example{"catchwater"});
    field.Required("password", password, "Password of the user.", Example{"\"${KAFKA_PASSWORD}\""});
  }
};

struct KafkaConnection {
  std::string brokers;
  std::optional<KafkaTlsConfig> tls;
  std::optional<KafkaSaslConfig> sasl;
  std::vector<std::pair<std::string, std::string>> properties;

  /// Describes the fields of a struct that holds a connection.
  template <class Visitor>
  void DescribeFields(Visitor& field) {
    field.Required("brokers", brokers, "Brokers to begin with, `host:port`, with commas between.",
                   Example{"localhost:9092"});
    field.Optional("tls", tls, "Encrypt the connection; `tls: {}` with the system's authorities.");
    field.Optional("sasl", sasl, "Log in with a user and a password.");
    field.Optional("properties", properties,
                   "Further properties of librdkafka, from a closed list (guide/kafka.md).",
                   Count{0, 50});
  }
  /// \retval kConfig for brokers that are no list of `host:port`, and for a property that is not in
  /// the list; the message names the option to use instead
  arrow::Status CheckConnection() const;
};

/// A topic's name: letters, digits, `.`, `_` and `-`, at most 249.
bool IsKafkaTopic(std::string_view name);

/// The properties that `properties` may set, sorted.
const std::vector<std::string>& KafkaPassThroughProperties();

}  // namespace catchwater
