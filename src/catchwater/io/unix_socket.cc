#include "catchwater/io/unix_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

arrow::Result<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return ConfigError("Path is too long for a socket, bytes at most: ",
                       sizeof(address.sun_path) - 1, ": ", path, "; use a shorter --data folder");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

const sockaddr* Plain(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // The layout that POSIX prescribes.
}

}  // namespace

arrow::Result<std::unique_ptr<UnixConnection>> UnixConnection::Connect(const std::string& path,
                                                                       int64_t timeout_ms) {
  ARROW_ASSIGN_OR_RAISE(const sockaddr_un address, AddressOf(path));
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Unavailable("Socket cannot be made: ", std::strerror(errno));
  std::unique_ptr<UnixConnection> connection(new UnixConnection(descriptor));
  if (connect(descriptor, Plain(address), sizeof(address)) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return NotFound("Nobody listens at: ", path);
    return Unavailable("Socket cannot be reached, reason and path: ", std::strerror(errno), ": ",
                       path);
  }
  ARROW_RETURN_NOT_OK(connection->SetTimeout(timeout_ms));
  return connection;
}

UnixConnection::~UnixConnection() { close(descriptor_); }

arrow::Status UnixConnection::SetTimeout(int64_t timeout_ms) {
  timeval limit{};
  limit.tv_sec = timeout_ms / 1000;
  limit.tv_usec = (timeout_ms % 1000) * 1000;
  for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO}) {
    if (setsockopt(descriptor_, SOL_SOCKET, option, &limit, sizeof(limit)) != 0) {
      return Unavailable("Socket takes no time limit: ", std::strerror(errno));
    }
  }
  return arrow::Status::OK();
}

arrow::Status UnixConnection::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return Unavailable("Socket cannot be written: ", std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return arrow::Status::OK();
}

arrow::Result<std::string> UnixConnection::Read(size_t byte_count) {
  std::string bytes(byte_count, '\0');
  size_t filled = 0;
  while (filled < byte_count) {
    const ssize_t got = recv(descriptor_, bytes.data() + filled, byte_count - filled, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unavailable("Socket cannot be read: ", std::strerror(errno));
    if (got == 0) return Unavailable("Socket was closed by the other side");
    filled += static_cast<size_t>(got);
  }
  return bytes;
}

arrow::Result<std::string> UnixConnection::ReadLine(size_t byte_count_max) {
  std::string line;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(const std::string next, Read(1));
    if (next[0] == '\n') return line;
    if (line.size() >= byte_count_max) {
      return BadData("Line is longer than allowed, bytes: ", byte_count_max);
    }
    line += next;
  }
}

arrow::Result<std::unique_ptr<UnixListener>> UnixListener::Listen(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const sockaddr_un address, AddressOf(path));
  if (UnixConnection::Connect(path, /*timeout_ms=*/1'000).ok()) {
    return AlreadyExists("Another process listens at: ", path);
  }
  unlink(path.c_str());  // Nobody listens: a dead process left it, or it is not there.
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return Unavailable("Socket cannot be made: ", std::strerror(errno));
  std::unique_ptr<UnixListener> listener(new UnixListener(descriptor, path));
  const bool is_bound = bind(descriptor, Plain(address), sizeof(address)) == 0 &&
                        chmod(path.c_str(), 0600) == 0 && listen(descriptor, 16) == 0;
  if (!is_bound) {
    return Unavailable("Socket cannot listen, reason and path: ", std::strerror(errno), ": ", path);
  }
  return listener;
}

UnixListener::~UnixListener() {
  close(descriptor_);
  unlink(path_.c_str());
}

void UnixListener::Interrupt() { shutdown(descriptor_, SHUT_RDWR); }

arrow::Result<std::unique_ptr<UnixConnection>> UnixListener::Accept(int64_t wait_ms,
                                                                    int64_t timeout_ms) {
  pollfd waiting{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const int ready = poll(&waiting, 1, static_cast<int>(wait_ms));
  if (ready <= 0) return nullptr;
  const int accepted = accept4(descriptor_, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted < 0) return nullptr;  // The other side went away again.
  std::unique_ptr<UnixConnection> connection(new UnixConnection(accepted));
  ARROW_RETURN_NOT_OK(connection->SetTimeout(timeout_ms));
  return connection;
}

}  // namespace catchwater
