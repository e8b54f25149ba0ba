/// \file
/// An HTTP/1.1 server for small bodies that must be durable before they are answered. The listener
/// owns its one thread, although other rooms leave threads to `pipeline/`: it must go on answering
/// (429) while the pipeline is blocked.
///
/// Requests that are ready together are answered together: each is taken, then Settle is called
/// once (one fsync), then the answers are written.
///
/// Limits on everything: header, body, bytes of all bodies, connections, time for each part of the
/// exchange. What is over a limit is answered (408, 413, 429, 431, 503) and the connection closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

namespace catchwater {

struct HttpHead {
  std::string method;
  std::string path;    ///< Decoded no further: up to `?`.
  std::string query;   ///< Behind `?`, as sent.
  std::string remote;  ///< Address of the peer, without the port.
  std::vector<std::pair<std::string, std::string>> headers;  ///< In the order of sending.

  /// The first header of the name (any case), or null.
  const std::string* Find(std::string_view name) const;
};

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// A problem in the form of RFC 9457. The detail is text for people; it is escaped.
HttpAnswer HttpProblem(int status, std::string_view title, std::string_view detail);

/// Called on the listener's thread only.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Looks at the head before the body is read. \return the refusal, or nothing
  virtual std::optional<HttpAnswer> Admit(const HttpHead& head) = 0;
  /// Takes the request. What is returned is called after Settle and makes the answer.
  virtual std::function<HttpAnswer()> Take(HttpHead head, std::string body) = 0;
  virtual void Settle() = 0;
};

struct HttpListenerOptions {
  std::string host = "127.0.0.1";
  uint16_t port = 0;               ///< 0: any free one.
  std::string certificate_path{};  ///< PEM, with the chain; empty: no TLS.
  std::string key_path{};
  int64_t header_bytes_max = 16 << 10;
  int64_t body_bytes_max = 8 << 20;
  int64_t all_bodies_bytes_max = 64 << 20;  ///< Of bodies that are being read or wait.
  int64_t connection_count_max = 256;
  int64_t header_timeout_ms = 10'000;  ///< From a request's first byte on.
  int64_t body_timeout_ms = 30'000;
  int64_t idle_timeout_ms = 60'000;  ///< Between requests of a connection.
  int64_t drain_ms = 5'000;
};

/// Any thread.
class HttpListener {
 public:
  /// Binds the address; connections wait until Start.
  /// \retval kConfig the address or a TLS file cannot be used, with the reason
  static arrow::Result<std::unique_ptr<HttpListener>> Bind(HttpListenerOptions options);
  /// Stops.
  virtual ~HttpListener() = default;

  /// Begins to serve; the handler outlives the listener or its Stop.
  virtual void Start(HttpHandler& handler) = 0;
  /// Takes no more connections, finishes the requests that have begun (drain_ms), returns.
  virtual void Stop() = 0;
  virtual uint16_t port() const = 0;
};

}  // namespace catchwater
