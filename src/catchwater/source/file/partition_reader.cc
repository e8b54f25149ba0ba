#include "catchwater/source/file/partition_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/partition_head.h"
#include "catchwater/source/file/line_count.h"

namespace catchwater {
namespace {

constexpr int64_t kHeadFirstBytes = 64 << 10;
constexpr int64_t kFollowPollUs = 50'000;
// A writer may still hold the old file for a moment after the rotation.
constexpr int64_t kRotationGraceUs = 2'000'000;
// A block that fills less of its buffer is copied, so that small files do not pin large buffers.
constexpr int64_t kWorthSharingShare = 4;

}  // namespace

PartitionReader::PartitionReader(const ReaderShared& shared, Offer offer, std::string path,
                                 std::string failure, int64_t partition_id,
                                 const Position& resume_at)
    : shared_(shared),
      offer_(std::move(offer)),
      path_(std::move(path)),
      failure_(std::move(failure)),
      partition_id_(partition_id),
      resume_at_(resume_at),
      is_complete_(offer_.is_bounded) {}

NextResult PartitionReader::Next() {
  if (!failure_.empty()) {
    return PartitionFailed{
        .partition_id = partition_id_, .reason = failure_, .is_retryable = false};
  }
  arrow::Result<NextResult> result = Advance();
  if (!result.ok()) return Failure(result.status());
  return *std::move(result);
}

PartitionFailed PartitionReader::Failure(const arrow::Status& status) const {
  const ErrorKind kind = KindOf(status);
  std::string reason = status.message();
  if (reason.find(path_) == reason.npos) reason += ", file: " + path_;
  return {.partition_id = partition_id_,
          .reason = std::move(reason),
          .is_retryable = kind != ErrorKind::kBadData && kind != ErrorKind::kConfig};
}

arrow::Result<NextResult> PartitionReader::Advance() {
  if (!stream_) ARROW_RETURN_NOT_OK(Begin());
  if (long_record_) return SkipLongRecord();
  for (;;) {
    if (!is_at_end_) ARROW_RETURN_NOT_OK(Fill());
    const std::string_view bytes = buffer_.view();
    const bool is_end = is_at_end_ && is_complete_;
    const int64_t cut = bytes.empty() ? 0 : shared_.framer.CutAfter(preamble_.get(), bytes, is_end);
    CATCHWATER_CHECK(cut >= 0 && cut <= buffer_.byte_count(), "a framer cuts inside its bytes");
    if (cut > 0) return CutBlock(cut);
    if (buffer_.byte_count() > shared_.frame_bytes_max) {
      long_record_ = std::make_unique<LongRecord>();
      return SkipLongRecord();
    }
    if (is_at_end_) return AtEnd();
  }
}

arrow::Status PartitionReader::Begin() {
  ARROW_ASSIGN_OR_RAISE(const FileEntry entry, shared_.files.Stat(path_));
  ARROW_ASSIGN_OR_RAISE(file_, shared_.files.OpenInput(path_));
  inode_ = static_cast<int64_t>(entry.inode);
  ARROW_RETURN_NOT_OK(CheckSizeAsFound());
  ARROW_RETURN_NOT_OK(ReadHead());

  const ResumeToken token = ResumeToken::Parse(resume_at_.token);
  const auto resume_at = static_cast<int64_t>(resume_at_.ordinal);
  ARROW_ASSIGN_OR_RAISE(auto stream, ByteReader::Open(file_, shared_.decompress));
  if (resume_at > offset_) {
    ARROW_RETURN_NOT_OK(stream->SkipTo(resume_at - std::min(resume_at, token.tail_bytes)));
    offset_ = resume_at;
    line_ = token.line;
    hasher_.reset();
    stream_ = std::move(stream);
    return CheckResumeTail(token);
  }
  ARROW_RETURN_NOT_OK(stream->SkipTo(offset_));
  stream_ = std::move(stream);
  if (!offer_.is_bounded || stream_->compression() != Compression::kNone) hasher_.reset();
  return arrow::Status::OK();
}

const ContentHasher* PartitionReader::whole_content() const {
  const bool is_whole =
      hasher_ && offer_.file && is_at_end_ && hasher_->byte_count() == offer_.file->byte_count;
  return is_whole ? hasher_.get() : nullptr;
}

// A bounded file that is not as it was found belongs to another identity.
arrow::Status PartitionReader::CheckSizeAsFound() {
  if (!offer_.is_bounded || !offer_.file) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, file_->GetSize());
  if (byte_count == offer_.file->byte_count) return arrow::Status::OK();
  return Conflict("File changed since it was found (set `complete_after` if it is written slowly, ",
                  "`follow` if it keeps growing), bytes found, bytes now and path: ",
                  offer_.file->byte_count, " ", byte_count, " ", path_);
}

