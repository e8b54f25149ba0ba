#include "catchwater/testing/faulty_files.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <arrow/buffer.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

class FaultyWriter final : public WritableFile {
 public:
  FaultyWriter(FaultyFiles& owner, std::string path, std::shared_ptr<WritableFile> inner)
      : owner_(owner), path_(std::move(path)), inner_(std::move(inner)) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  arrow::Status Write(const void* bytes, int64_t byte_count) override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    const int64_t fitting = owner_.TakeFreeBytes(byte_count);
    ARROW_RETURN_NOT_OK(inner_->Write(bytes, fitting));
    written_ += fitting;
    if (fitting == byte_count) return arrow::Status::OK();
    return SystemError(ENOSPC, "Cannot write the file, path and reason: " + path_);
  }
  arrow::Status Sync() override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    ARROW_RETURN_NOT_OK(inner_->Sync());
    owner_.RecordSynced(path_, written_);
    return arrow::Status::OK();
  }
  arrow::Status Flush() override { return inner_->Flush(); }
  arrow::Status Close() override { return inner_->Close(); }
  bool closed() const override { return inner_->closed(); }
  arrow::Result<int64_t> Tell() const override { return inner_->Tell(); }

 private:
  FaultyFiles& owner_;
  const std::string path_;
  std::shared_ptr<WritableFile> inner_;
  int64_t written_ = 0;
};

class FaultyReader final : public arrow::io::RandomAccessFile {
 public:
  FaultyReader(FaultyFiles& owner, std::string path,
               std::shared_ptr<arrow::io::RandomAccessFile> inner)
      : owner_(owner), path_(std::move(path)), inner_(std::move(inner)) {
    set_mode(arrow::io::FileMode::READ);
  }
  arrow::Status Close() override { return inner_->Close(); }
  bool closed() const override { return inner_->closed(); }
  arrow::Result<int64_t> GetSize() override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    return inner_->GetSize();
  }
  arrow::Result<int64_t> ReadAt(int64_t offset, int64_t byte_count, void* out) override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    return inner_->ReadAt(offset, byte_count, out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t offset,
                                                       int64_t byte_count) override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    return inner_->ReadAt(offset, byte_count);
  }
  arrow::Result<int64_t> Read(int64_t byte_count, void* out) override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    return inner_->Read(byte_count, out);
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t byte_count) override {
    ARROW_RETURN_NOT_OK(owner_.CountOperation(path_));
    return inner_->Read(byte_count);
  }
  arrow::Status Seek(int64_t position) override { return inner_->Seek(position); }
  arrow::Result<int64_t> Tell() const override { return inner_->Tell(); }

 private:
  FaultyFiles& owner_;
  const std::string path_;
  std::shared_ptr<arrow::io::RandomAccessFile> inner_;
};

}  // namespace

void FaultyFiles::FailOperation(int64_t k, int errno_value) {
  std::lock_guard lock(mutex_);
  fail_at_ = k > INT64_MAX - operation_count_ ? INT64_MAX : operation_count_ + k;  // Or never.
  fail_errno_ = errno_value;
  has_failed_ = false;
}

bool FaultyFiles::has_failed() const {
  std::lock_guard lock(mutex_);
  return has_failed_;
}

void FaultyFiles::SetFreeBytes(int64_t byte_count) {
  std::lock_guard lock(mutex_);
  free_bytes_ = byte_count;
}

void FaultyFiles::FailPath(const std::string& path, int errno_value) {
  std::lock_guard lock(mutex_);
  failing_paths_[path] = errno_value;
}

int64_t FaultyFiles::operation_count() const {
  std::lock_guard lock(mutex_);
  return operation_count_;
}

arrow::Status FaultyFiles::CountOperation(const std::string& path) {
  std::lock_guard lock(mutex_);
  if (++operation_count_ != fail_at_) return arrow::Status::OK();
  has_failed_ = true;
  return SystemError(fail_errno_, "Injected failure, path and reason: " + path);
}

arrow::Status FaultyFiles::CheckPath(const std::string& path) {
  ARROW_RETURN_NOT_OK(CountOperation(path));
  std::lock_guard lock(mutex_);
  const auto failing = failing_paths_.find(path);
  if (failing == failing_paths_.end() || failing->second == 0) return arrow::Status::OK();
  return SystemError(failing->second, "Cannot open, path and reason: " + path);
}

int64_t FaultyFiles::TakeFreeBytes(int64_t byte_count) {
  std::lock_guard lock(mutex_);
  const int64_t taken = std::min(byte_count, free_bytes_);
  if (free_bytes_ != INT64_MAX) free_bytes_ -= taken;
  return taken;
}

void FaultyFiles::RecordSynced(const std::string& path, int64_t byte_count) {
  std::lock_guard lock(mutex_);
  synced_bytes_[path] = byte_count;
}

