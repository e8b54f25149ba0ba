#include "catchwater/spool/spool.h"

#include <algorithm>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"

namespace catchwater {

Spool::Spool(Files& files, SpoolOptions options) : files_(files), options_(std::move(options)) {}

// Without Close the file is abandoned: what was not synced was not told to be durable.
Spool::~Spool() = default;

std::string Spool::PathOf(const SegmentName& name) const {
  return options_.folder + "/" + FormatSegmentName(name);
}

arrow::Result<Spool::Ticket> Spool::Append(std::string_view payload) {
  const int64_t byte_count = kSpoolRecordHeaderBytes + static_cast<int64_t>(payload.size());
  if (static_cast<int64_t>(payload.size()) > kSpoolPayloadBytesMax ||
      byte_count > options_.bytes_max) {
    return BadData("Record is longer than the spool may hold, bytes: ", payload.size());
  }
  std::lock_guard lock(mutex_);
  if (byte_count_ + byte_count > options_.bytes_max) {
    return MakeError(ErrorKind::kThrottled,
                     "Spool is full, bytes and bytes_max: " + std::to_string(byte_count_) + ", " +
                         std::to_string(options_.bytes_max));
  }
  const SpoolRecord record{
      .ordinal = next_ordinal_, .durable_ordinal = durable_ordinal_, .payload = payload};
  AppendSpoolRecord(record, &waiting_);
  next_ordinal_ = record.end_ordinal();
  byte_count_ += byte_count;
  return Ticket{.end_ordinal = next_ordinal_, .generation = generation_};
}

arrow::Status Spool::WaitDurable(const Ticket& ticket) {
  std::unique_lock lock(mutex_);
  return SyncUpTo(lock, ticket);
}

arrow::Status Spool::Sync() {
  std::unique_lock lock(mutex_);
  return SyncUpTo(lock, {.end_ordinal = next_ordinal_, .generation = generation_});
}

arrow::Status Spool::SyncUpTo(std::unique_lock<std::mutex>& lock, const Ticket& ticket) {
  while (true) {
    if (ticket.generation != generation_) {
      const bool was_durable =
          ticket.generation + 1 == generation_ && ticket.end_ordinal <= durable_at_failure_;
      return was_durable ? arrow::Status::OK() : failure_;
    }
    if (ticket.end_ordinal <= durable_ordinal_) return arrow::Status::OK();
    if (is_syncing_) {
      synced_.wait(lock);
    } else {
      SyncGroup(lock);
    }
  }
}

// The first who waits writes and syncs for all who wait; meanwhile the next group gathers.
void Spool::SyncGroup(std::unique_lock<std::mutex>& lock) {
  is_syncing_ = true;
  std::string group = std::exchange(waiting_, {});
  const uint64_t group_ordinal = durable_ordinal_;
  const uint64_t group_end_ordinal = next_ordinal_;
  lock.unlock();
  arrow::Status status = WriteGroup(group, group_ordinal);
  lock.lock();
  is_syncing_ = false;
  if (status.ok()) {
    durable_ordinal_ = group_end_ordinal;
    segments_.back().byte_count += static_cast<int64_t>(group.size());
    if (options_.bell != nullptr) options_.bell->Ring();
  } else {
    // What came meanwhile stands behind a group that is not there: it is lost with it.
    byte_count_ -= static_cast<int64_t>(group.size() + waiting_.size());
    waiting_.clear();
    next_ordinal_ = durable_ordinal_;
    durable_at_failure_ = durable_ordinal_;
    failure_ = std::move(status);
    ++generation_;
  }
  synced_.notify_all();
}

arrow::Status Spool::WriteGroup(const std::string& group, uint64_t group_ordinal) {
  if (active_ != nullptr && active_bytes_ >= options_.segment_bytes) {
    // Not sealed: that there is a next segment says that this one is durable up to there.
    const arrow::Status closed = std::exchange(active_, nullptr)->Close();
    ARROW_RETURN_NOT_OK(closed);
  }
  if (active_ == nullptr) ARROW_RETURN_NOT_OK(OpenActive(group_ordinal));
  auto write = [&]() -> arrow::Status {
    ARROW_RETURN_NOT_OK(active_->Write(group.data(), static_cast<int64_t>(group.size())));
    ARROW_RETURN_NOT_OK(active_->Flush());
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kSpoolGroupWritten));
    ARROW_RETURN_NOT_OK(active_->Sync());
    return Reach(FailPoint::kSpoolGroupSynced);
  };
  const arrow::Status status = write();
  active_bytes_ += static_cast<int64_t>(group.size());
  // After a failed write or fsync nobody knows what the file holds: it is never written again.
  if (!status.ok()) (void)std::exchange(active_, nullptr)->Close();
  return status;
}

