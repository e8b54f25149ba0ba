/// \file
/// Where a broker is: `mqtt://host:1883`, `amqps://host:5671/vhost`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

struct BrokerUrl {
  std::string host;
  uint16_t port = 0;
  bool has_tls = false;
  std::string path;  ///< Behind the host's slash, decoded; empty: none.
};

/// \param scheme without TLS, e.g. "mqtt"; with TLS it has an `s` behind it
/// \retval kConfig no such URL, or credentials in it; the message does not repeat them
arrow::Result<BrokerUrl> ParseBrokerUrl(std::string_view url, std::string_view scheme,
                                        uint16_t port, uint16_t tls_port);

}  // namespace catchwater