arrow::Status PartitionReader::ReadHead() {
  for (int64_t wanted = kHeadFirstBytes;; wanted *= 2) {
    ARROW_ASSIGN_OR_RAISE(auto stream, ByteReader::Open(file_, shared_.decompress));
    ReadBuffer head = shared_.pool->Take(wanted);
    ARROW_ASSIGN_OR_RAISE(const int64_t got, stream->Read(wanted, head.begin()));
    head.AddFilled(got);
    std::memset(head.end(), 0, kReadPaddingBytes);
    ARROW_ASSIGN_OR_RAISE(const Framer::Head found,
                          shared_.framer.ReadHead(head.view(), got < wanted));
    if (!found.needs_more) {
      offset_ = found.byte_count;
      line_ = shared_.framer.is_line_based() ? found.line_count + 1 : 0;
      preamble_ = found.preamble;
      AddHead(head.view().substr(0, static_cast<size_t>(offset_)));
      hasher_ = std::make_unique<ContentHasher>();
      hasher_->Add(head.view().substr(0, static_cast<size_t>(offset_)));
      shared_.pool->Return(std::move(head));
      return arrow::Status::OK();
    }
    if (got < wanted || wanted > shared_.frame_bytes_max) {
      return BadData("Beginning of the file is longer than frame_bytes_max or never ends, bytes: ",
                     got);
    }
  }
}

void PartitionReader::AddHead(std::string_view head) {
  attributes_ = offer_.attributes;
  if (head.empty()) return;
  Attributes attributes;
  if (attributes_ != nullptr) attributes = *attributes_;
  attributes.emplace_back(kHeadAttribute, head);
  attributes_ = std::make_shared<const Attributes>(std::move(attributes));
}

arrow::Status PartitionReader::CheckResumeTail(const ResumeToken& token) {
  char tail[kResumeTailBytesMax];
  ARROW_ASSIGN_OR_RAISE(const int64_t got, stream_->Read(token.tail_bytes, tail));
  const std::string_view found(tail, static_cast<size_t>(got));
  if (got == token.tail_bytes &&
      (got == 0 || ResumeToken::Make(token.line, found).tail_hash == token.tail_hash)) {
    return arrow::Status::OK();
  }
  return BadData("File is not the one that was read before: the bytes before the position differ ",
                 "(it was replaced or cut), position and path: ", resume_at_.ordinal, " ", path_);
}

// Reads up to the buffer's end; a record that fills it makes it grow.
arrow::Status PartitionReader::Fill() {
  if (buffer_.capacity() == 0) buffer_ = shared_.pool->Take();
  if (buffer_.free_count() == 0) {
    const int64_t limit = shared_.frame_bytes_max + shared_.block_bytes;
    ReadBuffer larger = shared_.pool->Take(std::min(2 * buffer_.capacity(), limit));
    std::memcpy(larger.begin(), buffer_.begin(), static_cast<size_t>(buffer_.byte_count()));
    larger.AddFilled(buffer_.byte_count());
    std::swap(buffer_, larger);
    shared_.pool->Return(std::move(larger));
  }
  const int64_t wanted = buffer_.free_count();
  ARROW_ASSIGN_OR_RAISE(const int64_t got, stream_->Read(wanted, buffer_.end()));
  if (hasher_) hasher_->Add({buffer_.end(), static_cast<size_t>(got)});
  buffer_.AddFilled(got);
  std::memset(buffer_.end(), 0, kReadPaddingBytes);
  is_at_end_ = got < wanted;
  return arrow::Status::OK();
}

arrow::Result<NextResult> PartitionReader::AtEnd() {
  if (!is_complete_) return WaitForGrowth();
  if (buffer_.byte_count() > 0) {
    return RejectFrame(buffer_.byte_count(), "File ends inside a record");
  }
  ARROW_RETURN_NOT_OK(CheckSizeAsFound());
  shared_.pool->Return(std::exchange(buffer_, {}));
  return PartitionEnd{partition_id_};
}

// Gives the memory back and reads an unfinished record again when there is more of it: the whole
// state of an idle file is offset_.
arrow::Result<NextResult> PartitionReader::WaitForGrowth() {
  seen_bytes_ = std::max(seen_bytes_, stream_->offset());
  if (!long_record_) ARROW_RETURN_NOT_OK(stream_->SkipTo(offset_));
  shared_.pool->Return(std::exchange(buffer_, {}));

  ARROW_ASSIGN_OR_RAISE(const int64_t byte_count, file_->GetSize());
  if (byte_count < seen_bytes_) {
    return BadData("File was cut while it was followed, bytes now, bytes read and path: ",
                   byte_count, " ", seen_bytes_, " ", path_);
  }
  const int64_t now_us = shared_.clock.MonotonicMicros();
  poll_at_us_ = now_us + kFollowPollUs;
  if (byte_count > seen_bytes_) {
    rotated_at_us_ = -1;
    is_at_end_ = false;
    return Advance();
  }
  ARROW_ASSIGN_OR_RAISE(const bool was_rotated, WasRotated());
  if (!was_rotated) {
    rotated_at_us_ = -1;
  } else if (rotated_at_us_ < 0) {
    rotated_at_us_ = now_us;
  } else if (now_us - rotated_at_us_ >= kRotationGraceUs) {
    is_complete_ = true;  // Its last record needs no end any more.
    is_at_end_ = false;
    return Advance();
  }
  return NotYet{};
}

