#include "catchwater/testing/http_stub.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <sstream>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int kPollMs = 20;

/// Reads more from the connection. \return false at its end
bool ReadMore(int connection, std::string* bytes) {
  std::array<char, 65'536> part;
  const ssize_t got = ::recv(connection, part.data(), part.size(), 0);
  if (got <= 0) return false;
  bytes->append(part.data(), static_cast<size_t>(got));
  return true;
}

StubRequest ParseHead(const std::string& head) {
  StubRequest request;
  std::istringstream lines(head);
  std::string line;
  lines >> request.method >> request.target;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.find(':') != line.npos) {
    std::string name = line.substr(0, line.find(':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::string value = line.substr(line.find(':') + 1);
    while (!value.empty() && value.front() == ' ') value.erase(0, 1);
    while (!value.empty() && value.back() == '\r') value.pop_back();
    request.headers[name] = std::move(value);
  }
  return request;
}

void SendAll(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
}

}  // namespace

HttpStub::HttpStub(Handler handler) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  CATCHWATER_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0,
                   "loopback has a free port");
  CATCHWATER_CHECK(::listen(listener_, 16) == 0, "a bound socket listens");
  ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](const std::stop_token& stop) { Serve(stop); });
}

HttpStub::~HttpStub() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
}

std::vector<StubRequest> HttpStub::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpStub::Serve(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{.fd = listener_, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, kPollMs) <= 0) continue;
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    ServeOne(connection);
    ::close(connection);
  }
}

void HttpStub::ServeOne(int connection) {
  std::string bytes;
  while (bytes.find("\r\n\r\n") == bytes.npos) {
    if (!ReadMore(connection, &bytes)) return;
  }
  const size_t head_end = bytes.find("\r\n\r\n") + 4;
  StubRequest request = ParseHead(bytes.substr(0, head_end));
  const auto length = request.headers.find("content-length");
  const size_t body_bytes =
      length == request.headers.end() ? 0 : std::strtoul(length->second.c_str(), nullptr, 10);
  while (bytes.size() < head_end + body_bytes) {
    if (!ReadMore(connection, &bytes)) return;
  }
  request.body = bytes.substr(head_end, body_bytes);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  const StubReply reply = handler_(request);
  if (reply.is_silent) return;
  if (!reply.raw.empty()) return SendAll(connection, reply.raw);
  std::string text = "HTTP/1.1 " + std::to_string(reply.status) + " Scripted\r\n";
  for (const auto& [name, value] : reply.headers) text += name + ": " + value + "\r\n";
  if (!reply.headers.contains("Content-Length")) {
    const int64_t promised = static_cast<int64_t>(reply.body.size()) + reply.cut_bytes;
    text += "Content-Length: " + std::to_string(promised) + "\r\n";
  }
  text += "Connection: close\r\n\r\n";
  if (request.method != "HEAD") text += reply.body;
  SendAll(connection, text);
}

}  // namespace catchwater
