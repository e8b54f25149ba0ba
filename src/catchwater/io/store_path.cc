// Paths find the store that they belong to by their beginning.

#include "catchwater/io/store_path.h"

#include <filesystem>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kStoreScheme = "s3://";

class RoutedFiles final : public Files {
 public:
  RoutedFiles(Files& local, Files* store) : local_(local), store_(store) {}

  arrow::Result<std::shared_ptr<WritableFile>> CreateNew(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->CreateNew(path);
  }
  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(
      const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->OpenInput(path);
  }
  arrow::Result<std::string> ReadAll(const std::string& path, int64_t byte_count_max) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->ReadAll(path, byte_count_max);
  }
  arrow::Status WriteNew(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->WriteNew(path, bytes);
  }
  arrow::Status SyncDirectory(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->SyncDirectory(path);
  }
  arrow::Status CreateDirectories(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->CreateDirectories(path);
  }
  arrow::Result<std::vector<FileEntry>> List(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->List(path);
  }
  arrow::Result<FileEntry> Stat(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->Stat(path);
  }
  arrow::Status Remove(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->Remove(path);
  }
  arrow::Status PublishAtomically(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(path));
    return files->PublishAtomically(path, bytes);
  }
  arrow::Status Rename(const std::string& from, const std::string& to) override {
    if (IsStorePath(from) != IsStorePath(to)) {
      return Internal("File cannot be renamed across stores, from and to: ", from, " ", to);
    }
    ARROW_ASSIGN_OR_RAISE(Files * files, Of(from));
    return files->Rename(from, to);
  }

 private:
  arrow::Result<Files*> Of(const std::string& path) {
    if (!IsStorePath(path)) return &local_;
    if (store_ != nullptr) return store_;
    return ConfigError("No object store is open for the path: ", path);
  }

  Files& local_;
  Files* const store_;
};

}  // namespace

bool IsStorePath(std::string_view path) { return path.starts_with(kStoreScheme); }

std::string ResolvePath(const std::string& folder, const std::string& path) {
  if (IsStorePath(path)) return path;
  return (std::filesystem::path(folder) / path).lexically_normal().string();
}

std::unique_ptr<Files> MakeRoutedFiles(Files& local, Files* store) {
  return std::make_unique<RoutedFiles>(local, store);
}

}  // namespace catchwater
