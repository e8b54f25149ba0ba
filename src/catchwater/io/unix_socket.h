/// \file
/// Local stream sockets: how the verbs talk with a running program.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// One connection. One thread at a time. Reads and writes wait at most the timeout.
class UnixConnection {
 public:
  /// \retval kNotFound if nobody listens there
  static arrow::Result<std::unique_ptr<UnixConnection>> Connect(const std::string& path,
                                                                int64_t timeout_ms);
  ~UnixConnection();
  UnixConnection(const UnixConnection&) = delete;
  UnixConnection& operator=(const UnixConnection&) = delete;

  arrow::Status Write(std::string_view bytes);
  /// Reads up to a line end, which is left out. \retval kBadData if it is longer than the limit
  arrow::Result<std::string> ReadLine(size_t byte_count_max);
  /// Reads exactly so many bytes.
  arrow::Result<std::string> Read(size_t byte_count);

 private:
  friend class UnixListener;
  explicit UnixConnection(int descriptor) : descriptor_(descriptor) {}
  arrow::Status SetTimeout(int64_t timeout_ms);

  int descriptor_;
};

/// Listens at a path, mode 0600; removes the path in the end. One thread at a time.
class UnixListener {
 public:
  /// Takes over a path that a dead process left. \retval kAlreadyExists if somebody listens there;
  /// kConfig if the path is too long for a socket
  static arrow::Result<std::unique_ptr<UnixListener>> Listen(const std::string& path);
  ~UnixListener();
  UnixListener(const UnixListener&) = delete;
  UnixListener& operator=(const UnixListener&) = delete;

  /// Waits for a connection. \return null if none came in time
  arrow::Result<std::unique_ptr<UnixConnection>> Accept(int64_t wait_ms, int64_t timeout_ms);
  /// Ends a waiting Accept and all later ones at once. The one call that may be made beside Accept.
  void Interrupt();

 private:
  UnixListener(int descriptor, std::string path)
      : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;
  std::string path_;
};

}  // namespace catchwater
