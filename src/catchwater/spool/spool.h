/// \file
/// The durable inbox: makes a source without replay (HTTP push, MQTT) replayable. What is appended
/// gets an ordinal; the sender is answered when it is durable; the reader hands it to the pipeline;
/// what the pipeline has committed is trimmed. Source: docs/formats/spool.md.
///
/// Invariants:
/// 1. Only what is durable is read, and what was told to be durable is read after any crash.
/// 2. Ordinals grow without gaps; a record that was refused or lost with its group leaves none.
/// 3. A torn end is cut; damage before it is an error that names file and offset, never skipped.
/// 4. Bytes on disk and waiting stay below bytes_max; then Append says kThrottled.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/base/bell.h"
#include "catchwater/base/random.h"
#include "catchwater/io/file_lock.h"
#include "catchwater/io/files.h"
#include "catchwater/spool/spool_format.h"

namespace catchwater {

struct SpoolOptions {
  std::string folder;
  int64_t bytes_max = 1LL << 30;
  int64_t segment_bytes = 16LL << 20;  ///< A quarter of bytes_max at most: trimmed as a whole.
  bool is_locked = true;               ///< Keeps other processes out; the local disk only.
  Bell* bell = nullptr;                ///< Rung when records became durable; null: nobody listens.
};

/// Any thread. Of the threads that wait for one fsync the first does it for all.
class Spool {
 public:
  /// Makes the folder or recovers what is in it.
  /// \retval kBadData damage in the middle, with file and offset
  /// \retval kUnavailable another process has it open
  static arrow::Result<std::unique_ptr<Spool>> Open(Files& files, SpoolOptions options,
                                                    Random random);
  ~Spool();

  const std::string& uuid() const { return uuid_; }

  /// A record that was appended, to wait for.
  struct Ticket {
    uint64_t end_ordinal = 0;
    uint64_t generation = 0;  ///< Of failures: what was appended before one may be lost with it.
  };
  /// Takes the payload into the group that waits for the next fsync.
  /// \retval kThrottled full: wait for the pipeline to commit
  /// \retval kBadData longer than a record may be
  arrow::Result<Ticket> Append(std::string_view payload);
  /// Returns when the record is durable. A failed write or fsync loses the group: its senders must
  /// send again. The next group goes into a new file, so that a disk that has room again is used.
  arrow::Status WaitDurable(const Ticket& ticket);
  /// Makes everything that was appended durable.
  arrow::Status Sync();

  uint64_t begin_ordinal() const;    ///< Of the oldest record that is kept.
  uint64_t durable_ordinal() const;  ///< Behind the newest that may be read.
  uint64_t appended_ordinal() const;
  int64_t byte_count() const;  ///< On disk and waiting.
  int64_t free_bytes() const;

  /// Where records from the ordinal on stand. Nothing: none is durable yet.
  struct Place {
    std::string path;
    uint64_t base_ordinal = 0;
    uint64_t end_ordinal = 0;  ///< Of what may be read there now.
  };
  /// \retval kBadData before begin_ordinal, behind the end, or a segment is missing
  arrow::Result<std::optional<Place>> Locate(uint64_t ordinal) const;

  /// Lets go of segments that end at or before the ordinal: they are committed.
  arrow::Status Trim(uint64_t ordinal);
  /// Makes durable what waits and seals the segment.
  arrow::Status Close();

 private:
  struct Segment {
    SegmentName name;
    int64_t byte_count = 0;
  };

  Spool(Files& files, SpoolOptions options);
  std::string PathOf(const SegmentName& name) const;
  arrow::Status Recover(Random random);
  arrow::Status ListSegments();
  arrow::Status ReadUuid();
  arrow::Status RecoverLast();
  arrow::Status CopyTail(std::string_view records, uint64_t begin_ordinal, uint64_t end_ordinal);
  arrow::Status WriteGroup(const std::string& group, uint64_t group_ordinal);
  arrow::Status OpenActive(uint64_t base_ordinal);
  arrow::Status SyncUpTo(std::unique_lock<std::mutex>& lock, const Ticket& ticket);
  void SyncGroup(std::unique_lock<std::mutex>& lock);

  Files& files_;
  const SpoolOptions options_;
  std::string uuid_;
  std::optional<FileLock> lock_;

  // Of the thread that set is_syncing_.
  std::shared_ptr<WritableFile> active_;  // Null: the next group begins a new segment.
  int64_t active_bytes_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable synced_;
  // Guarded by mutex_, as all below. A segment ends where the next begins, the last one at
  // durable_ordinal_; what its file has behind that was lost or never told to be durable.
  std::deque<Segment> segments_;
  uint64_t next_number_ = 1;
  std::string waiting_;  // Records of the next group.
  uint64_t next_ordinal_ = 0;
  uint64_t durable_ordinal_ = 0;
  int64_t byte_count_ = 0;  // On disk, and being written.
  bool is_syncing_ = false;
  uint64_t generation_ = 0;
  uint64_t durable_at_failure_ = 0;
  arrow::Status failure_;  // Of the last group that was lost.
};

}  // namespace catchwater
