// Requests through libcurl: a handle per exchange, taken from a pool so that its connections live
// on.

#include "catchwater/io/http_client.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <mutex>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kIdleHandlesMax = 8;
constexpr size_t kHeaderBytesMax = 256 << 10;
constexpr int64_t kRetryAfterMsMax = 86'400'000;
constexpr long kStallSeconds = 60;  // NOLINT: libcurl's type.

struct CurlCleanup {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using Handle = std::unique_ptr<CURL, CurlCleanup>;

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  return text;
}

/// `scheme://host:port` without user and password.
std::string OriginOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  const size_t end = std::min(url.find_first_of("/?#", scheme + 3), url.size());
  std::string_view host = url.substr(scheme + 3, end - scheme - 3);
  if (const size_t at = host.rfind('@'); at != host.npos) host.remove_prefix(at + 1);
  return Lower(std::string(url.substr(0, scheme + 3)) + std::string(host));
}

/// Addresses of this machine and of networks behind it.
bool IsPrivate(const sockaddr* address) {
  uint32_t v4 = 0;
  if (address->sa_family == AF_INET) {
    v4 = ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
  } else if (address->sa_family == AF_INET6) {
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
      return IN6_IS_ADDR_LOOPBACK(&v6) || IN6_IS_ADDR_LINKLOCAL(&v6) ||
             IN6_IS_ADDR_UNSPECIFIED(&v6) || (v6.s6_addr[0] & 0xfe) == 0xfc;
    }
    v4 = static_cast<uint32_t>(v6.s6_addr[12]) << 24 | static_cast<uint32_t>(v6.s6_addr[13]) << 16 |
         static_cast<uint32_t>(v6.s6_addr[14]) << 8 | v6.s6_addr[15];
  } else {
    return true;
  }
  return v4 >> 24 == 127 || v4 >> 24 == 10 || v4 >> 24 == 0 || v4 >> 16 == 0xa9fe ||
         v4 >> 16 == 0xc0a8 || v4 >> 20 == 0xac1;
}

/// What the callbacks of one exchange fill.
struct Exchange {
  HttpResponse response;
  int64_t body_bytes_max = 0;
  size_t header_bytes = 0;
  bool is_too_long = false;
  bool must_be_public = false;
  bool is_private = false;
  bool was_private = false;
  std::stop_token stop;
};

size_t OnBody(const char* bytes, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const size_t byte_count = size * count;
  if (static_cast<int64_t>(exchange.response.body.size() + byte_count) > exchange.body_bytes_max) {
    exchange.is_too_long = true;
    return CURL_WRITEFUNC_ERROR;
  }
  exchange.response.body.append(bytes, byte_count);
  return byte_count;
}

size_t OnHeader(const char* bytes, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view line(bytes, size * count);
  exchange.header_bytes += line.size();
  if (exchange.header_bytes > kHeaderBytesMax) {
    exchange.is_too_long = true;
    return 0;
  }
  if (line.starts_with("HTTP/")) exchange.response.headers.clear();  // After a 100 Continue.
  const size_t colon = line.find(':');
  if (colon != line.npos) {
    exchange.response.headers.push_back(
        {Lower(line.substr(0, colon)), std::string(Trim(line.substr(colon + 1)))});
  }
  return line.size();
}

int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(context)->stop.stop_requested() ? 1 : 0;
}

