/// \file
/// Files that fail on demand: the k-th operation, a full disk, a path that may not be read, and a
/// power loss that takes away what was not synced.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/io/files.h"

namespace catchwater {

/// Wraps other Files. Any thread.
///
/// Every call that can fail on a disk is one operation: opening, creating, each read, write, sync,
/// listing, and so on. A test that lets operation 1, 2, 3, ... fail until its work passes has tried
/// every place.
class FaultyFiles final : public Files {
 public:
  explicit FaultyFiles(Files& inner) : inner_(inner) {}

  /// The k-th operation from now (1 = the next) fails with this errno, once.
  void FailOperation(int64_t k, int errno_value);
  /// True if the failure asked for has happened.
  bool has_failed() const;
  /// Writing more than so many bytes from now on fails with ENOSPC; what fits is written.
  void SetFreeBytes(int64_t byte_count);
  /// Opening and listing this path fails with the errno, until it is 0.
  void FailPath(const std::string& path, int errno_value);
  int64_t operation_count() const;
  /// Takes away bytes and names that were not synced, in the inner files.
  void LosePower();

  arrow::Result<std::shared_ptr<WritableFile>> CreateNew(const std::string& path) override;
  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(
      const std::string& path) override;
  arrow::Result<std::string> ReadAll(const std::string& path, int64_t byte_count_max) override;
  arrow::Status WriteNew(const std::string& path, std::string_view bytes) override;
  arrow::Status SyncDirectory(const std::string& path) override;
  arrow::Status CreateDirectories(const std::string& path) override;
  arrow::Result<std::vector<FileEntry>> List(const std::string& path) override;
  arrow::Result<FileEntry> Stat(const std::string& path) override;
  arrow::Status Remove(const std::string& path) override;
  arrow::Status PublishAtomically(const std::string& path, std::string_view bytes) override;
  arrow::Status Rename(const std::string& from, const std::string& to) override;

  // For the streams that this hands out.
  arrow::Status CountOperation(const std::string& path);
  /// \return how many of the bytes still fit
  int64_t TakeFreeBytes(int64_t byte_count);
  void RecordSynced(const std::string& path, int64_t byte_count);

 private:
  /// A change of names that is not durable yet, and how to take it back.
  struct NameChange {
    std::string folder;
    std::function<void()> undo;
  };
  arrow::Status CheckPath(const std::string& path);
  void RecordChange(const std::string& path, std::function<void()> undo);
  /// The content of a file that is about to lose its name, or nothing.
  std::optional<std::string> Keep(const std::string& path);
  void Restore(const std::string& path, const std::optional<std::string>& bytes);

  Files& inner_;
  mutable std::mutex mutex_;
  int64_t operation_count_ = 0;
  int64_t fail_at_ = -1;
  int fail_errno_ = 0;
  bool has_failed_ = false;
  int64_t free_bytes_ = INT64_MAX;
  std::map<std::string, int> failing_paths_;
  std::map<std::string, int64_t> synced_bytes_;  // Of files written through this.
  std::vector<NameChange> changes_;
};

}  // namespace catchwater
