// What Open does with the files of an earlier run.

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/spool/spool.h"

namespace catchwater {
namespace {

constexpr std::string_view kTemporary = ".tmp";

std::string ParentOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos || slash == 0 ? "." : path.substr(0, slash);
}

arrow::Status Damaged(const std::string& path, uint64_t offset) {
  return BadData("Spool is damaged, file and offset: ", path, " ", offset,
                 ". Bring the file back from a copy; or, to give up what was received and is not "
                 "in a table yet, move the folder away");
}

}  // namespace

arrow::Result<std::unique_ptr<Spool>> Spool::Open(Files& files, SpoolOptions options,
                                                  Random random) {
  options.segment_bytes = std::min(options.segment_bytes, options.bytes_max / 4);
  std::unique_ptr<Spool> spool(new Spool(files, std::move(options)));
  ARROW_RETURN_NOT_OK(spool->Recover(std::move(random)));
  return spool;
}

arrow::Status Spool::Recover(Random random) {
  ARROW_RETURN_NOT_OK(files_.CreateDirectories(options_.folder));
  if (options_.is_locked) {
    ARROW_ASSIGN_OR_RAISE(lock_, FileLock::Acquire(options_.folder + "/lock"));
  }
  ARROW_RETURN_NOT_OK(ListSegments());
  if (!segments_.empty()) {
    ARROW_RETURN_NOT_OK(ReadUuid());
    ARROW_RETURN_NOT_OK(RecoverLast());
  }
  if (segments_.empty()) {
    uuid_ = random.Uuid();
    durable_ordinal_ = 0;
    const std::string parent = ParentOf(options_.folder);
    ARROW_RETURN_NOT_OK(files_.SyncDirectory(parent));
    ARROW_RETURN_NOT_OK(files_.SyncDirectory(ParentOf(parent)));
  }
  next_ordinal_ = durable_ordinal_;
  for (const Segment& segment : segments_) byte_count_ += segment.byte_count;
  return arrow::Status::OK();
}

arrow::Status Spool::ListSegments() {
  ARROW_ASSIGN_OR_RAISE(const auto entries, files_.List(options_.folder));
  for (const FileEntry& entry : entries) {
    const std::string_view name = std::string_view(entry.path).substr(entry.path.rfind('/') + 1);
    if (name.ends_with(kTemporary)) ARROW_RETURN_NOT_OK(files_.Remove(entry.path));
    const auto segment = ParseSegmentName(name);
    if (!segment) continue;
    segments_.push_back({.name = *segment, .byte_count = entry.byte_count});
    next_number_ = std::max(next_number_, segment->number + 1);
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.name.number < b.name.number; });
  for (size_t i = 1; i < segments_.size(); ++i) {
    if (segments_[i].name.base_ordinal < segments_[i - 1].name.base_ordinal) {
      return Damaged(PathOf(segments_[i].name), 0);
    }
  }
  return arrow::Status::OK();
}

// All segments are of one spool; only the last may have a header that did not reach the disk.
arrow::Status Spool::ReadUuid() {
  for (size_t i = 0; i < segments_.size(); ++i) {
    const std::string path = PathOf(segments_[i].name);
    ARROW_ASSIGN_OR_RAISE(const auto file, files_.OpenInput(path));
    std::string bytes(static_cast<size_t>(kSegmentHeaderBytes), '\0');
    ARROW_ASSIGN_OR_RAISE(const int64_t got, file->ReadAt(0, kSegmentHeaderBytes, bytes.data()));
    bytes.resize(static_cast<size_t>(got));
    const auto header = DecodeSegmentHeader(bytes);
    const bool is_good = header.ok() && header->base_ordinal == segments_[i].name.base_ordinal &&
                         (uuid_.empty() || uuid_ == header->uuid);
    if (is_good) {
      uuid_ = header->uuid;
    } else if (i + 1 < segments_.size() || header.ok()) {
      return Damaged(path, 0);
    }
  }
  return arrow::Status::OK();
}

arrow::Status Spool::RecoverLast() {
  const Segment last = segments_.back();
  const std::string path = PathOf(last.name);
  ARROW_ASSIGN_OR_RAISE(const std::string bytes, files_.ReadAll(path, INT64_MAX));
  const bool has_header = DecodeSegmentHeader(bytes).ok();
  std::string_view records(bytes);
  records.remove_prefix(std::min(records.size(), static_cast<size_t>(kSegmentHeaderBytes)));
  const SegmentScan scan = ScanSegment(records, last.name.base_ordinal);
  if (scan.is_damaged || (!has_header && scan.end_ordinal > last.name.base_ordinal)) {
    return Damaged(path, scan.end_ordinal - last.name.base_ordinal +
                             static_cast<uint64_t>(has_header ? kSegmentHeaderBytes : 0));
  }
  durable_ordinal_ = scan.end_ordinal;
  if (!has_header) {
    // Its making was cut short; the one before it reaches up to where it would have begun.
    segments_.pop_back();
    return files_.Remove(path);
  }
  // What is whole but not proven durable may be in the page cache alone.
  if (scan.durable_ordinal == scan.end_ordinal) return arrow::Status::OK();
  const uint64_t tail_at = scan.durable_ordinal - last.name.base_ordinal;
  return CopyTail(records.substr(tail_at, scan.end_ordinal - scan.durable_ordinal),
                  scan.durable_ordinal, scan.end_ordinal);
}

// The copy appears with its name when it is durable: a crash before that leaves all as it was.
arrow::Status Spool::CopyTail(std::string_view records, uint64_t begin_ordinal,
                              uint64_t end_ordinal) {
  const SegmentName name{.number = next_number_++, .base_ordinal = begin_ordinal};
  std::string bytes = EncodeSegmentHeader({.uuid = uuid_, .base_ordinal = begin_ordinal});
  bytes += records;
  AppendSpoolRecord(
      {.kind = SpoolRecordKind::kSeal, .ordinal = end_ordinal, .durable_ordinal = end_ordinal},
      &bytes);
  const std::string temporary = PathOf(name) + std::string(kTemporary);
  ARROW_RETURN_NOT_OK(files_.WriteNew(temporary, bytes));
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kSpoolTailWritten));
  ARROW_RETURN_NOT_OK(files_.Rename(temporary, PathOf(name)));
  ARROW_RETURN_NOT_OK(files_.SyncDirectory(options_.folder));
  ARROW_RETURN_NOT_OK(Reach(FailPoint::kSpoolTailPublished));
  segments_.push_back({.name = name, .byte_count = static_cast<int64_t>(bytes.size())});
  return arrow::Status::OK();
}

}  // namespace catchwater
