/// \file
/// HTTP and HTTPS requests: one exchange with a deadline and a bounded body. Retries are in
/// io/http_retry.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/security/secret.h"

namespace catchwater {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpSecretHeader {
  std::string name;
  Secret value;
};

struct HttpRequest {
  std::string method = "GET";
  /// http or https. User, password and query are left out of all messages.
  std::string url = {};
  std::vector<HttpHeader> headers = {};
  /// Sent to the URL's own host only, not to one that it redirects to.
  std::vector<HttpSecretHeader> secret_headers = {};
  std::string body = {};
  int64_t deadline_ms = 30'000;         ///< Of the exchange, name look-up to last byte.
  int64_t body_bytes_max = 16LL << 20;  ///< Of the answer, after decompression.
  int redirects_max = 0;                ///< 0: a redirect is the answer.
  bool may_compress = false;            ///< Asks for a compressed answer and unpacks it.
};

struct HttpResponse {
  int status = 0;
  std::vector<HttpHeader> headers = {};  ///< Names in lower case, in the order of the answer.
  std::string body = {};

  /// The first header of the name (lower case); empty if there is none.
  std::string_view Header(std::string_view name) const;
  bool is_success() const { return status >= 200 && status < 300; }
  /// Retry-After in milliseconds from now, of seconds or a date; at most a day.
  std::optional<int64_t> RetryAfterMs(int64_t now_us) const;
};

struct HttpTls {
  std::string ca_file = {};           ///< PEM; empty: the system's authorities.
  std::string certificate_file = {};  ///< PEM, of this client.
  std::string key_file = {};          ///< PEM.
  bool is_verified = true;            ///< False: any server may answer; for tests.
};

struct HttpClientOptions {
  HttpTls tls = {};
  int64_t connect_deadline_ms = 10'000;
  std::string user_agent = "catchwater";
};

/// Any thread. Connections are kept and used again.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  /// One exchange; every status is an answer. After an error other than kConfig it is not known
  /// whether the server did what was asked.
  /// \retval kConfig URL or TLS settings are wrong, or the server's certificate is refused
  /// \retval kUnavailable no connection, time is up, the answer was cut
  /// \retval kBadData the answer is longer than body_bytes_max; kCancelled
  virtual arrow::Result<HttpResponse> Send(const HttpRequest& request, std::stop_token stop) = 0;
  arrow::Result<HttpResponse> Send(const HttpRequest& request) { return Send(request, {}); }
};

/// Through libcurl.
std::unique_ptr<HttpClient> MakeHttpClient(HttpClientOptions options = {});

/// `Sun, 06 Nov 1994 08:49:37 GMT` in microseconds since 1970. Source: RFC 9110, section 5.6.7.
std::optional<int64_t> ParseHttpDate(const std::string& text);
/// Percent-encodes all but A-Z a-z 0-9 - . _ ~ and the bytes of `kept`.
std::string EncodeForUrl(std::string_view text, std::string_view kept = "");
/// The URL without user, password, query and fragment: what may be shown.
std::string ShownUrl(std::string_view url);

}  // namespace catchwater
