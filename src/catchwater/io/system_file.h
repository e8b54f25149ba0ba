/// \file
/// An open file of the operating system: owns the descriptor, retries interrupted calls, completes
/// short ones, and keeps errno in the status.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <arrow/result.h>

namespace catchwater {

/// Reads may come from any thread; writes and Close from one at a time.
class SystemFile {
 public:
  SystemFile() = default;
  ~SystemFile();
  SystemFile(SystemFile&& other) noexcept;
  SystemFile& operator=(SystemFile&& other) noexcept;

  /// Creates a file that must not exist, for writing. \retval kAlreadyExists, kDenied, kUnavailable
  static arrow::Result<SystemFile> CreateNew(const std::string& path);
  /// \retval kNotFound, kDenied
  static arrow::Result<SystemFile> OpenInput(const std::string& path);
  static arrow::Result<SystemFile> OpenDirectory(const std::string& path);

  /// Returns fewer bytes than asked only at the end of the file.
  arrow::Result<int64_t> ReadAt(int64_t offset, int64_t byte_count, void* out) const;
  arrow::Status Append(std::string_view bytes);
  /// Makes bytes and size durable.
  arrow::Status Sync();
  arrow::Result<int64_t> ByteCount() const;
  /// Hints for the page cache; failures do not matter.
  void WillReadInOrder() const;
  void WillNeed(int64_t offset, int64_t byte_count) const;
  arrow::Status Close();

  bool is_open() const { return descriptor_ >= 0; }
  const std::string& path() const { return path_; }

 private:
  SystemFile(int descriptor, std::string path);

  int descriptor_ = -1;
  std::string path_;
};

}  // namespace catchwater
