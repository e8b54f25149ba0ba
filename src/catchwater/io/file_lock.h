/// \file
/// A folder or file that one process at a time may have. Local disk only.
#pragma once

#include <string>

#include <arrow/result.h>

namespace catchwater {

/// Held until it is destroyed or the process ends, however it ends. Move only.
class FileLock {
 public:
  /// Makes the file if it is not there. \retval kUnavailable another process holds it
  static arrow::Result<FileLock> Acquire(const std::string& path);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_ = -1;
};

}  // namespace catchwater