arrow::Status Spool::OpenActive(uint64_t base_ordinal) {
  SegmentName name{.base_ordinal = base_ordinal};
  {
    std::lock_guard lock(mutex_);
    name.number = next_number_++;
  }
  const std::string path = PathOf(name);
  ARROW_ASSIGN_OR_RAISE(auto file, files_.CreateNew(path));
  const std::string header = EncodeSegmentHeader({.uuid = uuid_, .base_ordinal = base_ordinal});
  arrow::Status status = file->Write(header.data(), static_cast<int64_t>(header.size()));
  if (status.ok()) status = file->Sync();
  if (status.ok()) status = files_.SyncDirectory(options_.folder);
  if (status.ok()) status = Reach(FailPoint::kSpoolSegmentCreated);
  if (!status.ok()) {
    (void)file->Close();
    (void)files_.Remove(path);
    return status;
  }
  active_ = std::move(file);
  active_bytes_ = static_cast<int64_t>(header.size());
  std::lock_guard lock(mutex_);
  segments_.push_back({.name = name, .byte_count = active_bytes_});
  byte_count_ += active_bytes_;
  return arrow::Status::OK();
}

uint64_t Spool::begin_ordinal() const {
  std::lock_guard lock(mutex_);
  return segments_.empty() ? durable_ordinal_ : segments_.front().name.base_ordinal;
}

uint64_t Spool::durable_ordinal() const {
  std::lock_guard lock(mutex_);
  return durable_ordinal_;
}

uint64_t Spool::appended_ordinal() const {
  std::lock_guard lock(mutex_);
  return next_ordinal_;
}

int64_t Spool::byte_count() const {
  std::lock_guard lock(mutex_);
  return byte_count_;
}

int64_t Spool::free_bytes() const {
  std::lock_guard lock(mutex_);
  return options_.bytes_max - byte_count_;
}

arrow::Result<std::optional<Spool::Place>> Spool::Locate(uint64_t ordinal) const {
  std::lock_guard lock(mutex_);
  if (ordinal == durable_ordinal_) return std::nullopt;
  if (ordinal > durable_ordinal_) {
    return BadData("Spool ends before the position that was committed, it lost records. Folder, ",
                   "end and position: ", options_.folder, " ", durable_ordinal_, " ", ordinal);
  }
  for (size_t i = segments_.size(); i-- > 0;) {
    const uint64_t end_ordinal =
        i + 1 < segments_.size() ? segments_[i + 1].name.base_ordinal : durable_ordinal_;
    const uint64_t base_ordinal = segments_[i].name.base_ordinal;
    if (ordinal < base_ordinal || ordinal >= end_ordinal) continue;
    return Place{.path = PathOf(segments_[i].name),
                 .base_ordinal = base_ordinal,
                 .end_ordinal = end_ordinal};
  }
  return BadData("Spool begins behind the position that was committed, a segment is missing. ",
                 "Folder and position: ", options_.folder, " ", ordinal);
}

arrow::Status Spool::Trim(uint64_t ordinal) {
  while (true) {
    std::string path;
    {
      std::lock_guard lock(mutex_);
      // The last one stays: it knows the uuid, and may be the one that is written.
      if (segments_.size() < 2 || segments_[1].name.base_ordinal > ordinal) {
        return arrow::Status::OK();
      }
      path = PathOf(segments_.front().name);
    }
    ARROW_RETURN_NOT_OK(files_.Remove(path));
    {
      std::lock_guard lock(mutex_);
      byte_count_ -= segments_.front().byte_count;
      segments_.pop_front();
    }
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kSpoolSegmentTrimmed));
  }
}

arrow::Status Spool::Close() {
  ARROW_RETURN_NOT_OK(Sync());
  if (active_ == nullptr) return arrow::Status::OK();
  const auto file = std::exchange(active_, nullptr);
  std::string seal;
  AppendSpoolRecord({.kind = SpoolRecordKind::kSeal,
                     .ordinal = durable_ordinal_,
                     .durable_ordinal = durable_ordinal_},
                    &seal);
  ARROW_RETURN_NOT_OK(file->Write(seal.data(), static_cast<int64_t>(seal.size())));
  ARROW_RETURN_NOT_OK(file->Sync());
  return file->Close();
}

}  // namespace catchwater
