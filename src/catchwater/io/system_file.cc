#include "catchwater/io/system_file.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// Linux moves at most 2 GiB - 4 KiB in one call; smaller portions keep the process responsive.
constexpr int64_t kBytesPerCallMax = 1 << 30;

arrow::Result<int> OpenDescriptor(const std::string& path, int flags, const char* failure) {
  int descriptor = -1;
  do {
    descriptor = ::open(path.c_str(), flags | O_CLOEXEC, 0666);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return SystemError(errno, failure + path);
  return descriptor;
}

}  // namespace

SystemFile::SystemFile(int descriptor, std::string path)
    : descriptor_(descriptor), path_(std::move(path)) {}

SystemFile::~SystemFile() {
  if (is_open()) ::close(descriptor_);
}

SystemFile::SystemFile(SystemFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

SystemFile& SystemFile::operator=(SystemFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(path_, other.path_);
  return *this;
}

arrow::Result<SystemFile> SystemFile::CreateNew(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(const int descriptor,
                        OpenDescriptor(path, O_WRONLY | O_CREAT | O_EXCL,
                                       "Cannot create the file, path and reason: "));
  return SystemFile(descriptor, path);
}

arrow::Result<SystemFile> SystemFile::OpenInput(const std::string& path) {
  // Non-blocking, so that a named pipe that slipped in does not hang the caller.
  ARROW_ASSIGN_OR_RAISE(
      const int descriptor,
      OpenDescriptor(path, O_RDONLY | O_NONBLOCK, "Cannot open the file, path and reason: "));
  SystemFile file(descriptor, path);
  struct stat facts {};
  if (::fstat(descriptor, &facts) != 0) {
    return SystemError(errno, "Cannot stat the file, path and reason: " + path);
  }
  if (S_ISREG(facts.st_mode)) return file;
  return Denied("Cannot open what is not a regular file, path: ", path);
}

arrow::Result<SystemFile> SystemFile::OpenDirectory(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(
      const int descriptor,
      OpenDescriptor(path, O_RDONLY | O_DIRECTORY, "Cannot open the folder, path and reason: "));
  return SystemFile(descriptor, path);
}

arrow::Result<int64_t> SystemFile::ReadAt(int64_t offset, int64_t byte_count, void* out) const {
  int64_t done = 0;
  while (done < byte_count) {
    const auto portion = static_cast<size_t>(std::min(byte_count - done, kBytesPerCallMax));
    const ssize_t got =
        ::pread(descriptor_, static_cast<char*>(out) + done, portion, offset + done);
    if (got == 0) break;
    if (got > 0) {
      done += got;
    } else if (errno != EINTR) {
      return SystemError(errno, "Cannot read the file, path and reason: " + path_);
    }
  }
  return done;
}

arrow::Status SystemFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto portion = std::min(bytes.size(), static_cast<size_t>(kBytesPerCallMax));
    const ssize_t put = ::write(descriptor_, bytes.data(), portion);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<size_t>(put));
    } else if (errno != EINTR) {
      return SystemError(errno, "Cannot write the file, path and reason: " + path_);
    }
  }
  return arrow::Status::OK();
}

arrow::Status SystemFile::Sync() {
  while (::fsync(descriptor_) != 0) {
    if (errno != EINTR) return SystemError(errno, "Cannot sync, path and reason: " + path_);
  }
  return arrow::Status::OK();
}

arrow::Result<int64_t> SystemFile::ByteCount() const {
  struct stat facts {};
  if (::fstat(descriptor_, &facts) != 0) {
    return SystemError(errno, "Cannot stat the file, path and reason: " + path_);
  }
  return static_cast<int64_t>(facts.st_size);
}

void SystemFile::WillReadInOrder() const {
  ::posix_fadvise(descriptor_, 0, 0, POSIX_FADV_SEQUENTIAL);
}

void SystemFile::WillNeed(int64_t offset, int64_t byte_count) const {
  ::posix_fadvise(descriptor_, offset, byte_count, POSIX_FADV_WILLNEED);
}

arrow::Status SystemFile::Close() {
  if (!is_open()) return arrow::Status::OK();
  // After EINTR the descriptor is closed on Linux; closing again could hit somebody else's.
  if (::close(std::exchange(descriptor_, -1)) == 0 || errno == EINTR) return arrow::Status::OK();
  return SystemError(errno, "Cannot close the file, path and reason: " + path_);
}

}  // namespace catchwater
