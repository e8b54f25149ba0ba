#include "catchwater/io/s3/s3_files.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

#include <arrow/buffer.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/io/store_path.h"

namespace catchwater {
namespace {

constexpr int64_t kWindowBytesMin = 1LL << 20;
constexpr int64_t kWindowBytesMax = 8LL << 20;
constexpr size_t kPartsOfOneSize = 1'000;  // Of 10,000 that an upload may have.
constexpr int kEntriesMax = 1'000'000;

std::string PathOf(const std::string& bucket, std::string_view key) {
  return "s3://" + bucket + "/" + std::string(key);
}

/// Gathers a part at a time; an object that fits into one is put at once.
class S3WritableFile final : public WritableFile {
 public:
  S3WritableFile(std::shared_ptr<S3Client> client, S3Key object)
      : client_(std::move(client)),
        object_(std::move(object)),
        write_id_(Random::FromSystem().Uuid()) {
    set_mode(arrow::io::FileMode::WRITE);
  }
  ~S3WritableFile() override {
    if (!is_closed_) static_cast<void>(Abort());
  }

  arrow::Status Write(const void* bytes, int64_t byte_count) override {
    ARROW_RETURN_NOT_OK(CheckUsable());
    std::string_view added(static_cast<const char*>(bytes), static_cast<size_t>(byte_count));
    position_ += byte_count;
    while (!added.empty()) {
      // A full buffer is kept until more comes: it may be the whole object.
      if (buffer_.size() >= part_bytes()) ARROW_RETURN_NOT_OK(Remember(SendPart()));
      const size_t taken = std::min(added.size(), part_bytes() - buffer_.size());
      buffer_.append(added.substr(0, taken));
      added.remove_prefix(taken);
    }
    return arrow::Status::OK();
  }

  arrow::Status Sync() override {
    ARROW_RETURN_NOT_OK(failure_);
    if (is_complete_) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(CheckUsable());
    return Remember(Complete());
  }

  arrow::Status Close() override {
    if (is_closed_) return arrow::Status::OK();
    const arrow::Status status = Sync();
    if (!status.ok()) static_cast<void>(Abort());
    is_closed_ = true;
    return status;
  }

  arrow::Status Abort() override {
    is_closed_ = true;
    buffer_ = std::string();
    const std::string upload = std::exchange(upload_, {});
    if (is_complete_ || upload.empty()) return arrow::Status::OK();
    return client_->AbortParts(object_, upload);
  }

  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return position_; }

 private:
  size_t part_bytes() const {
    const auto first = static_cast<size_t>(client_->options().part_bytes);
    return parts_.size() < kPartsOfOneSize ? first : first * 8;
  }

  arrow::Status CheckUsable() const {
    if (!failure_.ok()) return failure_;
    if (!is_closed_ && !is_complete_) return arrow::Status::OK();
    return Internal("S3 object is written to after it was completed: ",
                    PathOf(object_.bucket, object_.key));
  }
  arrow::Status Remember(arrow::Status status) {
    if (!status.ok()) failure_ = status;
    return status;
  }

  arrow::Status SendPart() {
    if (upload_.empty()) {
      ARROW_ASSIGN_OR_RAISE(upload_, client_->BeginParts(object_, write_id_));
    }
    ARROW_ASSIGN_OR_RAISE(S3Part part,
                          client_->PutPart(object_, upload_, static_cast<int>(parts_.size()) + 1,
                                           std::exchange(buffer_, {})));
    parts_.push_back(std::move(part));
    return arrow::Status::OK();
  }

  arrow::Status Complete() {
    if (upload_.empty()) {
      ARROW_RETURN_NOT_OK(client_->Create(object_, std::exchange(buffer_, {}), write_id_));
    } else {
      if (!buffer_.empty()) ARROW_RETURN_NOT_OK(SendPart());
      ARROW_RETURN_NOT_OK(client_->CompleteParts(object_, upload_, parts_, write_id_));
    }
    is_complete_ = true;
    return arrow::Status::OK();
  }

  const std::shared_ptr<S3Client> client_;
  const S3Key object_;
  const std::string write_id_;
  std::string buffer_;  // Of the part to come; at most part_bytes().
  std::string upload_;
  std::vector<S3Part> parts_;
  int64_t position_ = 0;
  bool is_complete_ = false;
  bool is_closed_ = false;
  arrow::Status failure_;
};

/// Reads in order are answered from a window that is read ahead and doubles; others go through.
class S3InputFile final : public arrow::io::RandomAccessFile {
 public:
  S3InputFile(std::shared_ptr<S3Client> client, S3Key object, S3Object found)
      : client_(std::move(client)), object_(std::move(object)), found_(std::move(found)) {
    set_mode(arrow::io::FileMode::READ);
  }

  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> GetSize() override { return found_.byte_count; }

