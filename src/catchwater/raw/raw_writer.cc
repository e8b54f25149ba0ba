#include "catchwater/raw/raw_writer.h"

#include <algorithm>
#include <array>
#include <utility>

#include <arrow/io/compressed.h>
#include <arrow/util/compression.h>

#include "catchwater/base/fail_point.h"
#include "catchwater/batch/partition_head.h"
#include "catchwater/raw/raw_folder.h"
#include "catchwater/raw/raw_name.h"

namespace catchwater {
namespace {

constexpr int64_t kMicrosPerHour = 3'600'000'000;
constexpr int kZstdLevel = 3;

/// Lets a stream above end without closing the file, which is still to be synced.
class KeepOpen final : public arrow::io::OutputStream {
 public:
  explicit KeepOpen(std::shared_ptr<WritableFile> file) : file_(std::move(file)) {}
  arrow::Status Close() override {
    is_closed_ = true;
    return arrow::Status::OK();
  }
  bool closed() const override { return is_closed_; }
  arrow::Result<int64_t> Tell() const override { return file_->Tell(); }
  arrow::Status Write(const void* bytes, int64_t byte_count) override {
    return file_->Write(bytes, byte_count);
  }

 private:
  const std::shared_ptr<WritableFile> file_;
  bool is_closed_ = false;
};

/// A document in a file ends where the file ends: another cannot go on behind it.
bool IsDocumentHead(std::string_view head) {
  const size_t last = head.find_last_not_of(" \t\r\n");
  return last != head.npos && (head[last] == '[' || head[last] == '{' || head[last] == ',');
}

}  // namespace

struct RawWriter::Segment {
  int64_t number = 0;
  RawSegment part;
  std::shared_ptr<arrow::io::OutputStream> stream;  // The file, or zstd over it.
  int64_t partition_last = 0;
  char byte_last = '\n';
};

RawWriter::RawWriter(RawOptions options, Files& files)
    : options_(std::move(options)), files_(files) {}

RawWriter::~RawWriter() = default;

arrow::Status RawWriter::Add(const Block& block) {
  if (block.bytes == nullptr || block.bytes->size() == 0) return arrow::Status::OK();
  const bool is_of_messages = !block.frame_ends.empty();
  ARROW_RETURN_NOT_OK(is_of_messages ? AddFrames(block) : AddBytes(block));
  return Reach(FailPoint::kRawWritten);
}

arrow::Status RawWriter::AddBytes(const Block& block) {
  const int64_t partition_id = block.origin.range.partition_id;
  Key key{.hour = block.origin.receive_us / kMicrosPerHour, .kind = Kind::kBytes};
  key.head = HeadOf(block);
  if (IsDocumentHead(key.head)) key.partition_id = partition_id;
  ARROW_ASSIGN_OR_RAISE(Segment * segment, Take(std::move(key), block.origin.receive_us));
  // The last line of a file needs no end; another file's line behind it does.
  if (segment->partition_last != partition_id && segment->byte_last != '\n') {
    ARROW_RETURN_NOT_OK(Write(segment, "\n"));
  }
  segment->partition_last = partition_id;
  return Write(segment, std::string_view(*block.bytes));
}

arrow::Status RawWriter::AddFrames(const Block& block) {
  const std::string_view bytes(*block.bytes);
  Key key{.hour = block.origin.receive_us / kMicrosPerHour, .kind = Kind::kLines};
  std::string lines;
  std::string frames;
  size_t begin = 0;
  for (const int64_t frame_end : block.frame_ends) {
    const auto end = static_cast<size_t>(frame_end);
    std::string_view frame = bytes.substr(begin, end - begin);
    begin = end;
    const size_t line_end = frame.find('\n');
    if (line_end == frame.npos || line_end + 1 == frame.size()) {
      lines += frame;
      if (line_end == frame.npos) lines += '\n';
      continue;
    }
    const auto byte_count = static_cast<uint32_t>(frame.size());
    for (int shift = 0; shift < 32; shift += 8) {
      frames += static_cast<char>(byte_count >> shift & 0xff);
    }
    frames += frame;
  }
  for (const auto& [kind, text] :
       {std::pair{Kind::kLines, &lines}, std::pair{Kind::kFrames, &frames}}) {
    if (text->empty()) continue;
    key.kind = kind;
    ARROW_ASSIGN_OR_RAISE(Segment * segment, Take(key, block.origin.receive_us));
    ARROW_RETURN_NOT_OK(Write(segment, *text));
  }
  return arrow::Status::OK();
}

arrow::Result<RawWriter::Segment*> RawWriter::Take(Key key, int64_t receive_us) {
  auto found = open_.find(key);
  if (found != open_.end()) {
    if (found->second->part.byte_count < options_.segment_bytes_max) return found->second.get();
    ARROW_RETURN_NOT_OK(EndDurably(found));
  }
  if (open_.size() >= kOpenSegmentsMax) ARROW_RETURN_NOT_OK(EndOldest());
  static constexpr std::array kExtensions = {"raw", "lines", "frames"};
  auto segment = std::make_unique<Segment>();
  segment->number = number_next_++;
  const RawName name{.first_us = receive_us,
                     .lease_hash = RawLeaseHash(options_.lease),
                     .epoch = options_.epoch,
                     .uuid = options_.uuid.substr(0, 8),
                     .number = segment->number,
                     .extension = std::string(kExtensions[static_cast<size_t>(key.kind)]) +
                                  (options_.compresses ? ".zst" : "")};
  segment->part.name = name.ToString();
  ARROW_ASSIGN_OR_RAISE(segment->part.file,
                        files_.CreateNew(PendingPath(options_.folder, segment->part.name)));
  segment->stream = segment->part.file;
  if (options_.compresses) {
    ARROW_ASSIGN_OR_RAISE(auto codec,
                          arrow::util::Codec::Create(arrow::Compression::ZSTD, kZstdLevel));
    ARROW_ASSIGN_OR_RAISE(segment->stream,
                          arrow::io::CompressedOutputStream::Make(
                              codec.get(), std::make_shared<KeepOpen>(segment->part.file)));
  }
  const std::string head = key.head;
  Segment* made = open_.emplace(std::move(key), std::move(segment)).first->second.get();
  if (!head.empty()) ARROW_RETURN_NOT_OK(Write(made, head));
  made->byte_last = '\n';  // What a partition begins with stands directly behind the head.
  return made;
}

arrow::Status RawWriter::Write(Segment* segment, std::string_view bytes) {
  ARROW_RETURN_NOT_OK(segment->stream->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
  segment->part.byte_count += static_cast<int64_t>(bytes.size());
  segment->byte_last = bytes.back();
  return arrow::Status::OK();
}

arrow::Status RawWriter::End(Segment* segment) {
  if (!options_.compresses) return arrow::Status::OK();
  return segment->stream->Close();
}

arrow::Status RawWriter::EndDurably(std::map<Key, std::unique_ptr<Segment>>::iterator at) {
  Segment& segment = *at->second;
  ARROW_RETURN_NOT_OK(End(&segment));
  ARROW_RETURN_NOT_OK(segment.part.file->Sync());
  ARROW_RETURN_NOT_OK(segment.part.file->Close());
  segment.part.file = nullptr;
  done_[segment.number] = std::move(segment.part);
  open_.erase(at);
  return arrow::Status::OK();
}

arrow::Status RawWriter::EndOldest() {
  return EndDurably(
      std::ranges::min_element(open_, {}, [](const auto& entry) { return entry.second->number; }));
}

arrow::Result<std::vector<RawSegment>> RawWriter::CloseShare() {
  for (auto& [key, segment] : open_) {
    ARROW_RETURN_NOT_OK(End(segment.get()));
    done_[segment->number] = std::move(segment->part);
  }
  open_.clear();
  std::vector<RawSegment> share;
  for (auto& [number, part] : done_) share.push_back(std::move(part));
  done_.clear();
  return share;
}

}  // namespace catchwater
