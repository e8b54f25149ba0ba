/// \file
/// An HTTP/1.1 server on loopback that answers as a test says: also late, cut short or not at all.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace catchwater {

struct StubRequest {
  std::string method;
  std::string target;                          ///< Path and query as sent.
  std::map<std::string, std::string> headers;  ///< By name in lower case.
  std::string body;
};

struct StubReply {
  int status = 200;
  std::map<std::string, std::string> headers = {};
  std::string body = {};
  /// Promised by Content-Length but not sent: the connection ends before.
  int64_t cut_bytes = 0;
  std::string raw = {};    ///< Not empty: sent as it is, instead of all else.
  bool is_silent = false;  ///< The connection ends without an answer.
};

/// One connection at a time, one request a connection. Any thread.
class HttpStub {
 public:
  using Handler = std::function<StubReply(const StubRequest&)>;

  explicit HttpStub(Handler handler);
  ~HttpStub();
  HttpStub(const HttpStub&) = delete;
  HttpStub& operator=(const HttpStub&) = delete;

  /// `http://127.0.0.1:<port>`
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::vector<StubRequest> requests() const;

 private:
  void Serve(const std::stop_token& stop);
  void ServeOne(int connection);

  const Handler handler_;
  int listener_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::vector<StubRequest> requests_;  // Guarded by mutex_.
  std::jthread thread_;
};

}  // namespace catchwater