  arrow::Result<int64_t> ReadAt(int64_t offset, int64_t byte_count, void* out) override {
    if (offset < 0 || byte_count < 0) return Internal("Negative offset or count of bytes to read");
    byte_count = std::min(byte_count, std::max<int64_t>(found_.byte_count - offset, 0));
    if (byte_count == 0) return 0;
    const std::lock_guard lock(mutex_);
    return ReadLocked(offset, byte_count, static_cast<char*>(out));
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> ReadAt(int64_t offset,
                                                       int64_t byte_count) override {
    byte_count = std::min(byte_count, std::max<int64_t>(found_.byte_count - offset, 0));
    ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateResizableBuffer(byte_count));
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(offset, byte_count, buffer->mutable_data()));
    if (got < byte_count) ARROW_RETURN_NOT_OK(buffer->Resize(got));
    buffer->ZeroPadding();
    return std::shared_ptr<arrow::Buffer>(std::move(buffer));
  }

  arrow::Result<int64_t> Read(int64_t byte_count, void* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, ReadAt(cursor_, byte_count, out));
    cursor_ += got;
    return got;
  }
  arrow::Result<std::shared_ptr<arrow::Buffer>> Read(int64_t byte_count) override {
    ARROW_ASSIGN_OR_RAISE(auto buffer, ReadAt(cursor_, byte_count));
    cursor_ += buffer->size();
    return buffer;
  }
  arrow::Status Seek(int64_t position) override {
    cursor_ = position;
    return arrow::Status::OK();
  }
  arrow::Result<int64_t> Tell() const override { return cursor_; }

 private:
  arrow::Result<int64_t> ReadLocked(int64_t offset, int64_t byte_count, char* out) {
    int64_t done = 0;
    while (done < byte_count) {
      const int64_t at = offset + done;
      const int64_t window_end = window_begin_ + static_cast<int64_t>(window_.size());
      if (at >= window_begin_ && at < window_end) {
        const int64_t taken = std::min(byte_count - done, window_end - at);
        std::memcpy(out + done, window_.data() + (at - window_begin_), static_cast<size_t>(taken));
        done += taken;
        continue;
      }
      const bool is_in_order = at == next_;
      if (!is_in_order) window_bytes_ = kWindowBytesMin;
      const int64_t wanted =
          is_in_order ? std::max(window_bytes_, byte_count - done) : byte_count - done;
      if (is_in_order) window_bytes_ = std::min(window_bytes_ * 2, kWindowBytesMax);
      ARROW_ASSIGN_OR_RAISE(
          window_,
          client_->Read(object_, at, std::min(wanted, found_.byte_count - at), found_.etag));
      window_begin_ = at;
    }
    next_ = offset + byte_count;
    return byte_count;
  }

  const std::shared_ptr<S3Client> client_;
  const S3Key object_;
  const S3Object found_;
  std::mutex mutex_;  // Guards what follows, but for the cursor of Read.
  std::string window_;
  int64_t window_begin_ = 0;
  int64_t window_bytes_ = kWindowBytesMin;
  int64_t next_ = 0;  // Where a read in order begins.
  int64_t cursor_ = 0;
  bool is_closed_ = false;
};

class S3Files final : public Files {
 public:
  explicit S3Files(std::shared_ptr<S3Client> client) : client_(std::move(client)) {}

  arrow::Result<std::shared_ptr<WritableFile>> CreateNew(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(S3Key object, ParseS3Path(path));
    if (object.key.empty()) return ConfigError("S3 path names no object: ", path);
    return std::make_shared<S3WritableFile>(client_, std::move(object));
  }

  arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(
      const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(S3Key object, ParseS3Path(path));
    ARROW_ASSIGN_OR_RAISE(S3Object found, client_->Head(object));
    return std::make_shared<S3InputFile>(client_, std::move(object), std::move(found));
  }