void FaultyFiles::RecordChange(const std::string& path, std::function<void()> undo) {
  std::lock_guard lock(mutex_);
  changes_.push_back({FolderOf(path), std::move(undo)});
}

std::optional<std::string> FaultyFiles::Keep(const std::string& path) {
  auto bytes = inner_.ReadAll(path, INT64_MAX);
  return bytes.ok() ? std::optional(*std::move(bytes)) : std::nullopt;
}

void FaultyFiles::Restore(const std::string& path, const std::optional<std::string>& bytes) {
  CATCHWATER_CHECK(inner_.Remove(path).ok(), "the inner files of a test do not fail");
  if (bytes) CATCHWATER_CHECK(inner_.WriteNew(path, *bytes).ok(), "nor here");
}

void FaultyFiles::LosePower() {
  std::lock_guard lock(mutex_);
  for (const auto& [path, synced] : synced_bytes_) {
    auto bytes = Keep(path);
    if (!bytes || static_cast<int64_t>(bytes->size()) <= synced) continue;
    bytes->resize(static_cast<size_t>(synced));
    Restore(path, bytes);
  }
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) change->undo();
  changes_.clear();
  synced_bytes_.clear();
}

arrow::Result<std::shared_ptr<WritableFile>> FaultyFiles::CreateNew(const std::string& path) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  ARROW_ASSIGN_OR_RAISE(auto file, inner_.CreateNew(path));
  RecordSynced(path, 0);
  RecordChange(path, [this, path] { Restore(path, std::nullopt); });
  return std::make_shared<FaultyWriter>(*this, path, std::move(file));
}

arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> FaultyFiles::OpenInput(
    const std::string& path) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  ARROW_ASSIGN_OR_RAISE(auto file, inner_.OpenInput(path));
  return std::make_shared<FaultyReader>(*this, path, std::move(file));
}

arrow::Result<std::string> FaultyFiles::ReadAll(const std::string& path, int64_t byte_count_max) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  return inner_.ReadAll(path, byte_count_max);
}

arrow::Status FaultyFiles::WriteNew(const std::string& path, std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(auto file, CreateNew(path));
  ARROW_RETURN_NOT_OK(file->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
  ARROW_RETURN_NOT_OK(file->Sync());
  return file->Close();
}

arrow::Status FaultyFiles::SyncDirectory(const std::string& path) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  ARROW_RETURN_NOT_OK(inner_.SyncDirectory(path));
  std::lock_guard lock(mutex_);
  std::erase_if(changes_, [&](const NameChange& change) { return change.folder == path; });
  return arrow::Status::OK();
}

arrow::Status FaultyFiles::CreateDirectories(const std::string& path) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  return inner_.CreateDirectories(path);
}

arrow::Result<std::vector<FileEntry>> FaultyFiles::List(const std::string& path) {
  ARROW_RETURN_NOT_OK(CheckPath(path));
  return inner_.List(path);
}

arrow::Result<FileEntry> FaultyFiles::Stat(const std::string& path) {
  ARROW_RETURN_NOT_OK(CountOperation(path));
  return inner_.Stat(path);
}

arrow::Status FaultyFiles::Remove(const std::string& path) {
  ARROW_RETURN_NOT_OK(CountOperation(path));
  auto kept = Keep(path);
  ARROW_RETURN_NOT_OK(inner_.Remove(path));
  if (kept) RecordChange(path, [this, path, bytes = std::move(kept)] { Restore(path, bytes); });
  return arrow::Status::OK();
}

arrow::Status FaultyFiles::PublishAtomically(const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  ARROW_RETURN_NOT_OK(WriteNew(temporary, bytes));
  ARROW_RETURN_NOT_OK(Rename(temporary, path));
  return SyncDirectory(FolderOf(path));
}

arrow::Status FaultyFiles::Rename(const std::string& from, const std::string& to) {
  ARROW_RETURN_NOT_OK(CountOperation(from));
  auto old_from = Keep(from);
  auto old_to = Keep(to);
  ARROW_RETURN_NOT_OK(inner_.Rename(from, to));
  std::unique_lock lock(mutex_);
  if (auto synced = synced_bytes_.extract(from)) {
    old_from->resize(static_cast<size_t>(synced.mapped()));  // All that a loss would leave of it.
    synced.key() = to;
    synced_bytes_.erase(to);
    synced_bytes_.insert(std::move(synced));
  }
  lock.unlock();
  RecordChange(to, [this, from, to, old_from = std::move(old_from), old_to = std::move(old_to)] {
    Restore(to, old_to);
    Restore(from, old_from);
  });
  return arrow::Status::OK();
}

}  // namespace catchwater
