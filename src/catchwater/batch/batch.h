/// \file
/// The units that flow: Block (bytes from a source), Batch (rows), DeadLetter, Split.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/record_batch.h>

#include "catchwater/batch/position.h"

namespace catchwater {

/// The most raw bytes that a dead letter keeps.
inline constexpr int64_t kDeadLetterRawBytesMax = 64 << 10;

/// What stands before the first frame of a partition and is needed to decode every block of it,
/// e.g. the header line of a CSV file. Made by Codec::ReadPreamble. Immutable.
struct Preamble {
  virtual ~Preamble() = default;
};

/// Constants of a partition that a source knows by itself, as text: `path.stem`, `path.date`, ...
using Attributes = std::vector<std::pair<std::string, std::string>>;

/// Source -> codec. A frame is never split over two commits.
struct Block {
  Origin origin;
  std::shared_ptr<arrow::Buffer> bytes;
  /// End of each frame in `bytes` (exclusive). Empty: the codec frames the bytes, and the ordinal
  /// of a frame is range.from.ordinal + its offset in `bytes`.
  std::vector<int64_t> frame_ends;
  /// Ordinal of each frame when frame_ends is set.
  std::vector<uint64_t> frame_ordinals;
  /// Key, headers, topic, ...: one row a frame, or null.
  std::shared_ptr<arrow::RecordBatch> frame_columns;
  std::shared_ptr<const Preamble> preamble;
  std::shared_ptr<const Attributes> attributes;
  /// Line number of the first byte (1 = first line of the partition), 0 if not known.
  int64_t line_first = 0;
  /// Set when the source could not deliver the one frame in `bytes` whole, e.g. a record over
  /// frame_bytes_max: `bytes` is its beginning, reject_bytes its true length. It is not decoded.
  std::string reject_reason;
  int64_t reject_bytes = 0;
};

/// One thing that could not be decoded or validated.
struct DeadLetter {
  uint64_t frame_ordinal = 0;  ///< With the partition and row_in_frame: its identity.
  uint32_t row_in_frame = 0;
  std::string raw;        ///< The first kDeadLetterRawBytesMax bytes.
  int64_t raw_bytes = 0;  ///< The true length.
  std::string reason;     ///< A sentence: what is wrong, the value last.
  std::string rule;       ///< Stable short word for grouping: "csv.field_count", "range", ...
  std::string field;      ///< The column, or empty.
  int64_t line = 0;       ///< In the file, 1-based; 0 if not known.
  bool is_frame = false;  ///< The frame itself could not be decoded (counts as a dead frame).
};

/// Rows of one range. One thread at a time; arrays are immutable and shared.
struct Batch {
  std::shared_ptr<arrow::RecordBatch> rows;
  Origin origin;
  /// Per row, in row order; null when the pipeline asked for none (DecodeOptions::row_origins).
  std::shared_ptr<arrow::Array> frame_ordinals;  ///< uint64
  std::shared_ptr<arrow::Array> row_in_frame;    ///< uint32, or null: all 0
  /// Where each row's text stands in `raw`: kept so that a later step can write a dead letter.
  std::shared_ptr<arrow::Array> raw_begin;   ///< uint32
  std::shared_ptr<arrow::Array> raw_length;  ///< uint32
  std::shared_ptr<arrow::Buffer> raw;
};

/// Where rows and frames went: flows that only grow (docs/formats/ledger.md, the account).
enum class Bucket {
  kFrames,
  kDecodedFrames,
  kDeadFrames,
  kRows,
  kLake,
  kDeadRows,
  kFiltered,
  kDropped,
  kDeduplicated,
  kExpired,
  kUsed,
  kLate,
  kFuture,
};

/// A count that a step adds to the account.
struct Tally {
  Bucket bucket = Bucket::kFiltered;
  std::string reason;  ///< The rule or step, e.g. "select[0]"; a bounded set of words.
  int64_t row_count = 0;
};

/// What a codec or a step makes of its input. Bad rows are values, not errors.
struct Split {
  Batch good;
  std::vector<DeadLetter> dead;
  std::vector<Tally> tallies;
  int64_t frame_count = 0;       ///< Codecs: frames seen in the block, decoded + dead.
  int64_t dead_frame_count = 0;  ///< Codecs: frames of which nothing could be decoded.
};

}  // namespace catchwater
