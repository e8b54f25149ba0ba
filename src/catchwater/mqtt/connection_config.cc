#include "catchwater/mqtt/connection_config.h"

#include <stop_token>

#include "catchwater/base/error.h"
#include "catchwater/io/store_path.h"

namespace catchwater {

arrow::Status MqttTlsConfig::Check() const {
  if (certificate.empty() == key.empty()) return arrow::Status::OK();
  return ConfigError("`certificate` and `key` go together");
}

arrow::Status MqttBrokerConfig::CheckBroker() const {
  ARROW_RETURN_NOT_OK(ParseMqttUrl(url).status());
  if (!password.is_empty() && user.empty()) return ConfigError("`password` needs `user`");
  return arrow::Status::OK();
}

arrow::Result<MqttOptions> MqttBrokerConfig::Options(const std::string& project_folder,
                                                     const std::string& usual_client_id) const {
  ARROW_RETURN_NOT_OK(CheckBroker());
  ARROW_ASSIGN_OR_RAISE(const MqttUrl place, ParseMqttUrl(url));
  MqttOptions options{.host = place.host, .port = place.port, .has_tls = place.has_tls};
  const auto resolved = [&](const std::string& path) {
    return path.empty() ? path : ResolvePath(project_folder, path);
  };
  options.tls = {.ca_path = resolved(tls.ca),
                 .certificate_path = resolved(tls.certificate),
                 .key_path = resolved(tls.key),
                 .is_insecure = tls.insecure};
  options.client_id = client_id.empty() ? usual_client_id : client_id;
  options.user = user;
  options.password = password;
  options.is_version_5 = protocol == MqttProtocol::k5;
  return options;
}

arrow::Status CheckMqttBroker(MqttOptions options, std::string_view place) {
  options.client_id += "-check";
  options.is_session_clean = true;
  const auto connected = MqttConnection::Connect(options, nullptr, std::stop_token());
  if (connected.ok()) {
    (*connected)->Disconnect();
    return arrow::Status::OK();
  }
  const bool is_denied = KindOf(connected.status()) == ErrorKind::kDenied;
  const std::string remedy = is_denied
                                 ? ".user` and `password`, and what the broker lets this user do"
                                 : ".url`, and that the broker runs";
  return MakeError(KindOf(connected.status()),
                   connected.status().message() + "; check `" + std::string(place) + remedy);
}

}  // namespace catchwater
