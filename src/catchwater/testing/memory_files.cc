#include "catchwater/testing/memory_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arrow/buffer.h>

#include "catchwater/base/error.h"

namespace catchwater {

// The content is shared by the name and by all who have it open.
struct MemoryFiles::Node {
  mutable std::mutex mutex;
  std::string bytes;
  int64_t modified_us = 1'767'225'600'000'000;
  uint64_t inode = 0;

  void Change(auto change) {
    std::lock_guard lock(mutex);
    change(bytes);
    modified_us += 1'000'000;
  }
};

namespace {

std::string Normal(std::string_view path) {
  std::string normal;
  const bool is_absolute = path.starts_with('/');
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") {
      if (!normal.empty() || is_absolute) normal += '/';
      normal += part;
    }
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return normal.empty() && is_absolute ? "/" : normal;
}

std::string ParentOf(const std::string& normal) {
  const size_t slash = normal.rfind('/');
  if (slash == normal.npos) return "";
  return slash == 0 ? "/" : normal.substr(0, slash);
}

class Writer final : public WritableFile {
 public:
  explicit Writer(std::shared_ptr<MemoryFiles::Node> node) : node_(std::move(node)) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  arrow::Status Write(const void* bytes, int64_t byte_count) override {
    if (is_closed_) return Internal("File is used after it was closed");
    node_->Change([&](std::string& content) {
      content.append(static_cast<const char*>(bytes), static_cast<size_t>(byte_count));
    });
    position_ += byte_count;
    return arrow::Status::OK();
  }
  arrow::Status Sync() override { return arrow::Status::OK(); }
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }

 private:
  std::shared_ptr<MemoryFiles::Node> node_;
  int64_t position_ = 0;
  bool is_closed_ = false;
};

class Reader final : public arrow::io::RandomAccessFile {
 public:
  explicit Reader(std::shared_ptr<const MemoryFiles::Node> node) : node_(std::move(node)) {
    set_mode(arrow::io::FileMode::READ);
  }
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> GetSize() override {
    std::lock_guard lock(node_->mutex);
    return static_cast<int64_t>(node_->bytes.size());
  }
  arrow::Result<int64_t> ReadAt(int64_t offset, int64_t byte_count, void* out) override {
    std::lock_guard lock(node_->mutex);
    const auto all = static_cast<int64_t>(node_->bytes.size());
    const int64_t count = std::clamp<int64_t>(all - offset, 0, byte_count);
    if (count > 0) std::memcpy(out, node_->bytes.data() + offset, static_cast<size_t>(count));
    return count;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t offset,
                                                       int64_t byte_count) override {
    std::string bytes(static_cast<size_t>(byte_count), '\0');
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(offset, byte_count, bytes.data()));
    bytes.resize(static_cast<size_t>(got));
    return arrow::Buffer::FromString(std::move(bytes));
  }
  arrow::Result<int64_t> Read(int64_t byte_count, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(cursor_, byte_count, out));
    cursor_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t byte_count) override {
    ARROW_ASSIGN_OR_RAISE(auto bytes, ReadAt(cursor_, byte_count));
    cursor_ += bytes->size();
    return bytes;
  }
  arrow::Status Seek(int64_t position) override {
    cursor_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return cursor_; }

 private:
  std::shared_ptr<const MemoryFiles::Node> node_;
  int64_t cursor_ = 0;
  bool is_closed_ = false;
};

}  // namespace

MemoryFiles::MemoryFiles() = default;
MemoryFiles::~MemoryFiles() = default;

std::shared_ptr<MemoryFiles::Node> MemoryFiles::Find(const std::string& path) const {
  std::lock_guard lock(mutex_);
  const auto found = files_.find(Normal(path));
  return found == files_.end() ? nullptr : found->second;
}

arrow::Result<std::shared_ptr<MemoryFiles::Node>> MemoryFiles::Insert(const std::string& path) {
  const std::string normal = Normal(path);
  std::lock_guard lock(mutex_);
  if (files_.contains(normal) || folders_.contains(normal)) {
    return SystemError(EEXIST, "Cannot create the file, path and reason: " + path);
  }
  if (!folders_.contains(ParentOf(normal))) {
    return SystemError(ENOENT, "Cannot create the file, path and reason: " + path);
  }
  auto node = std::make_shared<Node>();
  node->inode = inode_next_++;
  files_[normal] = node;
  return node;
}

arrow::Result<std::shared_ptr<WritableFile>> MemoryFiles::CreateNew(const std::string& path) {
  ARROW_ASSIGN_OR_RAISE(auto node, Insert(path));
  return std::make_shared<Writer>(std::move(node));
}

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> MemoryFiles::OpenInput(
    const std::string& path) {
  auto node = Find(path);
  if (!node) return SystemError(ENOENT, "Cannot open the file, path and reason: " + path);
  return std::make_shared<Reader>(std::move(node));
}

arrow::Result<std::string> MemoryFiles::ReadAll(const std::string& path, int64_t byte_count_max) {
  const auto node = Find(path);
  if (!node) return SystemError(ENOENT, "Cannot open the file, path and reason: " + path);
  std::lock_guard lock(node->mutex);
  if (static_cast<int64_t>(node->bytes.size()) <= byte_count_max) return node->bytes;
  return BadData("File is larger than it may be, path, bytes and limit: ", path, " ",
                 node->bytes.size(), " ", byte_count_max);
}

