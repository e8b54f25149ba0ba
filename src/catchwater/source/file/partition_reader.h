/// \file
/// Reads one file as blocks of whole frames.
///
/// Invariants:
/// 1. buffer_ holds the uncompressed bytes from offset_ on; offset_ is a frame boundary. Inside a
///    long record it holds what is not looked at yet, and offset_ stays at the record's beginning.
/// 2. A block's range begins where the last one ended; frames are never split.
/// 3. At most frame_bytes_max + block_bytes are held, however long a record is.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/component/codec.h"
#include "catchwater/component/source.h"
#include "catchwater/io/decompress.h"
#include "catchwater/io/files.h"
#include "catchwater/io/read_buffer_pool.h"
#include "catchwater/source/file/content_hash.h"
#include "catchwater/source/file/resume_token.h"

namespace catchwater {

/// What all readers of a source share; outlives them.
struct ReaderShared {
  Files& files;
  const Clock& clock;
  Framer& framer;
  std::shared_ptr<ReadBufferPool> pool;
  int64_t block_bytes = 1 << 20;
  int64_t frame_bytes_max = 16 << 20;
  DecompressOptions decompress;
};

/// One thread at a time.
class PartitionReader {
 public:
  /// \param path what Files opens
  /// \param failure not empty: the partition cannot be read, Next says so
  PartitionReader(const ReaderShared& shared, Offer offer, std::string path, std::string failure,
                  int64_t partition_id, const Position& resume_at);

  /// Returns the next block, or NotYet while a followed file does not grow or a long record is
  /// skipped, or how the partition ended. Not to be called after that.
  NextResult Next();

  /// A followed file was idle: do not ask before this time of the monotonic clock.
  int64_t poll_at_us() const { return poll_at_us_; }
  bool is_followed() const { return !offer_.is_bounded; }
  int64_t partition_id() const { return partition_id_; }
  const Offer& offer() const { return offer_; }
  /// What was hashed while reading: the whole content of a plain bounded file that was read from
  /// its beginning to its end; else null.
  const ContentHasher* whole_content() const;

 private:
  /// A record over frame_bytes_max of which only the beginning is kept.
  struct LongRecord {
    std::string beginning;
    int64_t byte_count = 0;
    int64_t line_count = 0;
  };

  arrow::Result<NextResult> Advance();
  arrow::Status Begin();
  arrow::Status ReadHead();
  void AddHead(std::string_view head);
  arrow::Status CheckResumeTail(const ResumeToken& token);
  arrow::Status CheckSizeAsFound();
  arrow::Status Fill();
  arrow::Result<NextResult> AtEnd();
  arrow::Result<NextResult> WaitForGrowth();
  arrow::Result<bool> WasRotated();
  NextResult CutBlock(int64_t byte_count);
  NextResult RejectFrame(int64_t byte_count, std::string reason);
  arrow::Result<NextResult> SkipLongRecord();
  void DropFront(int64_t byte_count);
  void MoveOn(Block& block, int64_t byte_count, int64_t line_count, std::string_view tail);
  PartitionFailed Failure(const arrow::Status& status) const;

  const ReaderShared& shared_;
  const Offer offer_;
  const std::string path_;
  const std::string failure_;
  const int64_t partition_id_;
  const Position resume_at_;

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::unique_ptr<ByteReader> stream_;
  std::shared_ptr<const Preamble> preamble_;
  std::shared_ptr<const Attributes> attributes_;  // With the head.
  ReadBuffer buffer_;
  std::unique_ptr<LongRecord> long_record_;
  std::unique_ptr<ContentHasher> hasher_;  // Null: not all bytes pass here in order.
  int64_t offset_ = 0;                     // Uncompressed, of the first byte not delivered.
  int64_t line_ = 0;                       // Number of the line at offset_, 0: not known.
  int64_t inode_ = 0;                      // Of the open file.
  int64_t seen_bytes_ = 0;                 // Followed: where the last look found the end.
  int64_t poll_at_us_ = 0;
  int64_t rotated_at_us_ = -1;  // When the path was first seen to lead elsewhere.
  bool is_at_end_ = false;      // The last read found the end (for now).
  bool is_complete_ = false;    // The file will not grow: its last record needs no end.
};

}  // namespace catchwater
