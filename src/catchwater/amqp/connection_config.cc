#include "catchwater/amqp/connection_config.h"

#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/io/broker_url.h"
#include "catchwater/io/store_path.h"

namespace catchwater {

arrow::Status AmqpTlsConfig::Check() const {
  if (certificate.empty() == key.empty()) return arrow::Status::OK();
  return ConfigError("`certificate` and `key` go together");
}

arrow::Status AmqpBrokerConfig::CheckBroker() const {
  return ParseBrokerUrl(url, "amqp", 5672, 5671).status();
}

arrow::Result<AmqpOptions> AmqpBrokerConfig::Options(const std::string& project_folder,
                                                     std::string name) const {
  ARROW_ASSIGN_OR_RAISE(const BrokerUrl place, ParseBrokerUrl(url, "amqp", 5672, 5671));
  AmqpOptions options{.host = place.host,
                      .port = place.port,
                      .vhost = place.path.empty() ? "/" : place.path,
                      .has_tls = place.has_tls,
                      .tls = tls,
                      .user = user,
                      .password = password,
                      .heartbeat_s = static_cast<int>(heartbeat.ms / 1'000),
                      .name = std::move(name)};
  for (std::string* path : {&options.tls.ca, &options.tls.certificate, &options.tls.key}) {
    if (!path->empty()) *path = ResolvePath(project_folder, *path);
  }
  return options;
}

}  // namespace catchwater
