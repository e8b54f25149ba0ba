/// \file
/// Files: our small seam over disk, object store, memory and faults. Of Arrow's filesystems the
/// local one truncates and never syncs, and the S3 one hides what an answer was: not used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

namespace catchwater {

/// Written once, front to back; Abort() gives it up. One thread at a time.
class WritableFile : public arrow::io::OutputStream {
 public:
  /// Makes the bytes durable: by fsync, which Close() does not do; an object is complete then.
  virtual arrow::Status Sync() = 0;
};

struct FileEntry {
  std::string path;
  int64_t byte_count = 0;
  int64_t modified_us = 0;
  uint64_t inode = 0;
  uint64_t device = 0;  ///< With inode: the same file under another name. 0: not known, or a store.
  bool is_directory = false;
  bool is_regular = true;
};

/// Any thread. Paths: absolute, relative to the working directory, or `s3://...` (store_path.h).
class Files {
 public:
  virtual ~Files() = default;

  /// Creates a file that must not exist. \retval kAlreadyExists, kDenied, kUnavailable (disk full:
  /// IsDiskFull(status))
  virtual arrow::Result<std::shared_ptr<WritableFile>> CreateNew(const std::string& path) = 0;
  /// \retval kNotFound, kDenied
  virtual arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(
      const std::string& path) = 0;
  /// Reads a whole small file. \retval kBadData if it is larger than byte_count_max
  virtual arrow::Result<std::string> ReadAll(const std::string& path, int64_t byte_count_max) = 0;
  /// Creates, writes, syncs, closes. The directory is not synced.
  virtual arrow::Status WriteNew(const std::string& path, std::string_view bytes) = 0;
  /// Makes new names in the directory durable.
  virtual arrow::Status SyncDirectory(const std::string& path) = 0;
  virtual arrow::Status CreateDirectories(const std::string& path) = 0;
  /// Entries of one directory, sorted by path; not recursive; symbolic links are followed.
  virtual arrow::Result<std::vector<FileEntry>> List(const std::string& path) = 0;
  virtual arrow::Result<FileEntry> Stat(const std::string& path) = 0;
  /// Removes a file. A missing one is OK.
  virtual arrow::Status Remove(const std::string& path) = 0;
  /// Writes beside the path and renames over it, synced: for exports only.
  virtual arrow::Status PublishAtomically(const std::string& path, std::string_view bytes) = 0;
  virtual arrow::Status Rename(const std::string& from, const std::string& to) = 0;
};

/// The local disk.
std::unique_ptr<Files> MakeLocalFiles();

/// True if the failure is a full disk or quota (ENOSPC, EDQUOT).
bool IsDiskFull(const arrow::Status& status);

}  // namespace catchwater