curl_socket_t OnOpenSocket(void* context, curlsocktype, curl_sockaddr* address) {
  auto& exchange = *static_cast<Exchange*>(context);
  const bool is_private = IsPrivate(&address->addr);
  exchange.was_private = exchange.was_private || is_private;
  if (is_private && exchange.must_be_public) {
    exchange.is_private = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

arrow::Status ErrorOf(CURLcode code, const char* detail, const HttpRequest& request,
                      const Exchange& exchange) {
  const std::string url = ShownUrl(request.url);
  if (exchange.is_too_long) {
    return BadData("Answer is longer than it may be, limit in bytes and URL: ",
                   request.body_bytes_max, " ", url);
  }
  if (exchange.is_private) {
    return Denied("Redirect leads from a public to a private address and is not followed, URL: ",
                  url);
  }
  // libcurl says "unsupported protocol" of an answer that is no HTTP, too.
  const bool is_http = request.url.starts_with("http://") || request.url.starts_with("https://");
  if (!is_http || code == CURLE_URL_MALFORMAT) {
    return ConfigError("URL is not one of http or https: ", url);
  }
  const std::string reason = *detail != '\0' ? detail : curl_easy_strerror(code);
  switch (code) {
    case CURLE_ABORTED_BY_CALLBACK:
      return Cancelled("Request was given up: the program stops, URL: ", url);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return ConfigError(
          "TLS: the certificate is refused; name the authority in `tls.ca_file`, "
          "URL and reason: ",
          url, ": ", MaskSecrets(reason));
    default:
      return Unavailable("No answer over HTTP, URL and reason: ", url, ": ", MaskSecrets(reason));
  }
}

class CurlHeaders {
 public:
  CurlHeaders() = default;
  ~CurlHeaders() { curl_slist_free_all(list_); }
  CurlHeaders(const CurlHeaders&) = delete;
  CurlHeaders& operator=(const CurlHeaders&) = delete;

  /// \retval kConfig if the header would end early and begin another
  arrow::Status Add(const std::string& name, const std::string& value) {
    const auto breaks = [](const std::string& text) {
      return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
    };
    if (name.empty() || breaks(name) || breaks(value)) {
      return ConfigError("Header has a line break or no name: ", name);
    }
    // libcurl leaves out a header whose value is empty, unless it ends in a semicolon.
    Append(value.empty() ? name + ";" : name + ": " + value);
    return arrow::Status::OK();
  }
  void Append(const std::string& line) { list_ = curl_slist_append(list_, line.c_str()); }
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

class CurlClient final : public HttpClient {
 public:
  explicit CurlClient(HttpClientOptions options) : options_(std::move(options)) {}

  arrow::Result<HttpResponse> Send(const HttpRequest& request, std::stop_token stop) override {
    ARROW_ASSIGN_OR_RAISE(Handle handle, TakeHandle());
    HttpRequest step;  // After a redirect.
    bool must_be_public = false;
    for (int redirects = 0;; ++redirects) {
      const HttpRequest& current = redirects == 0 ? request : step;
      Exchange exchange;
      exchange.body_bytes_max = request.body_bytes_max;
      exchange.stop = stop;
      exchange.must_be_public = must_be_public;
      ARROW_RETURN_NOT_OK(Perform(handle.get(), current, &exchange));
      const std::string target = RedirectOf(handle.get(), exchange.response.status);
      if (target.empty() || request.redirects_max == 0) {
        GiveBack(std::move(handle));
        return std::move(exchange.response);
      }
      if (redirects >= request.redirects_max) {
        return BadData("Too many redirects, limit and URL: ", request.redirects_max, " ",
                       ShownUrl(request.url));
      }
      if (redirects == 0) step = request;
      Redirect(target, exchange.response.status, &step);
      if (OriginOf(target) != OriginOf(request.url)) {
        step.secret_headers.clear();
        must_be_public = must_be_public || !exchange.was_private;
        // A kept connection would not be asked for its address again.
        curl_easy_setopt(handle.get(), CURLOPT_FRESH_CONNECT, 1L);
      }
    }
  }

 private:
  static std::string RedirectOf(CURL* handle, int status) {
    if (status < 300 || status > 399) return {};
    const char* target = nullptr;
    curl_easy_getinfo(handle, CURLINFO_REDIRECT_URL, &target);
    return target == nullptr ? std::string() : std::string(target);
  }

  static void Redirect(const std::string& target, int status, HttpRequest* step) {
    step->url = target;
    const bool becomes_get =
        status == 303 || ((status == 301 || status == 302) && step->method == "POST");
    if (!becomes_get) return;
    step->method = "GET";
    step->body.clear();
  }

  arrow::Result<Handle> TakeHandle() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        Handle handle = std::move(idle_.back());
        idle_.pop_back();
        return handle;
      }
    }
    Handle handle(curl_easy_init());
    if (handle == nullptr) return Internal("libcurl gives no handle");
    return handle;
  }

  // After an error the connection's state is not known: such a handle is not given back.
  void GiveBack(Handle handle) {
    curl_easy_reset(handle.get());  // Connections and sessions stay.
    const std::lock_guard lock(mutex_);
    if (idle_.size() < kIdleHandlesMax) idle_.push_back(std::move(handle));
  }

  arrow::Status Perform(CURL* handle, const HttpRequest& request, Exchange* exchange) {
    char detail[CURL_ERROR_SIZE] = "";
    CurlHeaders headers;
    for (const HttpHeader& header : request.headers) {
      ARROW_RETURN_NOT_OK(headers.Add(header.name, header.value));
    }
    for (const HttpSecretHeader& header : request.secret_headers) {
      ARROW_RETURN_NOT_OK(headers.Add(header.name, header.value.Reveal()));
    }
    headers.Append("Expect:");  // Waiting for a 100 Continue costs a second at servers without it.
    const bool has_type = std::ranges::any_of(request.headers, [](const HttpHeader& header) {
      return Lower(header.name) == "content-type";
    });
    if (!has_type) headers.Append("Content-Type:");
    SetOptions(handle, request, exchange, headers.get(), detail);
    SetTls(handle);
    const CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) return ErrorOf(code, detail, request, *exchange);
    long status = 0;  // NOLINT: libcurl's type.
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    exchange->response.status = static_cast<int>(status);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, nullptr);
    return arrow::Status::OK();
  }

  void SetOptions(CURL* handle, const HttpRequest& request, Exchange* exchange, curl_slist* headers,
                  char* detail) const {
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L);  // A signature covers the path as it is.
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_USERAGENT, options_.user_agent.c_str());
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(request.deadline_ms));
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(options_.connect_deadline_ms));
    // A line that went dead without a word ends before a long deadline does.
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
    curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, exchange);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, &OnOpenSocket);
    curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, exchange);
    curl_easy_setopt(handle, CURLOPT_ACCEPT_ENCODING, request.may_compress ? "" : nullptr);
    SetMethod(handle, request);
  }

  static void SetMethod(CURL* handle, const HttpRequest& request) {
    const bool is_head = request.method == "HEAD";
    const bool has_body =
        !request.body.empty() || request.method == "PUT" || request.method == "POST";
    curl_easy_setopt(handle, CURLOPT_NOBODY, 0L);
    curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L);
    if (has_body) {
      curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request.body.data());
      curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
    }
    if (is_head) curl_easy_setopt(handle, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, is_head ? nullptr : request.method.c_str());
  }

  void SetTls(CURL* handle) const {
    const HttpTls& tls = options_.tls;
    curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, tls.is_verified ? 1L : 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, tls.is_verified ? 2L : 0L);
    if (!tls.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, tls.ca_file.c_str());
    if (!tls.certificate_file.empty()) {
      curl_easy_setopt(handle, CURLOPT_SSLCERT, tls.certificate_file.c_str());
    }
    if (!tls.key_file.empty()) curl_easy_setopt(handle, CURLOPT_SSLKEY, tls.key_file.c_str());
  }

  const HttpClientOptions options_;
  std::mutex mutex_;  // Guards what follows.
  std::vector<Handle> idle_;
};

}  // namespace

