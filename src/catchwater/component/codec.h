/// \file
/// Seam: bytes <-> batches. Pure: no thread, no clock, no I/O.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"

namespace catchwater {

struct DecodeOptions {
  /// Only these are parsed, in this order; the result has exactly these columns.
  std::vector<Column> columns;
  /// Fill Batch::frame_ordinals, row_in_frame, raw_begin, raw_length, raw.
  bool row_origins = false;
  /// A record that is longer is a dead letter.
  int64_t frame_bytes_max = 16 << 20;
};

/// Cuts the byte stream of one partition at frame boundaries. Keeps no state between calls.
/// Used by sources that deliver bytes (files); one thread at a time.
class Framer {
 public:
  virtual ~Framer() = default;

  struct Head {
    bool needs_more = false;  ///< `bytes` is too short to tell; give more or set is_end.
    int64_t byte_count = 0;   ///< Bytes before the first frame: BOM, header line.
    int64_t line_count = 0;   ///< Line ends among them.
    std::shared_ptr<const Preamble> preamble;
  };
  /// Reads what stands before the first frame. Called once a partition with its beginning, also
  /// when reading resumes in the middle.
  /// \retval kBadData if the partition cannot be of this format at all (e.g. a declared column is
  ///   not in the CSV header): the whole file fails
  virtual arrow::Result<Head> ReadHead(std::string_view bytes, bool is_end) = 0;

  /// Returns how many of the bytes, from the start, are whole frames; 0: none is complete.
  /// `bytes` begins at a frame boundary. With is_end the last record needs no line end.
  virtual int64_t Cut(std::string_view bytes, bool is_end) = 0;

  /// As Cut, for a partition whose head gave this preamble (may be null): for formats that are told
  /// apart by their beginning. One framer may serve several partitions, so sources call this one.
  virtual int64_t CutAfter(const Preamble* /*preamble*/, std::string_view bytes, bool is_end) {
    return Cut(bytes, is_end);
  }

  /// For a record over frame_bytes_max: returns the offset just behind the next place where a new
  /// record may begin (a line end), or -1 if there is none in `bytes`.
  virtual int64_t Resync(std::string_view bytes) = 0;

  /// As Resync, after the preamble.
  virtual int64_t ResyncAfter(const Preamble* /*preamble*/, std::string_view bytes) {
    return Resync(bytes);
  }

  /// True if frames are lines, so that a source may count lines for messages.
  virtual bool is_line_based() const = 0;
};

/// Bytes -> rows. One thread at a time; a pipeline makes one instance a lane.
class Decoder {
 public:
  virtual ~Decoder() = default;
  /// Decodes whole frames. Bad records are in Split::dead; a failed status means that nothing of
  /// the block was processed.
  virtual arrow::Result<Split> Decode(const Block& block) = 0;
};

/// Rows -> bytes. One thread at a time.
class Encoder {
 public:
  virtual ~Encoder() = default;
  /// Appends the bytes of the rows to `bytes`. The first call writes a header where the format
  /// has one.
  virtual arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) = 0;
  /// Appends what closes the document, e.g. `]`.
  virtual arrow::Status Finish(std::string* bytes) = 0;
};

/// A configured format. Immutable; any thread.
class Codec {
 public:
  virtual ~Codec() = default;
  virtual arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const = 0;
  virtual arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(
      const DecodeOptions& options) const = 0;
  /// \retval kConfig if the format cannot be written
  virtual arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const = 0;
};

}  // namespace catchwater
