// The local disk. Streams are thin arrow::io shells over SystemFile.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include <arrow/buffer.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/io/files.h"
#include "catchwater/io/system_file.h"

namespace catchwater {
namespace {

constexpr size_t kWriteBufferBytes = 1 << 20;

class LocalWritableFile final : public WritableFile {
 public:
  explicit LocalWritableFile(SystemFile file) : file_(std::move(file)) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  ~LocalWritableFile() override = default;  // Without Close the file is abandoned: no late error.

  arrow::Status Write(const void* bytes, int64_t byte_count) override {
    ARROW_RETURN_NOT_OK(CheckUsable());
    const std::string_view added(static_cast<const char*>(bytes), static_cast<size_t>(byte_count));
    position_ += byte_count;
    if (buffer_.size() + added.size() < kWriteBufferBytes) {
      buffer_.append(added);
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Flush());
    if (added.size() >= kWriteBufferBytes) return Remember(file_.Append(added));
    buffer_.append(added);
    return arrow::Status::OK();
  }

  arrow::Status Flush() override {
    ARROW_RETURN_NOT_OK(CheckUsable());
    if (buffer_.empty()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(Remember(file_.Append(buffer_)));
    buffer_.clear();
    return arrow::Status::OK();
  }

  arrow::Status Sync() override {
    ARROW_RETURN_NOT_OK(Flush());
    return Remember(file_.Sync());
  }

  arrow::Status Close() override {
    if (!file_.is_open()) return arrow::Status::OK();
    const arrow::Status flushed = Flush();
    const arrow::Status closed = file_.Close();
    buffer_ = std::string();
    return flushed.ok() ? closed : flushed;
  }

  arrow::Status Abort() override {
    buffer_ = std::string();
    return file_.Close();
  }
  bool closed() const override { return !file_.is_open(); }
  arrow::Result<int64_t> Tell() const override { return position_; }

 private:
  // After a failed write or sync nobody knows what is on the disk: a later success would lie.
  arrow::Status Remember(arrow::Status status) {
    if (!status.ok()) failure_ = status;
    return status;
  }
  arrow::Status CheckUsable() const {
    if (!failure_.ok()) return failure_;
    if (file_.is_open()) return arrow::Status::OK();
    return Internal("File is used after it was closed, path: ", file_.path());
  }

  SystemFile file_;
  std::string buffer_;
  int64_t position_ = 0;
  arrow::Status failure_;
};

// ReadAt from any thread; the cursor of Read is guarded.
class LocalInputFile final : public arrow::io::RandomAccessFile {
 public:
  explicit LocalInputFile(SystemFile file) : file_(std::move(file)) {
    file_.WillReadInOrder();
    set_mode(arrow::io::FileMode::READ);
  }

  arrow::Status Close() override { return file_.Close(); }
  bool closed() const override { return !file_.is_open(); }
  arrow::Result<int64_t> GetSize() override { return file_.ByteCount(); }

  arrow::Result<int64_t> ReadAt(int64_t offset, int64_t byte_count, void* out) override {
    if (offset < 0 || byte_count < 0) return Internal("Negative offset or count of bytes to read");
    return file_.ReadAt(offset, byte_count, out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t offset,
                                                       int64_t byte_count) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(byte_count));
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(offset, byte_count, buffer->mutable_data()));
    if (got < byte_count) ARROW_RETURN_NOT_OK(buffer->Resize(got));
    buffer->ZeroPadding();
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