std::string_view HttpResponse::Header(std::string_view name) const {
  const auto found = std::ranges::find(headers, name, &HttpHeader::name);
  return found == headers.end() ? std::string_view() : std::string_view(found->value);
}

std::optional<int64_t> HttpResponse::RetryAfterMs(int64_t now_us) const {
  const std::string_view text = Header("retry-after");
  if (text.empty()) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) {
    const auto date_us = ParseHttpDate(std::string(text));
    if (!date_us) return std::nullopt;
    seconds = (*date_us - now_us) / 1'000'000;
  }
  if (seconds <= 0) return 0;
  return seconds > kRetryAfterMsMax / 1'000 ? kRetryAfterMsMax : seconds * 1'000;
}

std::optional<int64_t> ParseHttpDate(const std::string& text) {
  const time_t date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  return static_cast<int64_t>(date) * 1'000'000;
}

std::unique_ptr<HttpClient> MakeHttpClient(HttpClientOptions options) {
  return std::make_unique<CurlClient>(std::move(options));
}

std::string EncodeForUrl(std::string_view text, std::string_view kept) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (byte < 0x80 && std::isalnum(byte) != 0) || c == '-' || c == '.' ||
                          c == '_' || c == '~' || kept.find(c) != kept.npos;
    if (is_plain) {
      encoded.push_back(c);
    } else {
      encoded.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return encoded;
}

std::string ShownUrl(std::string_view url) {
  const std::string origin = OriginOf(url);
  if (origin.empty()) return std::string(url.substr(0, url.find_first_of("?#@")));
  const size_t path = std::min(url.find_first_of("/?#", url.find("://") + 3), url.size());
  const std::string_view rest = url.substr(path);
  return origin + std::string(rest.substr(0, std::min(rest.find_first_of("?#"), rest.size())));
}

}  // namespace catchwater