arrow::Status MemoryFiles::WriteNew(const std::string& path, std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(auto node, Insert(path));
  node->Change([&](std::string& content) { content = bytes; });
  return arrow::Status::OK();
}

arrow::Status MemoryFiles::SyncDirectory(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (folders_.contains(Normal(path))) return arrow::Status::OK();
  return SystemError(ENOENT, "Cannot open the folder, path and reason: " + path);
}

arrow::Status MemoryFiles::CreateDirectories(const std::string& path) {
  std::lock_guard lock(mutex_);
  for (std::string folder = Normal(path); !folders_.contains(folder); folder = ParentOf(folder)) {
    if (files_.contains(folder)) {
      return SystemError(ENOTDIR, "Cannot create the folder, path and reason: " + path);
    }
    folders_.insert(folder);
  }
  return arrow::Status::OK();
}

FileEntry MemoryFiles::EntryOf(const std::string& path, const Node& node) const {
  std::lock_guard lock(node.mutex);
  return {.path = path,
          .byte_count = static_cast<int64_t>(node.bytes.size()),
          .modified_us = node.modified_us,
          .inode = node.inode,
          .device = 1,
          .is_directory = false,
          .is_regular = true};
}

arrow::Result<std::vector<FileEntry>> MemoryFiles::List(const std::string& path) {
  const std::string normal = Normal(path);
  const std::string shown = path.ends_with('/') || path.empty() ? path : path + "/";
  std::lock_guard lock(mutex_);
  if (!folders_.contains(normal)) {
    return SystemError(ENOENT, "Cannot list the folder, path and reason: " + path);
  }
  std::vector<FileEntry> entries;
  for (const auto& [name, node] : files_) {
    if (ParentOf(name) != normal) continue;
    entries.push_back(EntryOf(shown + name.substr(name.rfind('/') + 1), *node));
  }
  for (const std::string& name : folders_) {
    if (name.empty() || name == "/" || ParentOf(name) != normal) continue;
    FileEntry& entry = entries.emplace_back();
    entry.path = shown + name.substr(name.rfind('/') + 1);
    entry.is_directory = true;
    entry.is_regular = false;
  }
  std::sort(entries.begin(), entries.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return entries;
}

arrow::Result<FileEntry> MemoryFiles::Stat(const std::string& path) {
  if (const auto node = Find(path)) return EntryOf(path, *node);
  std::lock_guard lock(mutex_);
  if (!folders_.contains(Normal(path))) {
    return SystemError(ENOENT, "Cannot stat the file, path and reason: " + path);
  }
  FileEntry entry;
  entry.path = path;
  entry.is_directory = true;
  entry.is_regular = false;
  return entry;
}

arrow::Status MemoryFiles::Remove(const std::string& path) {
  std::lock_guard lock(mutex_);
  const std::string normal = Normal(path);
  files_.erase(normal);
  if (!folders_.contains(normal)) return arrow::Status::OK();
  const auto is_inside = [&](const std::string& name) { return ParentOf(name) == normal; };
  const bool is_empty =
      std::ranges::none_of(folders_, is_inside) &&
      std::ranges::none_of(files_, is_inside, [](const auto& entry) { return entry.first; });
  if (!is_empty) return SystemError(ENOTEMPTY, "Cannot remove the file: " + path);
  folders_.erase(normal);
  return arrow::Status::OK();
}

arrow::Status MemoryFiles::PublishAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ARROW_RETURN_NOT_OK(WriteNew(temporary, bytes));
  return Rename(temporary, path);
}

arrow::Status MemoryFiles::Rename(const std::string& from, const std::string& to) {
  std::lock_guard lock(mutex_);
  auto moved = files_.extract(Normal(from));
  if (!moved || !folders_.contains(ParentOf(Normal(to)))) {
    if (moved) files_.insert(std::move(moved));
    return SystemError(ENOENT, "Cannot rename the file, from, to and reason: " + from + " " + to);
  }
  files_[Normal(to)] = std::move(moved.mapped());
  return arrow::Status::OK();
}

void MemoryFiles::Put(const std::string& path, std::string_view bytes) {
  CATCHWATER_CHECK(CreateDirectories(ParentOf(Normal(path))).ok(), "a test's folder");
  CATCHWATER_CHECK(Remove(path).ok() && WriteNew(path, bytes).ok(), "a test's file");
}

void MemoryFiles::Append(const std::string& path, std::string_view bytes) {
  const auto node = Find(path);
  CATCHWATER_CHECK(node != nullptr, "a test appends to a file that it made");
  node->Change([&](std::string& content) { content += bytes; });
}

void MemoryFiles::Truncate(const std::string& path, int64_t byte_count) {
  const auto node = Find(path);
  CATCHWATER_CHECK(node != nullptr, "a test cuts a file that it made");
  node->Change([&](std::string& content) { content.resize(static_cast<size_t>(byte_count)); });
}

void MemoryFiles::SetModified(const std::string& path, int64_t modified_us) {
  const auto node = Find(path);
  CATCHWATER_CHECK(node != nullptr, "a test touches a file that it made");
  std::lock_guard lock(node->mutex);
  node->modified_us = modified_us;
}

}  // namespace catchwater