  arrow::Result<int64_t> Read(int64_t byte_count, void* out) override {
    std::lock_guard lock(mutex_);
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(cursor_, byte_count, out));
    cursor_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t byte_count) override {
    std::lock_guard lock(mutex_);
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(cursor_, byte_count));
    cursor_ += buffer->size();
    return buffer;
  }
  arrow::Status Seek(int64_t position) override {
    std::lock_guard lock(mutex_);
    cursor_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override {
    std::lock_guard lock(mutex_);
    return cursor_;
  }
  arrow::Status WillNeed(const std::vector<arrow::io::ReadRange>& ranges) override {
    for (const auto& range : ranges) file_.WillNeed(range.offset, range.length);
    return arrow::Status::OK();
  }

 private:
  SystemFile file_;
  mutable std::mutex mutex_;
  int64_t cursor_ = 0;
};

FileEntry EntryOf(std::string path, const struct stat& facts) {
  return {.path = std::move(path),
          .byte_count = static_cast<int64_t>(facts.st_size),
          .modified_us = static_cast<int64_t>(facts.st_mtim.tv_sec) * 1'000'000 +
                         facts.st_mtim.tv_nsec / 1'000,
          .inode = static_cast<uint64_t>(facts.st_ino),
          .device = static_cast<uint64_t>(facts.st_dev),
          .is_directory = S_ISDIR(facts.st_mode),
          .is_regular = S_ISREG(facts.st_mode)};
}

std::string ParentOf(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

class LocalFiles final : public Files {
 public:
  arrow::Result<std::shared_ptr<WritableFile>> CreateNew(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(auto file, SystemFile::CreateNew(path));
    return std::make_shared<LocalWritableFile>(std::move(file));
  }

  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(
      const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(auto file, SystemFile::OpenInput(path));
    return std::make_shared<LocalInputFile>(std::move(file));
  }

  arrow::Result<std::string> ReadAll(const std::string& path, int64_t byte_count_max) override {
    ARROW_ASSIGN_OR_RAISE(const auto file, SystemFile::OpenInput(path));
    ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, file.ByteCount());
    if (byte_count > byte_count_max) {
      return BadData("File is larger than it may be, path, bytes and limit: ", path, " ",
                     byte_count, " ", byte_count_max);
    }
    std::string bytes(static_cast<size_t>(byte_count), '\0');
    ARROW_ASSIGN_OR_RAISE(const int64_t got, file.ReadAt(0, byte_count, bytes.data()));
    bytes.resize(static_cast<size_t>(got));
    return bytes;
  }

  arrow::Status WriteNew(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(auto file, SystemFile::CreateNew(path));
    arrow::Status status = file.Append(bytes);
    if (status.ok()) status = file.Sync();
    if (status.ok()) status = file.Close();
    if (!status.ok())
      ::unlink(path.c_str());  // Half a file is of no use, and the disk may be full.
    return status;
  }

  arrow::Status SyncDirectory(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(auto directory, SystemFile::OpenDirectory(path));
    return directory.Sync();
  }

  arrow::Status CreateDirectories(const std::string& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (!error) return arrow::Status::OK();
    return SystemError(error.value(), "Cannot create the folder, path and reason: " + path);
  }

  arrow::Result<std::vector<FileEntry>> List(const std::string& path) override;

  arrow::Result<FileEntry> Stat(const std::string& path) override {
    struct stat facts {};
    if (::stat(path.c_str(), &facts) == 0) return EntryOf(path, facts);
    return SystemError(errno, "Cannot stat the file, path and reason: " + path);
  }

  arrow::Status Remove(const std::string& path) override {
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return arrow::Status::OK();
    // An empty folder goes as a file does.
    if (errno == EISDIR && ::rmdir(path.c_str()) == 0) return arrow::Status::OK();
    return SystemError(errno, "Cannot remove the file, path and reason: " + path);
  }

  arrow::Status PublishAtomically(const std::string& path, std::string_view bytes) override {
    const std::string temporary = path + ".tmp." + std::to_string(::getpid()) + "." +
                                  std::to_string(temporary_count_.fetch_add(1));
    arrow::Status status = WriteNew(temporary, bytes);
    if (status.ok()) status = Rename(temporary, path);
    if (!status.ok()) {
      ::unlink(temporary.c_str());
      return status;
    }
    return SyncDirectory(ParentOf(path));
  }

  arrow::Status Rename(const std::string& from, const std::string& to) override {
    if (std::rename(from.c_str(), to.c_str()) == 0) return arrow::Status::OK();
    return SystemError(errno, "Cannot rename the file, from, to and reason: " + from + " " + to);
  }

 private:
  std::atomic<uint64_t> temporary_count_ = 0;  // Two exports of one process never share a name.
};

arrow::Result<std::vector<FileEntry>> LocalFiles::List(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), &::closedir);
  if (!directory) return SystemError(errno, "Cannot list the folder, path and reason: " + path);
  const std::string prefix = path.ends_with('/') ? path : path + "/";
  std::vector<FileEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* item = ::readdir(directory.get());
    if (item == nullptr) break;
    const std::string_view name(item->d_name);
    if (name == "." || name == "..") continue;
    struct stat facts {};
    if (::fstatat(::dirfd(directory.get()), item->d_name, &facts, 0) == 0) {
      entries.push_back(EntryOf(prefix + item->d_name, facts));
    } else if (errno != ENOENT && errno != ELOOP) {  // Vanished, or a link to nowhere: not there.
      return SystemError(errno, "Cannot stat the file, path and reason: " + prefix + item->d_name);
    }
  }
  if (errno != 0) return SystemError(errno, "Cannot list the folder, path and reason: " + path);
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return entries;
}

}  // namespace

std::unique_ptr<Files> MakeLocalFiles() { return std::make_unique<LocalFiles>(); }

bool IsDiskFull(const arrow::Status& status) {
  const int reason = status.ok() ? 0 : SystemErrnoOf(status);
  return reason == ENOSPC || reason == EDQUOT;
}

}  // namespace catchwater