arrow::Result<bool> PartitionReader::WasRotated() {
  const auto entry = shared_.files.Stat(path_);
  if (entry.ok()) return static_cast<int64_t>(entry->inode) != inode_;
  if (KindOf(entry.status()) == ErrorKind::kNotFound) return true;
  return entry.status();
}

// The block takes the buffer along; what is behind the cut begins the next one.
NextResult PartitionReader::CutBlock(int64_t byte_count) {
  const int64_t rest_count = buffer_.byte_count() - byte_count;
  const std::string_view bytes = buffer_.view().substr(0, static_cast<size_t>(byte_count));
  const bool counts_lines = line_ > 0 && shared_.framer.is_line_based();
  Block block;
  MoveOn(block, byte_count, counts_lines ? CountLineEnds(bytes) : 0, bytes);

  const bool is_small = byte_count * kWorthSharingShare < buffer_.capacity();
  if (is_small) {
    ReadBuffer copy(std::make_unique_for_overwrite<uint8_t[]>(
                        static_cast<size_t>(byte_count + kReadPaddingBytes)),
                    byte_count);
    std::memcpy(copy.begin(), bytes.data(), bytes.size());
    copy.AddFilled(byte_count);
    block.bytes = shared_.pool->Share(std::move(copy));
    DropFront(byte_count);
    return block;
  }
  ReadBuffer next;
  if (rest_count > 0) {
    next = shared_.pool->Take(rest_count);
    std::memcpy(next.begin(), buffer_.begin() + byte_count, static_cast<size_t>(rest_count));
    next.AddFilled(rest_count);
  }
  buffer_.Truncate(byte_count);
  block.bytes = shared_.pool->Share(std::exchange(buffer_, std::move(next)));
  return block;
}

NextResult PartitionReader::RejectFrame(int64_t byte_count, std::string reason) {
  const std::string_view bytes = buffer_.view().substr(0, static_cast<size_t>(byte_count));
  Block block;
  block.bytes = arrow::Buffer::FromString(
      std::string(bytes.substr(0, static_cast<size_t>(kDeadLetterRawBytesMax))));
  block.reject_reason = std::move(reason);
  block.reject_bytes = byte_count;
  MoveOn(block, byte_count, line_ > 0 ? CountLineEnds(bytes) : 0, bytes);
  DropFront(byte_count);
  return block;
}

// One buffer at a time, so that a record of any length neither grows memory nor holds up a stop.
arrow::Result<NextResult> PartitionReader::SkipLongRecord() {
  LongRecord& record = *long_record_;
  if (!is_at_end_ && buffer_.byte_count() == 0) ARROW_RETURN_NOT_OK(Fill());
  const std::string_view bytes = buffer_.view();
  int64_t end = bytes.empty() ? -1 : shared_.framer.ResyncAfter(preamble_.get(), bytes);
  const bool is_found = end >= 0 || (is_at_end_ && is_complete_);
  if (end < 0) end = buffer_.byte_count();
  const auto taken = bytes.substr(0, static_cast<size_t>(end));
  const auto room = static_cast<size_t>(kDeadLetterRawBytesMax) - record.beginning.size();
  record.beginning.append(taken.substr(0, room));
  record.byte_count += end;
  if (line_ > 0) record.line_count += CountLineEnds(taken);
  if (!is_found) {
    DropFront(end);
    return is_at_end_ ? WaitForGrowth() : NextResult(NotYet{});
  }
  Block block;
  block.bytes = arrow::Buffer::FromString(std::move(record.beginning));
  block.reject_reason = "Record is longer than frame_bytes_max";
  block.reject_bytes = record.byte_count;
  MoveOn(block, record.byte_count, record.line_count, taken);
  DropFront(end);
  long_record_.reset();
  return block;
}

void PartitionReader::DropFront(int64_t byte_count) {
  if (buffer_.capacity() == 0) return;
  const int64_t rest_count = buffer_.byte_count() - byte_count;
  std::memmove(buffer_.begin(), buffer_.begin() + byte_count, static_cast<size_t>(rest_count));
  buffer_.Truncate(rest_count);
  std::memset(buffer_.end(), 0, kReadPaddingBytes);
}

// Fills the block's origin and moves offset_ and line_ behind it. \param tail bytes up to its end
void PartitionReader::MoveOn(Block& block, int64_t byte_count, int64_t line_count,
                             std::string_view tail) {
  block.line_first = line_;
  block.attributes = attributes_;
  block.preamble = preamble_;
  block.origin.receive_us = shared_.clock.NowMicros();
  block.origin.range.partition_id = partition_id_;
  block.origin.range.from.ordinal = static_cast<uint64_t>(offset_);
  offset_ += byte_count;
  if (line_ > 0) line_ += line_count;
  block.origin.range.to = {.ordinal = static_cast<uint64_t>(offset_),
                           .token = ResumeToken::Make(line_, tail).ToString()};
}

}  // namespace catchwater