  arrow::Result<std::string> ReadAll(const std::string& path, int64_t byte_count_max) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key object, ParseS3Path(path));
    ARROW_ASSIGN_OR_RAISE(const S3Object found, client_->Head(object));
    if (found.byte_count > byte_count_max) {
      return BadData("File is larger than it may be, path, bytes and limit: ", path, " ",
                     found.byte_count, " ", byte_count_max);
    }
    return client_->Read(object, 0, found.byte_count, found.etag);
  }

  arrow::Status WriteNew(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(const auto file, CreateNew(path));
    ARROW_RETURN_NOT_OK(file->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
    return file->Close();
  }

  arrow::Status SyncDirectory(const std::string&) override { return arrow::Status::OK(); }

  arrow::Status CreateDirectories(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key folder, ParseS3Path(path));
    return client_->EnsureBucket(folder.bucket);
  }

  arrow::Result<std::vector<FileEntry>> List(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key folder, ParseS3Path(path));
    const std::string prefix = PrefixOf(folder);
    std::vector<FileEntry> entries;
    std::string token;
    do {
      ARROW_ASSIGN_OR_RAISE(S3Page page, client_->List(folder.bucket, prefix, "/", token));
      for (const S3Object& object : page.objects) {
        if (object.key == prefix) continue;  // A marker of the folder itself.
        entries.push_back(EntryOf(folder.bucket, object));
      }
      for (std::string& inner : page.prefixes) {
        inner.pop_back();
        entries.push_back(
            {.path = PathOf(folder.bucket, inner), .is_directory = true, .is_regular = false});
      }
      if (entries.size() > kEntriesMax) {
        return BadData("S3 folder has more entries than can be listed, path and limit: ", path, " ",
                       kEntriesMax);
      }
      token = std::move(page.next_token);
    } while (!token.empty());
    std::ranges::sort(entries, {}, &FileEntry::path);
    return entries;
  }

  arrow::Result<FileEntry> Stat(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key object, ParseS3Path(path));
    if (!object.key.empty() && !object.key.ends_with('/')) {
      auto found = client_->Head(object);
      if (found.ok()) return EntryOf(object.bucket, *found);
      if (KindOf(found.status()) != ErrorKind::kNotFound) return found.status();
    }
    ARROW_ASSIGN_OR_RAISE(const S3Page page,
                          client_->List(object.bucket, PrefixOf(object), "", "", /*keys_max=*/1));
    if (page.objects.empty() && !object.key.empty()) {
      return NotFound("S3 object or folder does not exist: ", path);
    }
    return FileEntry{.path = path, .is_directory = true, .is_regular = false};
  }

  arrow::Status Remove(const std::string& path) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key object, ParseS3Path(path));
    return client_->Delete(object);
  }

  arrow::Status PublishAtomically(const std::string& path, std::string_view bytes) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key object, ParseS3Path(path));
    return client_->Replace(object, std::string(bytes));
  }

  arrow::Status Rename(const std::string& from, const std::string& to) override {
    ARROW_ASSIGN_OR_RAISE(const S3Key source, ParseS3Path(from));
    ARROW_ASSIGN_OR_RAISE(const S3Key target, ParseS3Path(to));
    ARROW_RETURN_NOT_OK(client_->Copy(source, target));
    return client_->Delete(source);
  }

 private:
  static std::string PrefixOf(const S3Key& folder) {
    return folder.key.empty() || folder.key.ends_with('/') ? folder.key : folder.key + "/";
  }
  static FileEntry EntryOf(const std::string& bucket, const S3Object& object) {
    // By the key too: two objects of the same bytes are not one.
    const std::string text = bucket + "/" + object.key + " " + object.etag;
    const uint64_t version = XXH3_64bits(text.data(), text.size()) | 1;
    return {.path = PathOf(bucket, object.key),
            .byte_count = object.byte_count,
            .modified_us = object.modified_us,
            .inode = version};
  }

  const std::shared_ptr<S3Client> client_;
};

}  // namespace

std::unique_ptr<Files> MakeS3Files(std::shared_ptr<S3Client> client) {
  return std::make_unique<S3Files>(std::move(client));
}

arrow::Result<S3Key> ParseS3Path(const std::string& path) {
  if (!IsStorePath(path)) return ConfigError("Path does not begin with s3://: ", path);
  const std::string rest = path.substr(5);
  const size_t slash = rest.find('/');
  S3Key object{.bucket = rest.substr(0, slash),
               .key = slash == rest.npos ? "" : rest.substr(slash + 1)};
  const bool is_plain = std::ranges::all_of(object.bucket, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_';
  });
  if (object.bucket.size() < 3 || object.bucket.size() > 63 || !is_plain) {
    return ConfigError("S3 path has no bucket name of 3 to 63 letters, digits, `-` and `.`: ",
                       path);
  }
  return object;
}

}  // namespace catchwater
