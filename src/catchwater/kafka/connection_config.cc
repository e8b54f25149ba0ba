#include "catchwater/kafka/connection_config.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "catchwater/base/error.h"
#include "catchwater/config/diagnostic.h"

namespace catchwater {
namespace {

/// Properties that are ours to set, and what to use instead.
const std::map<std::string_view, std::string_view> kOwned = {
    {"auto.offset.reset", "`start`"},
    {"bootstrap.servers", "`brokers`"},
    {"enable.auto.commit", "nothing: positions are kept in the ledger"},
    {"enable.idempotence", "nothing: it is always on"},
    {"group.id", "`group`"},
    {"isolation.level", "nothing: only committed records are read"},
    {"metadata.broker.list", "`brokers`"},
    {"sasl.mechanism", "`sasl.mechanism`"},
    {"sasl.mechanisms", "`sasl.mechanism`"},
    {"sasl.password", "`sasl.password`"},
    {"sasl.username", "`sasl.user`"},
    {"security.protocol", "`tls` and `sasl`"},
    {"ssl.ca.location", "`tls.ca_file`"},
    {"ssl.certificate.location", "`tls.certificate_file`"},
    {"ssl.key.location", "`tls.key_file`"},
    {"ssl.key.password", "`tls.key_password`"},
};

bool IsHostAndPort(std::string_view broker) {
  const size_t colon = broker.rfind(':');
  if (colon == broker.npos || colon == 0) return false;
  int port = 0;
  const char* const end = broker.data() + broker.size();
  const auto [rest, error] = std::from_chars(broker.data() + colon + 1, end, port);
  return error == std::errc() && rest == end && port > 0 && port <= 65'535;
}

}  // namespace

bool IsKafkaTopic(std::string_view name) {
  return !name.empty() && name.size() <= 249 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

const std::vector<std::string>& KafkaPassThroughProperties() {
  static const std::vector<std::string> kNames = {"batch.num.messages",
                                                  "batch.size",
                                                  "broker.address.family",
                                                  "check.crcs",
                                                  "client.id",
                                                  "client.rack",
                                                  "compression.codec",
                                                  "compression.level",
                                                  "compression.type",
                                                  "connections.max.idle.ms",
                                                  "delivery.timeout.ms",
                                                  "fetch.max.bytes",
                                                  "fetch.message.max.bytes",
                                                  "fetch.min.bytes",
                                                  "fetch.queue.backoff.ms",
                                                  "fetch.wait.max.ms",
                                                  "group.instance.id",
                                                  "heartbeat.interval.ms",
                                                  "linger.ms",
                                                  "max.partition.fetch.bytes",
                                                  "max.poll.interval.ms",
                                                  "message.max.bytes",
                                                  "message.timeout.ms",
                                                  "metadata.max.age.ms",
                                                  "queue.buffering.max.kbytes",
                                                  "queue.buffering.max.messages",
                                                  "queue.buffering.max.ms",
                                                  "queued.max.messages.kbytes",
                                                  "queued.min.messages",
                                                  "receive.message.max.bytes",
                                                  "reconnect.backoff.max.ms",
                                                  "reconnect.backoff.ms",
                                                  "request.timeout.ms",
                                                  "retries",
                                                  "retry.backoff.ms",
                                                  "session.timeout.ms",
                                                  "socket.connection.setup.timeout.ms",
                                                  "socket.keepalive.enable",
                                                  "socket.nagle.disable",
                                                  "socket.receive.buffer.bytes",
                                                  "socket.send.buffer.bytes",
                                                  "socket.timeout.ms",
                                                  "ssl.cipher.suites",
                                                  "ssl.curves.list",
                                                  "topic.metadata.refresh.interval.ms"};
  return kNames;
}

arrow::Status KafkaTlsConfig::Check() const {
  if (certificate_file.empty() != key_file.empty()) {
    return ConfigError("`certificate_file` and `key_file` go together; one of them is missing");
  }
  return arrow::Status::OK();
}

arrow::Status KafkaConnection::CheckConnection() const {
  std::string_view rest = brokers;
  while (true) {
    const size_t comma = rest.find(',');
    std::string_view broker = rest.substr(0, comma);
    while (broker.starts_with(' ')) broker.remove_prefix(1);
    if (!IsHostAndPort(broker)) {
      return ConfigError(
          "`brokers` is a list of `host:port`, e.g. `localhost:9092`; this is none: ", broker);
    }
    if (comma == rest.npos) break;
    rest.remove_prefix(comma + 1);
  }
  const auto& known = KafkaPassThroughProperties();
  for (const auto& [name, value] : properties) {
    if (std::binary_search(known.begin(), known.end(), name)) continue;
    if (const auto owned = kOwned.find(name); owned != kOwned.end()) {
      return ConfigError("property `", name, "` is not set here; use ", owned->second);
    }
    const std::string_view near = Nearest(name, known);
    return ConfigError("property `", name, "` is not in the list of those that may be set",
                       near.empty() ? "" : "; did you mean `" + std::string(near) + "`?");
  }
  return arrow::Status::OK();
}

}  // namespace catchwater
