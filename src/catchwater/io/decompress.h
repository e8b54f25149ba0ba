/// \file
/// A stream of uncompressed bytes over a file that is plain, gzip (several members, RFC 1952) or
/// zstd (several frames, RFC 8878), chosen by its first bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

namespace catchwater {

enum class Compression { kNone, kGzip, kZstd };

/// Tells the compression from the first bytes of a file; 4 bytes suffice.
Compression DetectCompression(std::string_view first_bytes);

struct DecompressOptions {
  /// Refuses a bomb: output over ratio_max times the input, once it is over ratio_free_bytes.
  int64_t ratio_max = 1'000;
  int64_t ratio_free_bytes = 1 << 30;
};

/// One thread at a time.
class ByteReader {
 public:
  virtual ~ByteReader() = default;

  /// The file may still grow if it is plain.
  static arrow::Result<std::unique_ptr<ByteReader>> Open(
      std::shared_ptr<arrow::io::RandomAccessFile> file, const DecompressOptions& options = {});

  /// Fills `out` with the next bytes; fewer than asked only at the end (for now) of the file.
  /// \retval kBadData truncated or damaged, with the offset in the compressed file, or a bomb
  virtual arrow::Result<int64_t> Read(int64_t byte_count, char* out) = 0;
  /// Moves to an offset of the uncompressed bytes, not before offset(). Plain: to any, at no cost.
  /// \retval kBadData if the stream ends before it (compressed only)
  virtual arrow::Status SkipTo(int64_t offset) = 0;

  virtual int64_t offset() const = 0;  ///< Uncompressed bytes so far.
  virtual Compression compression() const = 0;
};

}  // namespace catchwater
