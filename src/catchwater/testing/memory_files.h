/// \file
/// Files in memory, with the behaviour of the local disk: exclusive creation, folders that must
/// exist, inodes that survive a rename, open files that survive their removal.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catchwater/io/files.h"

namespace catchwater {

/// Any thread. `a/./b` and `./a` are understood, `..` is not.
class MemoryFiles final : public Files {
 public:
  MemoryFiles();
  ~MemoryFiles() override;

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

  // What tests do to files. Each moves the file's time by 1 s.
  void Put(const std::string& path, std::string_view bytes);  ///< A new file (inode), with folders.
  void Append(const std::string& path, std::string_view bytes);
  void Truncate(const std::string& path, int64_t byte_count);
  void SetModified(const std::string& path, int64_t modified_us);

  struct Node;

 private:
  std::shared_ptr<Node> Find(const std::string& path) const;  // Null if there is none.
  arrow::Result<std::shared_ptr<Node>> Insert(const std::string& path);
  FileEntry EntryOf(const std::string& path, const Node& node) const;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Node>> files_;
  std::set<std::string> folders_{"", "/"};
  uint64_t inode_next_ = 100;
};

}  // namespace catchwater
