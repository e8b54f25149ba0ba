#include "catchwater/io/broker_url.h"

#include <charconv>
#include <optional>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

/// `%2F` -> `/`; nothing if a `%` has no two digits behind it.
std::optional<std::string> Decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    unsigned value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + 2) return std::nullopt;
    decoded += static_cast<char>(value);
    i += 2;
  }
  return decoded;
}

}  // namespace

arrow::Result<BrokerUrl> ParseBrokerUrl(std::string_view url, std::string_view scheme,
                                        uint16_t port, uint16_t tls_port) {
  const auto refuse = [&](std::string_view why) {
    return ConfigError("`url` must be ", scheme, "://host:port or ", scheme, "s://host:port, ",
                       why);
  };
  BrokerUrl parts;
  const std::string plain = std::string(scheme) + "://";
  const std::string with_tls = std::string(scheme) + "s://";
  parts.has_tls = url.starts_with(with_tls);
  if (!parts.has_tls && !url.starts_with(plain)) return refuse("it begins with something else");
  url.remove_prefix(parts.has_tls ? with_tls.size() : plain.size());
  if (url.find('@') != url.npos) return refuse("user and password are options of their own");
  const size_t slash = url.find('/');
  if (slash != url.npos) {
    const auto path = Decoded(url.substr(slash + 1));
    if (!path) return refuse("a `%` has no two digits behind it");
    parts.path = *path;
    url = url.substr(0, slash);
  }
  parts.port = parts.has_tls ? tls_port : port;
  const size_t colon = url.rfind(':');
  const bool has_port = colon != url.npos && url.find(']', colon) == url.npos;
  std::string_view host = url.substr(0, has_port ? colon : url.npos);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return refuse("there is no host");
  parts.host = host;
  if (!has_port) return parts;
  const std::string_view digits = url.substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), parts.port);
  if (error != std::errc() || end != digits.data() + digits.size() || parts.port == 0) {
    return refuse("the port is no number from 1 to 65535");
  }
  return parts;
}

}  // namespace catchwater
