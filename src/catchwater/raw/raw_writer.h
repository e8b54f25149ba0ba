/// \file
/// Keeps the bytes of blocks as they were received, in files that wait for their commit.
///
///   Add* -> CloseShare -> (the committer) RawFolder::MakeDurable -> commit -> RawFolder::Publish
///
/// Source: docs/formats/raw.md.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/io/files.h"

namespace catchwater {

struct RawOptions {
  std::string folder;  ///< What `keep_raw` names.
  std::string lease;
  int64_t epoch = 0;
  std::string uuid;                         ///< At least 8 hexadecimal digits, new for each writer.
  int64_t segment_bytes_max = 128LL << 20;  ///< Of received bytes; then the next file begins.
  bool compresses = false;                  ///< As zstd, level 3.
};

/// One file of a flush. \post all bytes are handed to the operating system
struct RawSegment {
  std::string name;                    ///< As RawName writes it; in the folder `.pending`.
  std::shared_ptr<WritableFile> file;  ///< Null: it is synced and closed.
  int64_t byte_count = 0;              ///< Received bytes in it.
};

/// One thread at a time: the feeder's, so that files hold frames in the order of their receipt.
class RawWriter {
 public:
  /// Open at a time; further ones close the oldest.
  static constexpr size_t kOpenSegmentsMax = 16;

  RawWriter(RawOptions options, Files& files);
  ~RawWriter();  ///< Files that are not handed out stay pending: RawFolder::Recover removes them.

  /// \retval kUnavailable the disk is full: nothing more can be added
  arrow::Status Add(const Block& block);

  /// Ends the files of this flush, in the order in which they were begun.
  arrow::Result<std::vector<RawSegment>> CloseShare();

 private:
  struct Segment;
  enum class Kind { kBytes, kLines, kFrames };
  struct Key {
    int64_t hour = 0;  ///< Since the epoch.
    Kind kind = Kind::kBytes;
    int64_t partition_id = 0;  ///< 0: the file is shared by partitions.
    std::string head;
    auto operator<=>(const Key&) const = default;
  };

  arrow::Status AddBytes(const Block& block);
  arrow::Status AddFrames(const Block& block);
  arrow::Result<Segment*> Take(Key key, int64_t receive_us);
  arrow::Status Write(Segment* segment, std::string_view bytes);
  arrow::Status End(Segment* segment);
  arrow::Status EndDurably(std::map<Key, std::unique_ptr<Segment>>::iterator at);
  arrow::Status EndOldest();

  const RawOptions options_;
  Files& files_;
  int64_t number_next_ = 0;
  std::map<Key, std::unique_ptr<Segment>> open_;
  std::map<int64_t, RawSegment> done_;  // By number.
};

}  // namespace catchwater
